import { NOTHING_SPENT } from "../factory/facts/run.ts";
import { Fenced, type RunHandle } from "../engines/engine.ts";
import { messageOf } from "../lib/assert.ts";
import { failpoint } from "../lib/failpoints.ts";
import { ExternalError } from "../lib/external.ts";
import { firstOf } from "../lib/signals.ts";
import { clip } from "../lib/text.ts";
import { Unstorable } from "../worktrees/errors.ts";
import type { Changes, Worktree } from "../worktrees/worktrees.ts";
import { enteredPhase } from "./entered-phase.ts";
import { rejectionOf, type Rejection, type Shown } from "./rejections.ts";
import { ended, Ending, failed } from "./ending.ts";
import { objections } from "./inspect.ts";
import { nextTry } from "./next-try.ts";
import { runContextOf, stopEnding, type RunContext, type Worked } from "./run-context.ts";
import type { RunParts } from "./parts.ts";
import { hookFacts, prepare } from "./prepare.ts";
import { openLeftOver, publish } from "./publish.ts";
import { work } from "./work.ts";

/** How often the agent gets its work back because it cannot be taken as it is. */
const MOST_REJECTIONS = 2;

/**
 * Carries out one run: prepare, work, verify, inspect, publish, settle. Every step can be repeated; after a
 * restart the run goes on where its saved progress stands. Resolves once the run is settled, and rejects only
 * when the relay stops (the run then stays resumable) or somebody else has settled it.
 */
export async function performRun(handle: RunHandle, parts: RunParts): Promise<void> {
  const stop = new AbortController();
  const until = firstOf(handle.signal, stop.signal);
  handle.stopped.then(
    (reason) => stop.abort(new Error(`the run was stopped: ${reason}`)),
    () => undefined,
  );
  try {
    await carryOut(handle, parts, until.signal);
  } finally {
    until.release();
  }
}

async function carryOut(handle: RunHandle, parts: RunParts, signal: AbortSignal): Promise<void> {
  let ending: Ending;
  let context: RunContext | null = null;
  try {
    context = await runContextOf(handle, parts, signal);
    parts.log.info("run under way", { issue: handle.issue, run: handle.run });
    const known = (await context.progress()).ending;
    ending = known === null ? await runSteps(context) : new Ending(known.end, known.question);
  } catch (error) {
    ending = await endingOf(error, handle, context);
  } finally {
    await context?.glimpses.end();
  }
  await settle(handle, parts, context, ending);
}

async function runSteps(context: RunContext): Promise<Ending> {
  await context.throwIfStopped();
  const worktree = await prepare(context);
  await context.throwIfStopped();
  const worked = await workUntilAccepted(context, worktree);
  if (worked.outcome === "answer" || (await asksForWords(context)))
    return new Ending(ended("answered", worked.summary, worked.replies));
  const baseline = await baselineOf(context, worktree);
  const { changes, integrated } = await show(context, worktree);
  const nothing = changes.files.length === 0 && !integrated;
  if (nothing || !(await context.progress()).verified) {
    const opened = await openLeftOver(context, worktree, worked, baseline);
    return opened ? new Ending(ended("published", worked.summary, worked.replies)) : nothingChanged(worked);
  }
  // What the base's own commits brought is not the agent's doing.
  const tree = (await context.progress()).integrated;
  await inspect(context, tree === null ? changes : await changesFrom(context, worktree, tree));
  await publish(context, worktree, worked);
  return new Ending(ended("published", worked.summary, worked.replies));
}

/** Whether what the agent changed, if it changed anything, is not wanted. */
async function asksForWords(context: RunContext): Promise<boolean> {
  return (await context.run()).cause.asks === "answer";
}

async function baselineOf(context: RunContext, worktree: Worktree): Promise<string> {
  return (await context.progress()).baseline ?? worktree.base.sha;
}

async function changesFrom(context: RunContext, worktree: Worktree, from: string): Promise<Changes> {
  const { worktrees, limits } = context.parts;
  return await worktrees.changes(worktree, from, {
    signal: context.signal,
    maxPatchBytes: limits.maxChangedBytes + 1,
  });
}

async function show(context: RunContext, worktree: Worktree): Promise<Shown> {
  const baseline = await baselineOf(context, worktree);
  const changes = await changesFrom(context, worktree, baseline);
  const { head } = await context.parts.worktrees.status(worktree, context.signal);
  // An integration of the base may change no file of ours, yet it is the repair.
  const progress = await context.progress();
  const integrated = progress.integrated !== null && (head !== baseline || progress.conflict);
  const leftOver =
    head === progress.leftOver && (await changesFrom(context, worktree, head)).files.length === 0;
  return { changes, integrated, leftOver };
}

