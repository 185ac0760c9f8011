import type { Verdict } from "../judge/checks.ts";
import { listed } from "../words.ts";
import type { Situation } from "./situation.ts";

/** That the checks of the present head pass, as the beginning of a sentence. */
export function checksPass({ pullRequest, verdict }: Situation): string {
  if (verdict?.kind === "green" && verdict.checks === 0) return "No check runs on this commit";
  return (pullRequest?.required?.value.length ?? 0) === 0 ? "All checks pass" : "All required checks pass";
}

/** The checks at the beginning of a sentence. */
export function theChecks(names: readonly string[]): string {
  return `The check${names.length === 1 ? "" : "s"} ${listed(names.map((name) => `"${name}"`))}`;
}

/** What the checks are waited for with. */
export function pendingWords({ names, more, expected }: Extract<Verdict, { kind: "pending" }>): string {
  if (names.length > 0) return `${theChecks(names)} ${names.length === 1 ? "has" : "have"} not finished yet.`;
  if (expected === null || expected.length > 0) return notStarted(expected);
  return more ? "The checks so far have finished, but more may start." : "No check has started yet.";
}

/** That what is known to check a pull request has not come; null = what that is cannot be seen. */
export function notStarted(expected: readonly string[] | null): string {
  if (expected === null)
    return "Which checks this repository has cannot be seen, so whether all of them pass is not known.";
  const [has, them] = expected.length === 1 ? ["has", "it"] : ["have", "them"];
  return `${theChecks(expected)} ${has} not started on this commit, but this repository is known to have ${them}.`;
}

/** Why no check may ever come, where the forge tells who made the newest commit. */
export function startsNone({ pullRequest }: Situation): string {
  const newest = pullRequest?.commits.at(-1);
  if (newest?.by !== "bot" || newest.sha !== pullRequest?.core.value.head) return "";
  return ` The commit is by ${newest.name ?? "a machine"}: a push with a workflow's own token starts no workflow.`;
}
