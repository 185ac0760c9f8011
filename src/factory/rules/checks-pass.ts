import type { Situation } from "./situation.ts";

/** That the checks of the present head pass, as the beginning of a sentence. */
export function checksPass({ pullRequest, verdict }: Situation): string {
  if (verdict?.kind === "green" && verdict.checks === 0) return "No check runs on this commit";
  return (pullRequest?.required?.value.length ?? 0) === 0 ? "All checks pass" : "All required checks pass";
}
