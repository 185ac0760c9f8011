import { waiting, type Answer } from "./answer.ts";

/** What is waited for as long as this with nothing happening (ms) needs somebody who knows of it. */
const OVERDUE_MS = 3_600_000;

/** A wait that turns into one for a person once nothing has happened since `since` (Unix ms) for too long: they are told once. */
export function untilOverdue(
  { now }: { readonly now: number },
  since: number | null,
  wait: Answer,
  overdue: { readonly why: string; readonly waitsFor: string },
): Answer {
  if (since === null) return wait;
  if (now >= since + OVERDUE_MS) return waiting("awaiting_input", overdue.why, overdue.waitsFor);
  return { ...wait, until: Math.min(wait.until ?? Infinity, since + OVERDUE_MS) };
}

/** A required check that nobody reports, in words. */
export function neverReported(
  what: string,
  many: boolean,
): { readonly why: string; readonly waitsFor: string } {
  const [has, it, is] = many ? ["have", "them", "are"] : ["has", "it", "is"];
  return {
    why: `${what} ${is} required and ${has} not been reported, and nothing has run on this commit for an hour. Either no workflow or App here reports ${it}, or it skips this commit (a path filter, or \`[skip ci]\` in its message).`,
    waitsFor: `a person to have ${it} reported, or to take ${it} out of the rules of the base branch`,
  };
}
