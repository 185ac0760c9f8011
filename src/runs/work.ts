import type { AgentEvent, AgentReport, AgentResult, AgentSession } from "../agents/agent.ts";
import type { CheckFailure } from "../forges/forge.ts";
import { NOTHING_SPENT, type Spent } from "../factory/facts/run.ts";
import { INSTRUCTIONS, promptFor, quote } from "../factory/effects/prompt.ts";
import { RUN_TYPES } from "../factory/facts/run-types.ts";
import { threadsFor } from "../factory/judge/reviews.ts";
import { classOf } from "../factory/judge/charging.ts";
import { messageOf } from "../lib/assert.ts";
import { clip } from "../lib/text.ts";
import { failpoint } from "../lib/failpoints.ts";
import type { Worktree } from "../worktrees/worktrees.ts";
import { enteredPhase } from "./entered-phase.ts";
import { fenceOf } from "./rejections.ts";
import { earlierThread } from "./earlier-thread.ts";
import { ended, Ending, failed } from "./ending.ts";
import { nextTry } from "./next-try.ts";
import type { RunContext, Worked } from "./run-context.ts";
import { retryOutages } from "./retry-outages.ts";

/**
 * One turn of the agent in the worktree: given the task, or what stands against its work of the turn before.
 * Returns what it left behind; throws the Ending when it failed, was stopped or asks.
 */
export async function work(
  context: RunContext,
  worktree: Worktree,
  rejection: string | null,
): Promise<Worked> {
  const { parts, handle, project } = context;
  const run = await context.run();
  await context.record([enteredPhase(run, "work", parts.clock.now())]);
  const agent = parts.agent(project.agent);
  const notReady = await agent.ready(context.signal);
  if (notReady !== null) throw new Ending(failed("infrastructure", notReady, await nextTry(context)));
  const { turns } = await context.progress();
  const prompt = rejection ?? (await task(context, worktree));
  const result = await turnOf(context, worktree, `${context.id}.t${turns + 1}`, prompt);
  failpoint("run.completion_seen");
  // Before the turn is counted: a run that a restart interrupts must come back to this very turn.
  await context.throwIfStopped();
  const told = await toldBy(context, result);
  // What came of the turn is kept with its count: a restart between the two would pay for the turn again.
  const outcome =
    told instanceof Ending
      ? { ending: { end: told.end, question: told.question } }
      : { worked: told, verified: false };
  await context.save({ turns: turns + 1, spent: result.spent, ...outcome });
  failpoint("run.turn_counted");
  await context.record([
    { kind: "run_spent", at: parts.clock.now(), run: run.number, fence: run.fence, spent: result.spent },
  ]);
  handle.event("result", `${result.how}: ${clip(result.report?.summary ?? result.text, 2_000)}`);
  if (told instanceof Ending) throw told;
  return told;
}

async function turnOf(
  context: RunContext,
  worktree: Worktree,
  promptId: string,
  prompt: string,
): Promise<AgentResult> {
  const { parts, project } = context;
  const run = await context.run();
  const before = (await context.progress()).spent ?? NOTHING_SPENT;
  const { workedMs } = await context.progress();
  const began = parts.clock.monotonic();
  let saved: Promise<unknown> = Promise.resolve(null);
  const session = await parts.agent(project.agent).work(
    {
      run: context.id,
      runType: run.type,
      directory: worktree.path,
      gitDirectories: [worktree.gitDir, worktree.commonDir],
      instructions: INSTRUCTIONS,
      prompt,
      thread: (await context.progress()).thread ?? (await threadBefore(context)),
      promptId,
      model: parts.model(project),
      stallMs: parts.limits.stallMs,
      deadlineMs: await timeLeftMs(context),
      maxTokens: Math.max(1, project.budgets.tokensPerRun - tokens(before)),
      onThread: async (thread) => {
        failpoint("run.thread_started");
        await context.save({ thread });
        await context.record([enteredPhase(run, "work", parts.clock.now(), { thread })]);
        failpoint("run.thread_saved");
      },
      onTurn: async (turn) => {
        failpoint("run.turn_started");
        await context.record([enteredPhase(run, "work", parts.clock.now(), { turn })]);
        failpoint("run.turn_saved");
      },
      onEvent(event) {
        record(context, event);
        if (event.kind === "spent") saved = saveAfter(saved, context, { spent: sum(before, event.spent) });
      },
    },
    context.signal,
  );
  try {
    const result = await accompanied(context, session);
    const fault = await saved;
    if (fault !== null) throw fault;
    await context.save({ workedMs: workedMs + Math.round(parts.clock.monotonic() - began) });
    return { ...result, spent: sum(before, result.spent) };
  } finally {
    await session.close();
  }
}