/** "Nothing needs changing" is an answer; "done" with nothing to show for it is a failed attempt, not a fix. */
function nothingChanged({ outcome, summary, replies }: Worked): Ending {
  return outcome === "done"
    ? new Ending(
        failed(
          "agent",
          `The agent said that it was done, but it changed nothing. It reported: ${summary}`,
          null,
        ),
      )
    : new Ending(ended("no_change", summary, replies));
}

async function workUntilAccepted(context: RunContext, worktree: Worktree): Promise<Worked> {
  let { worked } = await context.progress();
  let rejection: Rejection | null = null;
  for (let round = 0; ; round += 1) {
    if (worked === null || rejection !== null) {
      worked = await work(context, worktree, rejection?.prompt ?? null);
    }
    if ((await context.progress()).verified || (await asksForWords(context))) return worked;
    rejection = await rejectionOf(context, worktree, worked, () => show(context, worktree));
    if (rejection === null) return worked;
    if (rejection.end === null && round > 0) return worked;
    if (rejection.end !== null && round >= MOST_REJECTIONS) throw new Ending(rejection.end);
  }
}

async function inspect(context: RunContext, changes: Parameters<typeof objections>[0]): Promise<void> {
  const run = await context.run();
  const { parts } = context;
  await context.record([enteredPhase(run, "inspect", parts.clock.now())]);
  const found = objections(changes, run.type, parts.limits);
  if (found.length > 0)
    throw new Ending(failed("policy", `The change was not published: ${found.join("; ")}.`, null));
}

/** What an error means for the run; rethrows what is not the run's to settle. */
async function endingOf(error: unknown, handle: RunHandle, context: RunContext | null): Promise<Ending> {
  if (error instanceof Ending) return error;
  if (error instanceof Fenced) throw error;
  const reason = handle.stopReason();
  if (reason !== null) return stopEnding(reason, (await context?.run())?.headAfter ?? null);
  if (handle.signal.aborted) throw error;
  if (error instanceof Unstorable)
    return new Ending(
      failed("policy", `The change cannot be stored as .gitattributes has it: ${error.message}.`, null),
    );
  const reported = error instanceof ExternalError ? error.retryAt : null;
  const retryAt = context === null ? reported : await nextTry(context, reported);
  return new Ending(failed("infrastructure", messageOf(error), retryAt));
}

async function settle(
  handle: RunHandle,
  parts: RunParts,
  context: RunContext | null,
  ending: Ending,
): Promise<void> {
  if (context !== null) {
    // Known from here on: the hook may take minutes, and the agent's turn must not be paid for again after a kill.
    await context.save({ ending: { end: ending.end, question: ending.question } });
    await afterRun(context);
  }
  failpoint("run.settle_in_tx");
  const spent = (await context?.progress())?.spent ?? NOTHING_SPENT;
  const { end, question } = fitToTell(ending, (text) => parts.scrub(text));
  await handle.record([
    {
      kind: "run_ended",
      at: parts.clock.now(),
      run: handle.run,
      fence: handle.fence,
      end,
      question,
      spent,
    },
  ]);
  const { outcome, failureClass, summary } = end;
  const why = outcome === "failed" ? { failureClass, why: clip(summary, LONGEST_LOGGED) } : {};
  parts.log.info("run ended", { issue: handle.issue, run: handle.run, outcome, ...why });
  failpoint("run.settled");
}

const LONGEST_SUMMARY = 8_000;
const LONGEST_LOGGED = 300;

/** From here on the tracker, the forge and people hear of it. */
function fitToTell(
  { end, question }: Ending,
  scrub: (text: string) => string,
): Pick<Ending, "end" | "question"> {
  return {
    end: {
      ...end,
      summary: clip(scrub(end.summary), LONGEST_SUMMARY),
      replies: end.replies.map((reply) => ({ ...reply, text: scrub(reply.text) })),
    },
    question: question === null ? null : { text: scrub(question.text), options: question.options.map(scrub) },
  };
}

/** The hook `after-run` is for the repository's own tidying; it changes nothing about how the run ended. */
async function afterRun(context: RunContext): Promise<void> {
  const { worktree } = await context.progress();
  if (worktree === null || context.handle.signal.aborted) return;
  try {
    const outcome = await context.parts.worktrees.runHook("after-run", worktree, {
      baseSha: worktree.base.sha,
      facts: await hookFacts(context, worktree),
      timeoutMs: context.parts.limits.hookMs,
      signal: context.handle.signal,
    });
    if (!outcome.ok)
      context.parts.log.warn("the hook after-run failed", { run: context.id, exitCode: outcome.exitCode });
  } catch (error) {
    if (context.handle.signal.aborted) return;
    context.parts.log.warn("could not run the hook after-run", {
      run: context.id,
      error: messageOf(error),
    });
  }
}
