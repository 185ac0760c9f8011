import { mergeMessage } from "../factory/effects/texts/pull-request.ts";
import { branchAfter, worktreeNameOf } from "../factory/facts/ids.ts";
import { RUN_TRAILER } from "../lib/committer.ts";
import { failpoint } from "../lib/failpoints.ts";
import { ExternalError } from "../lib/external.ts";
import { messageOf } from "../lib/assert.ts";
import { BranchTaken, MissingBaseBranch } from "../worktrees/errors.ts";
import type { HookFacts } from "../worktrees/hooks.ts";
import type { Worktree } from "../worktrees/worktrees.ts";
import { enteredPhase } from "./entered-phase.ts";
import { earlierThread } from "./earlier-thread.ts";
import { ended, Ending, failed } from "./ending.ts";
import { nextTry } from "./next-try.ts";
import { objections } from "./inspect.ts";
import type { RunContext } from "./run-context.ts";
import { retryOutages } from "./retry-outages.ts";

const HOOK_TRIES = 3;

/** Makes the worktree at the right base, salvage first, and runs the repository's `prepare-worktree`. */
export async function prepare(context: RunContext): Promise<Worktree> {
  const { handle, parts, project } = context;
  const run = await context.run();
  await context.record([enteredPhase(run, "prepare", parts.clock.now())]);
  const known = await context.progress();
  const keep = known.worktree !== null || (earlierThread(await context.facts(), run)?.unpublished ?? false);
  const prepared = await onOwnBranch(context, keep);
  failpoint("run.worktree_made");
  let worktree: Worktree = prepared;
  if (known.worktree === null) {
    let { integrated, merging: conflict } = prepared;
    // A push of somebody else's since a kept worktree was made is not in it: publishing has to find the branch moved.
    const { kept, standsOn: remoteHead } = prepared;
    if (run.type === "queue_repair" && !kept) {
      if (remoteHead !== null && remoteHead !== prepared.head)
        await inspectLeftOver(context, prepared, remoteHead);
      const by = await retryOutages(context, "Asking for our account", () =>
        parts.forge.signature(context.signal),
      );
      const made = await parts.worktrees.integrate(prepared, {
        onto: prepared.target.sha,
        message: mergeMessage(prepared.target.branch, prepared.branch),
        trailers: { [RUN_TRAILER]: context.id },
        by,
        leaveConflict: true,
        signal: context.signal,
      });
      conflict = made.outcome === "conflict";
      integrated = made.tree;
    }
    // A commit that never reached the remote is of this run too: it is inspected, and it is a change.
    const baseline = prepared.publishedUpTo;
    const leftOver = integrated === null && prepared.head !== baseline ? prepared.head : null;
    await context.save({
      worktree: recordOf(prepared),
      baseline,
      leftOver,
      conflict,
      kept,
      integrated,
      remoteHead,
    });
    const headBefore = prepared.remoteHead ?? prepared.head;
    await context.record([enteredPhase(run, "prepare", parts.clock.now(), { headBefore })]);
  } else {
    worktree = { ...recordOf(prepared), ...known.worktree };
  }
  for (const ref of prepared.salvaged) handle.event("salvaged", ref);
  if (!known.hooked) {
    await hook(context, worktree, project.repository);
    await context.save({ hooked: true });
    failpoint("run.hook_done");
  }
  return worktree;
}

/** What an earlier run committed and could not push, before it can no longer be told from what the base brings. */
async function inspectLeftOver(context: RunContext, worktree: Worktree, remoteHead: string): Promise<void> {
  const { parts, signal } = context;
  const maxPatchBytes = parts.limits.maxChangedBytes + 1;
  const changes = await parts.worktrees.changes(worktree, remoteHead, { signal, maxPatchBytes });
  const found = objections(changes, (await context.run()).type, parts.limits);
  if (found.length > 0)
    throw new Ending(
      failed("policy", `Work left over from an earlier run was not published: ${found.join("; ")}.`, null),
    );
}

/** So many names are tried where branches of that name are somebody else's. */
const MOST_NAMES = 20;

/** Prepares on a branch that is the issue's own: a name tells nothing of whose a branch is. */
async function onOwnBranch(context: RunContext, keep: boolean): ReturnType<typeof atBase> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await retryOutages(context, "Fetching", () => atBase(context, keep));
    } catch (error) {
      if (!(error instanceof BranchTaken)) throw error;
      if (tries === MOST_NAMES) throw new Ending(failed("infrastructure", messageOf(error), null));
      await takeOtherName(context);
    }
  }
}

