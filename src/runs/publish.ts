import { commitMessage, mergeMessage, pullRequestText } from "../factory/effects/texts/pull-request.ts";
import { listed, withReason } from "../factory/words.ts";
import { RUN_TRAILER } from "../lib/committer.ts";
import { failpoint } from "../lib/failpoints.ts";
import { ExternalError } from "../lib/external.ts";
import { RewrittenHistory, UnresolvedConflict } from "../worktrees/errors.ts";
import type { Worktree } from "../worktrees/worktrees.ts";
import { enteredPhase } from "./entered-phase.ts";
import { ended, Ending, failed } from "./ending.ts";
import type { RunContext, Worked } from "./run-context.ts";
import { retryOutages } from "./retry-outages.ts";
import { hookFacts, lastLines } from "./prepare.ts";

/**
 * Commits what is left, pushes it once and opens the pull request once, however often this is repeated. The
 * intent is recorded before the push, in an advance that knows of every stop and undelegation so far.
 */
export async function publish(context: RunContext, worktree: Worktree, worked: Worked): Promise<void> {
  const { parts, handle } = context;
  const hook = await parts.worktrees.runHook("before-publish", worktree, {
    baseSha: worktree.base.sha,
    facts: await hookFacts(context, worktree),
    timeoutMs: parts.limits.hookMs,
    signal: context.signal,
    onLine: (line) => handle.event("hook", line),
  });
  if (!hook.ok)
    throw new Ending(
      failed("policy", `The hook before-publish refused the change: ${lastLines(hook.output)}`, null),
    );
  await retryOutages(context, "Publishing", () => deliver(context, worktree, worked));
}

async function deliver(context: RunContext, worktree: Worktree, worked: Worked): Promise<void> {
  const { parts, handle, project } = context;
  let expected = (await context.progress()).remoteHead;
  let sha = await commit(context, worktree, worked, expected);
  for (let attempt = 1; ; attempt += 1) {
    // Their commit holds all of ours: it is not a commit of this run, and must not be recorded as one.
    if (sha === expected) {
      throw new Ending(
        ended(
          "superseded",
          "Someone else pushed the same change in the meantime, so the work is planned again on top of it.",
        ),
      );
    }
    await intend(context, sha, expected);
    const published = await pushed(context, worktree, {
      branch: worktree.branch,
      expected,
      runTrailer: context.id,
      cloneUrl: parts.cloneUrl(project.repository),
      token: async () => (await parts.forge.gitRemote(project.repository, context.signal)).token,
      signal: context.signal,
    });
    handle.event("publish", `${published.outcome} ${sha.slice(0, 12)}`);
    if (published.outcome !== "moved") break;
    if (attempt > 1 || published.remote === null) {
      throw new Ending(
        ended(
          "superseded",
          "Someone else changed the branch in the meantime. Their commits stay, and the work is planned again.",
        ),
      );
    }
    if (expected === null)
      throw new Ending(
        ended(
          "superseded",
          `Someone else made the branch ${worktree.branch} in the meantime. It stays as it is, and the work is planned again on another one.`,
        ),
      );
    const integrated = await parts.worktrees.integrate(worktree, {
      onto: published.remote,
      since: expected,
      message: mergeMessage(`origin/${worktree.branch}`, worktree.branch),
      trailers: { [RUN_TRAILER]: context.id },
      by: await parts.forge.signature(context.signal),
      leaveConflict: false,
      signal: context.signal,
    });
    if (integrated.outcome === "rewritten") {
      throw new Ending(
        ended(
          "superseded",
          "Someone else rewrote the branch in the meantime. It stays as it is, and the work is planned again on top of it.",
        ),
      );
    }
    if (integrated.outcome === "conflict") {
      throw new Ending(
        ended(
          "superseded",
          `Someone else pushed to the branch in the meantime, with conflicts in ${listed(integrated.conflicts)}. The work is planned again on top of their commit.`,
        ),
      );
    }
    expected = published.remote;
    sha = await commit(context, worktree, worked, expected);
    await context.save({ remoteHead: expected });
  }
  await context.throwIfStopped();
  await open(context, worktree, worked);
  failpoint("publish.recorded");
}

