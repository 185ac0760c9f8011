import type { Facts } from "./facts/facts.ts";
import type { RunPhase, StopReason } from "./facts/run.ts";

/**
 * How texts for people are put together. A `why` is one or more whole sentences, each with its end, so that another may
 * follow; a `waitsFor` is a phrase that follows "waiting for" and has no end of its own.
 */

const LONGEST = 200;
/** A reason may hold what to do about it, at its end. */
const LONGEST_REASON = 600;

/** At most `most` UTF-16 units, the cut marked by an ellipsis; no character is cut in two. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** The first line of what a person, an agent or a program wrote, short enough for a sentence of ours; `…` where there is more. */
export function firstLine(text: string, longest = LONGEST): string {
  const [line = "", ...more] = text.trim().split("\n");
  const first = line.trimEnd();
  if (first.length > longest) return cut(first, longest);
  return more.length === 0 ? first : `${first} …`;
}

/** `text` with the end of a sentence, if it has none. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "" || /[.!?…]["”')\]`]*$/.test(trimmed)) return trimmed;
  return `${trimmed.replace(/[,;:]$/, "")}.`;
}

/** One sentence after the other; what is empty is left out. */
export function sentences(...texts: readonly string[]): string {
  return texts
    .map(sentence)
    .filter((text) => text !== "")
    .join(" ");
}

/** What somebody said, as a sentence: `Ann asked: "also the docs".` Without their words only that they did. */
export function quoting(lead: string, words: string): string {
  const line = firstLine(words);
  return line === "" ? `${lead}.` : sentence(`${lead}: "${line}"`);
}

/** The reason that a program, a service or an agent gives, as a sentence; without one the lead alone. */
export function withReason(lead: string, reason: string): string {
  const line = firstLine(reason, LONGEST_REASON);
  return line === "" ? `${lead}.` : sentence(`${lead}: ${line}`);
}

/** A number of things: `1 check`, `2 checks`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

const MOST_LISTED = 3;

/** Names in a row: `a`, `a and b`, `a, b and c`, `a, b, c and 2 more`. */
export function listed(names: readonly string[]): string {
  const shown = names.length > MOST_LISTED + 1 ? names.slice(0, MOST_LISTED) : names;
  const more = names.length - shown.length;
  const items = more === 0 ? shown : [...shown, `${more} more`];
  const last = items.at(-1) ?? "";
  return items.length < 2 ? last : `${items.slice(0, -1).join(", ")} and ${last}`;
}

/** What is waited for when only an operator's command helps; `key` as people know the issue. */
export function operatorRuns(command: "retry" | "resume", facts: Facts): string {
  return `an operator to run \`patchrelay issue ${command} ${keyOf(facts)}\``;
}

/** The key; before it was read our own id, which every command takes as well. */
export function keyOf({ ticket, id }: Pick<Facts, "ticket" | "id">): string {
  return ticket.core?.value.key ?? id;
}

const STOPPED_BECAUSE: Readonly<Record<StopReason, string>> = {
  stopped: "a person asked for it",
  undelegated: "the issue was undelegated",
  superseded: "the reason for it no longer holds",
  closed: "the issue has ended",
  merged: "the pull request is merged",
  budget: "its budget is spent",
};

/** Why a run is stopped, to follow "because". */
export function stopWords(reason: StopReason): string {
  return STOPPED_BECAUSE[reason];
}

const PHASE_WORDS: Readonly<Record<RunPhase, string>> = {
  reserve: "it is about to begin",
  prepare: "the worktree is being prepared",
  work: "the agent is working",
  verify: "the repository's own checks are running",
  inspect: "the change is being inspected",
  publish: "the change is being published",
  settle: "its result is being recorded",
};

/** What goes on in a phase of a run. */
export function phaseWords(phase: RunPhase): string {
  return PHASE_WORDS[phase];
}
