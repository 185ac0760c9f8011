import type { Command } from "./command.ts";

/** A line of the table of commands; `load` reads its file when it is wanted. */
export interface CommandEntry {
  /** One or two words. */
  readonly name: string;
  readonly summary: string;
  readonly group: Group;
  readonly load: () => Promise<Command>;
}

type Group = "start" | "look" | "act" | "care";

/** The headings of help, in order. */
export const GROUPS: Readonly<Record<Group, string>> = {
  start: "Start",
  look: "Inspect (works even when the relay is down)",
  act: "Act",
  care: "Maintain",
};
