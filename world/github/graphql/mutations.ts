import { disableAutoMerge, enableAutoMerge } from "../model/auto-merge.ts";
import type { Actor } from "../auth.ts";
import type { MergeMethod, Pull, Repository, Thread } from "../model/model.ts";
import { exclusive, mayWrite, queueEntryOf } from "../model/model.ts";
import { setDraft } from "../model/pulls.ts";
import { dequeue, enqueue } from "../model/queue.ts";
import { replyInThread, setResolved } from "../model/reviews.ts";
import { Refused } from "../schemas.ts";
import type { View } from "./commits.ts";
import { actorNode } from "./commits.ts";
import { entryNode, pullNode, pullThreadNode } from "./pulls.ts";
import { commentNode } from "./reviews.ts";

type Input = Readonly<Record<string, string | boolean | null | undefined>>;
type Mutation = (given: { readonly input: Input }) => Promise<Record<string, unknown>>;

/** The mutations that the stand-in carries out, for one caller. */
export function mutationsFor(view: View, actor: Actor): Record<string, Mutation> {
  const { core } = view;

  const onPull = (
    id: (input: Input) => string,
    work: (repository: Repository, pull: Pull, input: Input) => Promise<Record<string, unknown>>,
  ): Mutation => {
    return async ({ input }) => {
      const { repository, pull } = pullBy(view, actor, id(input));
      const result = await exclusive(repository, () => work(repository, pull, input));
      return { clientMutationId: input["clientMutationId"] ?? null, ...result };
    };
  };
  const onThread = (
    id: (input: Input) => string,
    work: (repository: Repository, pull: Pull, thread: Thread, input: Input) => Record<string, unknown>,
  ): Mutation => {
    return async ({ input }) => {
      const { repository, pull, thread } = threadBy(view, actor, id(input));
      const result = await exclusive(repository, async () => work(repository, pull, thread, input));
      return { clientMutationId: input["clientMutationId"] ?? null, ...result };
    };
  };
  const byPull = (input: Input): string => String(input["pullRequestId"]);
  const byThread = (input: Input): string => String(input["threadId"]);
  const shown = (repository: Repository, pull: Pull): Record<string, unknown> => ({
    pullRequest: pullNode(view, repository, pull),
    actor: actorNode(view, actor.person),
  });

  return {
    enqueuePullRequest: onPull(byPull, async (repository, pull, input) => {
      const entry = await enqueue(core, repository, pull, actor.person, {
        jump: input["jump"] === true,
        head: text(input["expectedHeadOid"]),
      });
      return { mergeQueueEntry: entryNode(view, repository, entry) };
    }),
    dequeuePullRequest: onPull(
      (input) => String(input["id"]),
      async (repository, pull) => {
        const entry = queueEntryOf(repository, pull);
        if (entry === null) throw new Refused(422, "Pull request is not in the merge queue");
        const node = entryNode(view, repository, entry);
        await dequeue(core, repository, pull, "MANUAL", actor.person);
        return { mergeQueueEntry: node };
      },
    ),
    enablePullRequestAutoMerge: onPull(byPull, async (repository, pull, input) => {
      const method = String(input["mergeMethod"] ?? "MERGE").toLowerCase() as MergeMethod;
      await enableAutoMerge(core, repository, pull, actor.person, method, text(input["expectedHeadOid"]));
      return shown(repository, pull);
    }),
    disablePullRequestAutoMerge: onPull(byPull, async (repository, pull) => {
      disableAutoMerge(core, repository, pull, actor.person);
      return shown(repository, pull);
    }),
    markPullRequestReadyForReview: onPull(byPull, async (repository, pull) => {
      setDraft(core, repository, pull, false, actor.person);
      return shown(repository, pull);
    }),
    convertPullRequestToDraft: onPull(byPull, async (repository, pull) => {
      setDraft(core, repository, pull, true, actor.person);
      return shown(repository, pull);
    }),
    addPullRequestReviewThreadReply: onThread(
      (input) => String(input["pullRequestReviewThreadId"]),
      (repository, pull, thread, input) => {
        const comment = replyInThread(core, repository, pull, thread, actor.person, String(input["body"]));
        return { comment: commentNode(view, repository, pull, thread, comment) };
      },
    ),
    resolveReviewThread: onThread(byThread, (repository, pull, thread) => {
      setResolved(core, repository, pull, thread, actor.person, actor.person);
      return { thread: pullThreadNode(view, repository, pull, thread) };
    }),
    unresolveReviewThread: onThread(byThread, (repository, pull, thread) => {
      setResolved(core, repository, pull, thread, null, actor.person);
      return { thread: pullThreadNode(view, repository, pull, thread) };
    }),
  };
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function pullBy(view: View, actor: Actor, nodeId: string): { repository: Repository; pull: Pull } {
  for (const repository of view.core.repositories.values()) {
    for (const pull of repository.pulls.values()) {
      if (pull.nodeId !== nodeId) continue;
      if (!mayWrite(repository, actor.person))
        throw new Refused(403, "Resource not accessible by integration");
      return { repository, pull };
    }
  }
  throw new Refused(404, `Could not resolve to a node with the global id of '${nodeId}'`);
}

function threadBy(
  view: View,
  actor: Actor,
  nodeId: string,
): { repository: Repository; pull: Pull; thread: Thread } {
  for (const repository of view.core.repositories.values()) {
    for (const pull of repository.pulls.values()) {
      const thread = pull.threads.find((candidate) => candidate.nodeId === nodeId);
      if (thread === undefined) continue;
      if (!mayWrite(repository, actor.person))
        throw new Refused(403, "Resource not accessible by integration");
      return { repository, pull, thread };
    }
  }
  throw new Refused(404, `Could not resolve to a node with the global id of '${nodeId}'`);
}
