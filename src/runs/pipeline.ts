import { NOTHING_SPENT } from "../factory/facts/facts.ts";
import { Fenced, type Running } from "../engines/engine.ts";
import { messageOf } from "../lib/assert.ts";
import { reach } from "../lib/failpoints.ts";
import { OutsideError } from "../lib/outside.ts";
import { firstOf } from "../lib/signals.ts";
import type { Changes, Worktree } from "../worktrees/worktrees.ts";
import { complaintOf, type Complaint, type Shown } from "./complaints.ts";
import { ended, Ending, failed } from "./ending.ts";
import { objections } from "./inspect.ts";
import { journeyOf, stopEnding, type Journey, type Worked } from "./journey.ts";
import type { RunParts } from "./parts.ts";
import { hookFacts, prepare } from "./prepare.ts";
import { openLeftOver, publish } from "./publish.ts";
import { again, work } from "./work.ts";

/** How often the agent gets its work back because it can not be taken as it is. */
const MOST_COMPLAINTS = 2;

/**
 * Carries out one run: prepare, work, verify, inspect, publish, settle. Every step can be repeated; after a
 * restart the run goes on where its saved progress stands. Resolves once the run is settled, and rejects only
 * when the relay stops (the run then stays resumable) or somebody else has settled it.
 */
export async function performRun(running: Running, parts: RunParts): Promise<void> {
  const stop = new AbortController();
  const until = firstOf(running.signal, stop.signal);
  running.stopped.then(
    (reason) => stop.abort(new Error(`the run was told to stop: ${reason}`)),
    () => undefined,
  );
  try {
    await carryOut(running, parts, until.signal);
  } finally {
    until.release();
  }
}

async function carryOut(running: Running, parts: RunParts, signal: AbortSignal): Promise<void> {
  let ending: Ending;
  let journey: Journey | null = null;
  try {
    journey = journeyOf(running, parts, signal);
    const known = journey.progress().ending;
    ending = known === null ? await travel(journey) : new Ending(known.end, known.question);
  } catch (error) {
    ending = endingOf(error, running, journey);
  }
  await settle(running, parts, journey, ending);
}

async function travel(journey: Journey): Promise<Ending> {
  journey.goOn();
  const worktree = await prepare(journey);
  journey.goOn();
  const worked = await workUntilAccepted(journey, worktree);
  if (worked.outcome === "answer") return new Ending(ended("answered", worked.summary, worked.replies));
  const baseline = baselineOf(journey, worktree);
  const { changes, integrated } = await show(journey, worktree);
  const nothing = changes.files.length === 0 && !integrated;
  if (nothing || !journey.progress().verified) {
    const opened = await openLeftOver(journey, worktree, worked, baseline);
    return opened ? new Ending(ended("published", worked.summary, worked.replies)) : nothingChanged(worked);
  }
  // What the base's own commits brought is not the agent's doing.
  const tree = journey.progress().integrated;
  await inspect(journey, tree === null ? changes : await changesFrom(journey, worktree, tree));
  await publish(journey, worktree, worked);
  return new Ending(ended("published", worked.summary, worked.replies));
}

function baselineOf(journey: Journey, worktree: Worktree): string {
  return journey.progress().baseline ?? worktree.base.sha;
}

async function changesFrom(journey: Journey, worktree: Worktree, from: string): Promise<Changes> {
  const { worktrees, limits } = journey.parts;
  return await worktrees.changes(worktree, from, {
    signal: journey.signal,
    maxPatchBytes: limits.maxChangedBytes + 1,
  });
}

async function show(journey: Journey, worktree: Worktree): Promise<Shown> {
  const baseline = baselineOf(journey, worktree);
  const changes = await changesFrom(journey, worktree, baseline);
  const { head } = await journey.parts.worktrees.status(worktree, journey.signal);
  // An integration of the base may change no file of ours, yet it is the repair.
  const progress = journey.progress();
  const integrated = progress.integrated !== null && (head !== baseline || progress.conflict);
  const leftOver =
    head === progress.leftOver && (await changesFrom(journey, worktree, head)).files.length === 0;
  return { changes, integrated, leftOver };
}

