import { Ending, failed } from "./ending.ts";
import type { Journey } from "./journey.ts";
import { hookFacts, lastLines } from "./prepare.ts";
import type { Worktree } from "../worktrees/worktrees.ts";

/** The repository's own verification of what lies in the worktree: null = it passes or there is none; else its complaint. */
export async function verify(journey: Journey, worktree: Worktree): Promise<string | null> {
  const { parts, running } = journey;
  const run = journey.run();
  await journey.observe([
    { kind: "run_advanced", at: parts.clock.now(), run: run.number, fence: run.fence, phase: "verify" },
  ]);
  const outcome = await parts.worktrees.runHook("verify", worktree, {
    baseSha: worktree.base.sha,
    facts: hookFacts(journey, worktree),
    timeoutMs: parts.limits.verifyMs,
    signal: journey.signal,
    onLine: (line) => running.event("verify", line),
  });
  journey.goOn();
  if (outcome.ok) return null;
  if (outcome.timedOut) {
    throw new Ending(
      failed(
        "test",
        `The hook verify ran longer than ${Math.round(parts.limits.verifyMs / 60_000)} minutes: ${lastLines(outcome.output)}`,
        null,
      ),
    );
  }
  return outcome.output.slice(-16_000);
}
