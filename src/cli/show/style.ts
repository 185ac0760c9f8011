/** Text in another colour. */
export type Paint = (text: string) => string;

/** Colours, or nothing. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

/** ANSI colours when `color`; else text stays as it is. */
export function styleOf(color: boolean): Style {
  const paint =
    (on: number, off: number) =>
    (text: string): string =>
      color && text !== "" ? `\u001b[${on}m${text}\u001b[${off}m` : text;
  return {
    bold: paint(1, 22),
    dim: paint(2, 22),
    red: paint(31, 39),
    green: paint(32, 39),
    yellow: paint(33, 39),
    cyan: paint(36, 39),
  };
}

const NEEDS_PERSON = ["awaiting_input", "escalated"];
const AGENT_WORKS = ["preparing", "implementing", "repairing_ci", "changes_requested", "repairing_queue"];

/** The colour of a factory state: red and yellow want a person, cyan is an agent at work. */
export function stateStyle(state: string, style: Style): Paint {
  if (state === "done") return style.green;
  if (state === "failed" || state === "escalated") return style.red;
  if (NEEDS_PERSON.includes(state) || state === "awaiting_review") return style.yellow;
  if (AGENT_WORKS.includes(state)) return style.cyan;
  return state === "paused" ? style.dim : (text) => text;
}