/** Pushes. What the remote refuses for good no other attempt gets through: whoever can change that has to hear of it. */
async function pushed(
  context: RunContext,
  worktree: Worktree,
  request: Parameters<RunContext["parts"]["worktrees"]["publish"]>[1],
): ReturnType<RunContext["parts"]["worktrees"]["publish"]> {
  try {
    return await context.parts.worktrees.publish(worktree, request);
  } catch (error) {
    if (!(error instanceof ExternalError) || error.kind !== "refused") throw error;
    const said = refusalLines(error.message);
    const summary = withReason("The push was refused", said.join(" "));
    const { runs } = await context.facts();
    const isFirst = runs.at(-2)?.end?.failureClass !== "policy";
    if (MENDABLE.test(error.message) && isFirst) throw new Ending(failed("policy", summary, null));
    throw new Ending(ended("asked", summary), {
      text: `The push was refused:\n\n${said.join("\n")}\n\nThe work is done and kept. Change what refuses it and answer here to have it pushed, or say what else to do.`,
      options: ["Push it again"],
    });
  }
}

/** What the agent itself can take out of its change: a secret that GitHub found, a file that is too large. */
const MENDABLE = /push protection|GH009|GH001|exceeds .* file size limit|secret/i;

/** What the remote said, without git's own frame around it. */
function refusalLines(message: string): readonly string[] {
  const said = message
    .split("\n")
    .flatMap((line) => /(?:^|: )remote: ?(?:error: ?)?(.*\S)\s*$/.exec(line)?.[1] ?? []);
  return said.length === 0 ? [message] : said;
}

/**
 * Opens the pull request for a push of an earlier run that broke before it could. Gives whether there was one:
 * `baseline` is the head this run began on.
 */
export async function openLeftOver(
  context: RunContext,
  worktree: Worktree,
  worked: Worked,
  baseline: string,
): Promise<boolean> {
  const { pullRequest, runs } = await context.facts();
  if (pullRequest !== null || !runs.some((run) => run.headAfter === baseline)) return false;
  await retryOutages(context, "Opening the pull request", () => open(context, worktree, worked));
  return true;
}

async function commit(
  context: RunContext,
  worktree: Worktree,
  worked: Worked,
  published: string | null,
): Promise<string> {
  const { parts, signal } = context;
  try {
    const made = await parts.worktrees.commitAll(worktree, {
      message: commitMessage(await context.facts(), await context.run(), worked.summary),
      trailers: { [RUN_TRAILER]: context.id },
      by: await parts.forge.signature(signal),
      published,
      signal,
    });
    return made ?? (await parts.worktrees.status(worktree, signal)).head;
  } catch (error) {
    if (error instanceof UnresolvedConflict) throw new Ending(failed("conflict", error.message, null));
    if (error instanceof RewrittenHistory)
      throw new Ending(failed("policy", `The change was not published: ${error.message}.`, null));
    throw error;
  }
}

async function intend(context: RunContext, sha: string, expected: string | null): Promise<void> {
  const run = await context.run();
  await context.record([
    enteredPhase(run, "publish", context.parts.clock.now()),
    {
      kind: "push_intended",
      at: context.parts.clock.now(),
      run: run.number,
      fence: run.fence,
      sha,
      expected,
    },
  ]);
  failpoint("publish.intent");
  await context.throwIfStopped();
}

async function open(context: RunContext, worktree: Worktree, worked: Worked): Promise<void> {
  const { parts, project, signal } = context;
  const facts = await context.facts();
  let number = facts.pullRequest?.number ?? null;
  if (number === null) {
    const { title, body } = pullRequestText(facts, worked.summary);
    const opened = await parts.forge.openPullRequest(
      { repository: project.repository, branch: worktree.branch, base: worktree.base.branch, title, body },
      signal,
    );
    number = opened.number;
    context.handle.event("pull_request", opened.url);
    failpoint("publish.pr_created");
  }
  const which = { number, branch: worktree.branch };
  const reading = await parts.forge
    .readPullRequest(project.repository, which, signal)
    .catch(async (error: unknown) => {
      // A copy of the forge's that lags behind does not know yet what was opened a moment ago.
      const isNew = (await context.facts()).pullRequest?.readAt == null;
      if (isNew && error instanceof ExternalError && error.kind === "not_found")
        throw new ExternalError("unavailable", error.message, { cause: error });
      throw error;
    });
  if (reading !== null) await context.record([reading]);
}