/** Waits for the turn while handing in what people say, and ends it when the run is told to stop. */
async function accompanied(context: RunContext, session: AgentSession): Promise<AgentResult> {
  const { handle, parts } = context;
  const run = await context.run();
  let steering: Promise<void> = Promise.resolve();
  const steer = async (): Promise<void> => {
    for (const { prompt, text } of await handle.steers.take()) {
      if (!(await session.steer(steerText(context, text), prompt))) return;
      handle.event("steered", clip(text, 500));
      await context.record([
        { kind: "prompt_delivered", at: parts.clock.now(), run: run.number, fence: run.fence, prompt },
      ]);
    }
  };
  const arrive = (): void => {
    steering = steering
      .then(steer)
      .catch((error: unknown) => handle.event("warning", `Could not pass on a message: ${messageOf(error)}`));
  };
  handle.steers.onArrival(arrive);
  arrive();
  const leave = (): void => {
    steering = steering
      .then(() => session.interrupt())
      .catch((error: unknown) => handle.event("warning", messageOf(error)));
  };
  context.signal.addEventListener("abort", leave, { once: true });
  if (context.signal.aborted) leave();
  try {
    const result = await session.result;
    await steering;
    return result;
  } finally {
    context.signal.removeEventListener("abort", leave);
  }
}

/** What came of the turn: what the agent says of its work, or the end of the run. */
async function toldBy(context: RunContext, result: AgentResult): Promise<Worked | Ending> {
  if (result.how === "interrupted")
    return new Ending(ended("interrupted", `The agent was interrupted: ${result.detail}`));
  if (result.how === "failed") {
    const retryAt = await nextTry(context, result.retryAt);
    return new Ending(failed(classOf(result), result.detail, retryAt));
  }
  if (result.commands.ran === 0 && result.commands.unstartable > 0) {
    return new Ending(
      failed(
        "infrastructure",
        "None of the agent's commands could start: its sandbox does not work here (see `patchrelay doctor`).",
        await nextTry(context),
      ),
    );
  }
  const { report, text } = result;
  const summary = (report?.summary ?? text).trim();
  const asked = report?.outcome === "question" ? questionOf(report, summary) : null;
  if (asked !== null) {
    context.parts.log.info("the agent asks", { run: context.id });
    return new Ending(ended("asked", summary || asked.text), asked);
  }
  const replies = (report?.threads ?? []).map(({ id, outcome, reply }) => ({
    thread: id,
    outcome,
    text: reply,
  }));
  return {
    outcome: outcomeOf(report, summary),
    // The commit and the pull request are made of it.
    summary: context.parts.scrub(summary) || "The agent gave no details.",
    replies,
  };
}

/** A person cannot answer what was not asked, nor choose what has no name: the tracker would refuse it. */
function questionOf({ question }: AgentReport, summary: string): Ending["question"] {
  const text = question?.text.trim() || summary;
  const options = (question?.options ?? []).map((option) => option.trim()).filter((option) => option !== "");
  return text === "" ? null : { text, options: [...new Set(options)] };
}

/** An agent without a report is taken by its words, but not by none, nor by a report that cannot be read. */
function outcomeOf(report: AgentReport | null, summary: string): Worked["outcome"] {
  if (report === null) return summary === "" || summary.startsWith("{") ? "silent" : "done";
  if (report.outcome === "question" || (report.outcome === "answer" && summary === "")) return "silent";
  return report.outcome;
}

