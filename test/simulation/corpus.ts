/**
 * Seeds that once failed, or whose history gives a planted mistake away; played first. A seed means the same
 * history only as long as settings.ts draws the same numbers in the same order: whoever changes that looks
 * for the story of each anew (`run.ts --mistake NAME --seeds 500`).
 */
export const CORPUS: readonly { readonly seed: number; readonly why: string }[] = [
  { seed: 3, why: "a conflict with the base that was there when the pull request was opened" },
  { seed: 4, why: "the process dies between the commits that belong together" },
  { seed: 9, why: "a stop arrives while the merge waits in the outbox" },
  { seed: 44, why: "a person pushes between the agent's last word and our push" },
  { seed: 160, why: "a check that timed out, was repaired, and then passed when run again" },
  { seed: 202, why: "effects of two lanes that wait out the same outage" },
];
