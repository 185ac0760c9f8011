import { counted } from "../factory/words.ts";
import { enteredPhase } from "./entered-phase.ts";
import { Ending, failed } from "./ending.ts";
import type { RunContext } from "./run-context.ts";
import { hookFacts, lastLines } from "./prepare.ts";
import type { Worktree } from "../worktrees/worktrees.ts";

/** The repository's own verification of what lies in the worktree: null = it passes or there is none; else its rejection. */
export async function verify(context: RunContext, worktree: Worktree): Promise<string | null> {
  const { parts, handle } = context;
  const run = await context.run();
  await context.record([enteredPhase(run, "verify", parts.clock.now())]);
  const outcome = await parts.worktrees.runHook("verify", worktree, {
    baseSha: worktree.base.sha,
    facts: await hookFacts(context, worktree),
    timeoutMs: parts.limits.verifyMs,
    signal: context.signal,
    onLine: (line) => handle.event("verify", line),
  });
  await context.throwIfStopped();
  if (outcome.ok) return null;
  if (outcome.timedOut) {
    throw new Ending(
      failed(
        "test",
        `The hook verify ran longer than ${counted(Math.round(parts.limits.verifyMs / 60_000), "minute")}: ${lastLines(outcome.output)}`,
        null,
      ),
    );
  }
  return outcome.output.slice(-16_000);
}
