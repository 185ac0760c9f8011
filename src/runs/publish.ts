import { commitMessage, pullRequestText } from "../factory/effects/prompt.ts";
import { reach } from "../lib/failpoints.ts";
import { OutsideError } from "../lib/outside.ts";
import { RUN_TRAILER } from "../worktrees/publish/publish.ts";
import { UnresolvedConflict } from "../worktrees/errors.ts";
import type { Worktree } from "../worktrees/worktrees.ts";
import { ended, Ending, failed } from "./ending.ts";
import type { Journey, Worked } from "./journey.ts";
import { patiently } from "./patience.ts";
import { hookFacts, lastLines } from "./prepare.ts";

/**
 * Commits what is left, pushes it once and opens the pull request once, however often this is repeated. The
 * intent is recorded before the push, in a turn that knows of every stop and undelegation so far.
 */
export async function publish(journey: Journey, worktree: Worktree, worked: Worked): Promise<void> {
  const { parts, running } = journey;
  const hook = await parts.worktrees.runHook("before-publish", worktree, {
    baseSha: worktree.base.sha,
    facts: hookFacts(journey, worktree),
    timeoutMs: parts.limits.hookMs,
    signal: journey.signal,
    onLine: (line) => running.event("hook", line),
  });
  if (!hook.ok)
    throw new Ending(failed("policy", `The hook before-publish refused: ${lastLines(hook.output)}`, null));
  await patiently(journey, "Publishing", () => deliver(journey, worktree, worked));
}

async function deliver(journey: Journey, worktree: Worktree, worked: Worked): Promise<void> {
  const { parts, running, project } = journey;
  let expected = journey.progress().remoteHead;
  let sha = await commit(journey, worktree, worked);
  for (let attempt = 1; ; attempt += 1) {
    // Their commit holds all of ours: it is not a commit of this run, and must not be recorded as one.
    if (sha === expected) {
      throw new Ending(
        ended(
          "superseded",
          "Somebody else pushed the same change meanwhile; the work is planned anew on it.",
        ),
      );
    }
    await intend(journey, sha, expected);
    const published = await parts.worktrees.publish(worktree, {
      branch: worktree.branch,
      expected,
      runTrailer: journey.id,
      cloneUrl: parts.cloneUrl(project.repository),
      token: async () => (await parts.forge.gitRemote(project.repository, journey.signal)).token,
      signal: journey.signal,
    });
    running.event("publish", `${published.outcome} ${sha.slice(0, 12)}`);
    if (published.outcome !== "moved") break;
    if (attempt > 1 || published.remote === null) {
      throw new Ending(
        ended(
          "superseded",
          "Somebody else changed the branch meanwhile; their commits stay, and the work is planned anew.",
        ),
      );
    }
    const integrated = await parts.worktrees.integrate(worktree, {
      onto: published.remote,
      leaveConflict: false,
      signal: journey.signal,
    });
    if (integrated.outcome === "conflict") {
      throw new Ending(
        ended(
          "superseded",
          `Somebody pushed to the branch meanwhile, and it conflicts in ${integrated.conflicts.join(", ")}; the work is planned anew on their commit.`,
        ),
      );
    }
    expected = published.remote;
    sha = await commit(journey, worktree, worked);
    journey.save({ remoteHead: expected });
  }
  journey.goOn();
  await open(journey, worktree, worked);
  reach("publish.recorded");
}

/**
 * Opens the pull request for a push of an earlier run that broke before it could. Gives whether there was one:
 * `baseline` is the head this run began on.
 */
export async function openLeftOver(
  journey: Journey,
  worktree: Worktree,
  worked: Worked,
  baseline: string,
): Promise<boolean> {
  const { pullRequest, runs } = journey.facts();
  if (pullRequest !== null || !runs.some((run) => run.headAfter === baseline)) return false;
  await patiently(journey, "Opening the pull request", () => open(journey, worktree, worked));
  return true;
}

async function commit(journey: Journey, worktree: Worktree, worked: Worked): Promise<string> {
  const { parts, signal } = journey;
  try {
    const made = await parts.worktrees.commitAll(worktree, {
      message: commitMessage(journey.facts(), journey.run(), worked.summary),
      trailers: { [RUN_TRAILER]: journey.id },
      signal,
    });
    return made ?? (await parts.worktrees.status(worktree, signal)).head;
  } catch (error) {
    if (error instanceof UnresolvedConflict) throw new Ending(failed("conflict", error.message, null));
    throw error;
  }
}

async function intend(journey: Journey, sha: string, expected: string | null): Promise<void> {
  const run = journey.run();
  await journey.observe([
    {
      kind: "run_advanced",
      at: journey.parts.clock.now(),
      run: run.number,
      fence: run.fence,
      phase: "publish",
    },
    {
      kind: "push_intended",
      at: journey.parts.clock.now(),
      run: run.number,
      fence: run.fence,
      sha,
      expected,
    },
  ]);
  reach("publish.intent");
  journey.goOn();
}

async function open(journey: Journey, worktree: Worktree, worked: Worked): Promise<void> {
  const { parts, project, signal } = journey;
  const facts = journey.facts();
  let number = facts.pullRequest?.number ?? null;
  if (number === null) {
    const { title, body } = pullRequestText(facts, worked.summary);
    const opened = await parts.forge.openPullRequest(
      { repository: project.repository, branch: worktree.branch, base: worktree.base.branch, title, body },
      signal,
    );
    number = opened.number;
    journey.running.event("pull_request", opened.url);
    reach("publish.pr_created");
  }
  const which = { number, branch: worktree.branch };
  const reading = await parts.forge
    .readPullRequest(project.repository, which, signal)
    .catch((error: unknown) => {
      // A copy of the forge's that lags behind does not know yet what was opened a moment ago.
      const isNew = journey.facts().pullRequest?.readAt == null;
      if (isNew && error instanceof OutsideError && error.kind === "not_found")
        throw new OutsideError("unavailable", error.message, { cause: error });
      throw error;
    });
  if (reading !== null) await journey.observe([reading]);
}