/** "Nothing needs changing" is an answer; "done" with nothing to show for it is a failed attempt, not a fix. */
function nothingChanged({ outcome, summary, replies }: Worked): Ending {
  return outcome === "done"
    ? new Ending(
        failed("agent", `The agent said it was done, but changed nothing. It said: ${summary}`, null),
      )
    : new Ending(ended("no_change", summary, replies));
}

async function workUntilAccepted(journey: Journey, worktree: Worktree): Promise<Worked> {
  let { worked } = journey.progress();
  let complaint: Complaint | null = null;
  for (let round = 0; ; round += 1) {
    if (worked === null || complaint !== null) {
      worked = await work(journey, worktree, complaint?.prompt ?? null);
    }
    if (journey.progress().verified) return worked;
    complaint = await complaintOf(journey, worktree, worked, () => show(journey, worktree));
    if (complaint === null) return worked;
    if (complaint.end === null && round > 0) return worked;
    if (complaint.end !== null && round >= MOST_COMPLAINTS) throw new Ending(complaint.end);
  }
}

async function inspect(journey: Journey, changes: Parameters<typeof objections>[0]): Promise<void> {
  const run = journey.run();
  const { parts } = journey;
  await journey.observe([
    { kind: "run_advanced", at: parts.clock.now(), run: run.number, fence: run.fence, phase: "inspect" },
  ]);
  const found = objections(changes, run.type, parts.limits);
  if (found.length > 0)
    throw new Ending(failed("policy", `The change was not published: ${found.join("; ")}.`, null));
}

/** What an error means for the run; rethrows what is not the run's to settle. */
function endingOf(error: unknown, running: Running, journey: Journey | null): Ending {
  if (error instanceof Ending) return error;
  if (error instanceof Fenced) throw error;
  const reason = running.stopReason();
  if (reason !== null) return stopEnding(reason, journey?.run().headAfter ?? null);
  if (running.signal.aborted) throw error;
  const retryAt =
    error instanceof OutsideError && error.retryAt !== null
      ? error.retryAt
      : journey === null
        ? null
        : again(journey);
  return new Ending(failed("infrastructure", messageOf(error), retryAt));
}

async function settle(
  running: Running,
  parts: RunParts,
  journey: Journey | null,
  ending: Ending,
): Promise<void> {
  if (journey !== null) {
    // Known from here on: the hook may take minutes, and the agent's turn must not be paid for again after a kill.
    journey.save({ ending: { end: ending.end, question: ending.question } });
    await afterRun(journey);
  }
  reach("run.settle_in_tx");
  const spent = journey?.progress().spent ?? NOTHING_SPENT;
  const { end, question } = fitToTell(ending, (text) => parts.scrub(text));
  await running.observe([
    {
      kind: "run_ended",
      at: parts.clock.now(),
      run: running.run,
      fence: running.fence,
      end,
      question,
      spent,
    },
  ]);
  reach("run.settled");
}

const LONGEST_SUMMARY = 8_000;

/** From here on the tracker, the forge and people are told of it. */
function fitToTell(
  { end, question }: Ending,
  scrub: (text: string) => string,
): Pick<Ending, "end" | "question"> {
  return {
    end: {
      ...end,
      summary: scrub(end.summary).slice(0, LONGEST_SUMMARY),
      replies: end.replies.map((reply) => ({ ...reply, text: scrub(reply.text) })),
    },
    question: question === null ? null : { text: scrub(question.text), options: question.options.map(scrub) },
  };
}

/** The hook `after-run` is for the repository's own tidying; it changes nothing about how the run ended. */
async function afterRun(journey: Journey): Promise<void> {
  const { worktree } = journey.progress();
  if (worktree === null || journey.running.signal.aborted) return;
  try {
    const outcome = await journey.parts.worktrees.runHook("after-run", worktree, {
      baseSha: worktree.base.sha,
      facts: hookFacts(journey, worktree),
      timeoutMs: journey.parts.limits.hookMs,
      signal: journey.running.signal,
    });
    if (!outcome.ok)
      journey.parts.log.warn("the hook after-run failed", { run: journey.id, exitCode: outcome.exitCode });
  } catch (error) {
    journey.parts.log.warn("the hook after-run could not be run", {
      run: journey.id,
      error: messageOf(error),
    });
  }
}