async function takeOtherName(context: RunContext): Promise<void> {
  const { parts, project, handle, signal } = context;
  const branch = (await context.facts()).project?.branch ?? "";
  const reading = await retryOutages(context, "Looking for a pull request of the branch", () =>
    parts.forge.readPullRequest(project.repository, { number: null, branch }, signal),
  );
  if (reading !== null) await context.record([reading]);
  const { pullRequest, ticket } = await context.facts();
  if (pullRequest !== null)
    throw new Ending(
      ended("superseded", "The branch has an open pull request: the work is planned again on top of it."),
    );
  const instead = branchAfter(project.branchPrefix, ticket.core?.value.key ?? handle.issue, branch);
  handle.event("branch", `${branch} is taken by something else; using ${instead}`);
  await parts.worktrees.removeNamed(project.repository, worktreeNameOf(handle.issue, branch), { signal });
  await context.record([{ kind: "branch_taken", at: parts.clock.now(), branch, instead }]);
  if ((await context.progress()).worktree === null) return;
  await context.save({ worktree: null });
  throw new Ending(
    ended("superseded", `Someone else made the branch ${branch}: the work is planned again on another one.`),
  );
}

async function atBase(
  context: RunContext,
  keep: boolean,
): ReturnType<RunContext["parts"]["worktrees"]["prepare"]> {
  const { parts, project } = context;
  const facts = await context.facts();
  const { generation } = await context.run();
  const pushes = facts.runs.flatMap((run) =>
    run.generation === generation && run.headAfter !== null ? [run.headAfter] : [],
  );
  try {
    return await parts.worktrees.prepare({
      repository: project.repository,
      cloneUrl: parts.cloneUrl(project.repository),
      token: async () => (await parts.forge.gitRemote(project.repository, context.signal)).token,
      baseBranch: project.baseBranch,
      targetBranch: facts.pullRequest?.core.value.base ?? null,
      branch: facts.project?.branch ?? "",
      pushed: facts.pullRequest === null ? pushes : null,
      worktreeName: worktreeNameOf(context.handle.issue, facts.project?.branch ?? ""),
      startAt: null,
      keep,
      signal: context.signal,
    });
  } catch (error) {
    const gone =
      error instanceof ExternalError && (error.kind === "not_found" || error.kind === "unauthorized");
    if (!(error instanceof MissingBaseBranch) && !gone) throw error;
    // Told as a fact about the repository, so that the issue waits for it instead of failing again and again.
    await context.record([{ kind: "repository_read", at: parts.clock.now(), problem: messageOf(error) }]);
    throw new Ending(failed("infrastructure", messageOf(error), null));
  }
}

function recordOf(worktree: Worktree): Worktree {
  const { repository, name, branch, base, target, path, gitDir, commonDir } = worktree;
  return { repository, name, branch, base, target, path, gitDir, commonDir };
}

export async function hookFacts(context: RunContext, worktree: Worktree): Promise<HookFacts> {
  return {
    PATCHRELAY_ISSUE: (await context.facts()).ticket.core?.value.key ?? context.handle.issue,
    PATCHRELAY_RUN: context.id,
    PATCHRELAY_RUN_TYPE: (await context.run()).type,
    PATCHRELAY_BRANCH: worktree.branch,
    PATCHRELAY_BASE: worktree.target.branch,
    PATCHRELAY_BASE_SHA: worktree.target.sha,
  };
}

async function hook(context: RunContext, worktree: Worktree, repository: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await context.throwIfStopped();
    const outcome = await context.parts.worktrees.runHook("prepare-worktree", worktree, {
      baseSha: worktree.base.sha,
      facts: await hookFacts(context, worktree),
      timeoutMs: context.parts.limits.prepareMs,
      signal: context.signal,
      onLine: (line) => context.handle.event("hook", line),
    });
    if (outcome.ok) return;
    // Installing dependencies fails for passing reasons more often than for good ones.
    if (attempt < HOOK_TRIES && !outcome.timedOut) continue;
    const how = outcome.timedOut ? "timed out" : `failed (${exitWords(outcome.exitCode)})`;
    throw new Ending(
      failed(
        "infrastructure",
        `The hook prepare-worktree of ${repository} ${how}: ${lastLines(outcome.output)}`,
        await nextTry(context),
      ),
    );
  }
}

function exitWords(exitCode: number | null): string {
  return exitCode === null ? "killed by a signal" : `exit code ${exitCode}`;
}

export function lastLines(output: string): string {
  return output.trim().split("\n").slice(-15).join("\n").slice(-2_000);
}