/** Without the tree that its work stood in, a thread would go on about files that are gone. */
async function threadBefore(context: RunContext): Promise<string | null> {
  const before = earlierThread(await context.facts(), await context.run());
  return before === null || (before.unpublished && !(await context.progress()).kept) ? null : before.thread;
}

async function task(context: RunContext, worktree: Worktree): Promise<string> {
  const { parts } = context;
  const facts = await context.facts();
  const run = await context.run();
  const file = RUN_TYPES[run.type].workflow;
  const own = await parts.worktrees.readFileAt(
    worktree,
    { sha: worktree.base.sha, path: file },
    context.signal,
  );
  const before = facts.runs.findLast(
    (row) => row.number < run.number && row.cause.key === run.cause.key && row.end !== null,
  );
  return promptFor(facts, run, {
    workflow: own ?? parts.workflow(file),
    failures: await failures(context),
    threads: threadsFor(facts, run, parts.policy),
    baseBranch: worktree.target.branch,
    conflict: (await context.progress()).conflict,
    before: before?.end?.summary ?? null,
    fence: fenceOf(context),
  });
}

async function failures(context: RunContext): Promise<readonly CheckFailure[]> {
  const { parts, project } = context;
  const run = await context.run();
  const facts = await context.facts();
  const ejection =
    run.cause.ejection === null ? null : (facts.pullRequest?.ejections[run.cause.ejection] ?? null);
  const sha = run.type === "ci_repair" ? run.cause.head : (ejection?.group ?? null);
  if (sha === null) return [];
  try {
    return await retryOutages(context, "Reading the failing checks", () =>
      parts.forge.checkFailures(project.repository, sha, run.cause.checks, context.signal),
    );
  } catch (error) {
    context.signal.throwIfAborted();
    // The agent can look for the failure itself; a log that is not available must not cost the run.
    context.handle.event("warning", `Could not read the failing checks: ${messageOf(error)}`);
    return [];
  }
}

function steerText(context: RunContext, text: string): string {
  return `A person with the right to steer this work says:\n${quote("MESSAGE", text, fenceOf(context))}`;
}

/** Saves what comes while a turn goes on, one after the other. Resolves with the first fault; null = none. */
async function saveAfter(
  before: Promise<unknown>,
  context: RunContext,
  patch: Parameters<RunContext["save"]>[0],
): Promise<unknown> {
  const fault = await before;
  if (fault !== null) return fault;
  try {
    await context.save(patch);
    return null;
  } catch (error) {
    return error;
  }
}

function record(context: RunContext, event: AgentEvent): void {
  const { handle } = context;
  context.glimpses.note(event);
  switch (event.kind) {
    case "message":
    case "reasoning":
    case "warning":
      handle.event(event.kind, event.text);
      return;
    case "command":
      handle.event("command", `$ ${event.command}\n${event.output}\nexit ${event.exitCode ?? "?"}`);
      return;
    case "files":
      handle.event("files", event.paths.join("\n"));
      return;
    case "plan":
      handle.event("plan", event.items.map((item) => `[${item.status}] ${item.content}`).join("\n"));
      return;
    case "spent":
      return;
  }
}

/** What one turn used comes on top of what earlier turns of the run did. */
function sum(a: Spent, b: Spent): Spent {
  const usd = a.usd === null ? b.usd : b.usd === null ? a.usd : a.usd + b.usd;
  return { input: a.input + b.input, cached: a.cached + b.cached, output: a.output + b.output, usd };
}

function tokens(spent: Spent): number {
  return spent.input + spent.output;
}

/** The run's time is for all its turns; a turn that begins late still gets a minute to say so. */
async function timeLeftMs(context: RunContext): Promise<number> {
  const whole = context.project.budgets.runMinutes * 60_000;
  return Math.max(60_000, whole - (await context.progress()).workedMs);
}
