import { ExternalError } from "../../../lib/external.ts";
import type { StatusAnswer } from "./operations.ts";

type State = StatusAnswer["issue"]["team"]["states"]["nodes"][number];

/** What to do about an issue's status: move it, or leave it and say why. */
export type Move =
  | { readonly to: State; readonly story: string }
  | { readonly to: null; readonly story: string };

const NOT_STARTED: ReadonlySet<string> = new Set(["triage", "backlog", "unstarted"]);
const OVER: ReadonlySet<string> = new Set(["completed", "canceled", "duplicate"]);

/**
 * Where an issue should go: the team's state of that type with the lowest position, or the one configured by
 * `name`, if the team has that. It only ever goes forward, so what a person did meanwhile stays. Throws ExternalError
 * `refused` when the team's workflow has no state of the type.
 */
export function chooseMove(
  issue: StatusAnswer["issue"],
  to: "started" | "completed",
  name: string | null,
): Move {
  const now = issue.state;
  const leave = (why: string): Move => ({ to: null, story: `left at "${now.name}": ${why}` });
  if (issue.trashed === true) return leave("the issue is in the trash");
  if (OVER.has(now.type)) return leave(`it is already ${now.type}`);
  if (to === "started" && !NOT_STARTED.has(now.type)) return leave(`it is already ${now.type}`);
  const states = issue.team.states.nodes;
  const meant = name === null ? null : named(states, name);
  const target = meant ?? first(states, to);
  if (target === null) {
    const has = states.map((state) => `${state.name} (${state.type})`).join(", ");
    throw new ExternalError("refused", `team ${issue.team.key} has no status of type ${to}; it has ${has}`);
  }
  if (target.id === now.id) return leave("it already has that status");
  const instead = name === null || meant !== null ? "" : `, for there is none named ${JSON.stringify(name)}`;
  return { to: target, story: `moved from "${now.name}" to "${target.name}"${instead}` };
}

function first(states: readonly State[], type: string): State | null {
  const found = states.filter((state) => state.type === type).toSorted((a, b) => a.position - b.position);
  return found[0] ?? null;
}

function named(states: readonly State[], name: string): State | null {
  const wanted = name.trim().toLowerCase();
  return states.find((state) => state.name.toLowerCase() === wanted || state.id === name) ?? null;
}
