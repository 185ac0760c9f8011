import type { MergeMethod, Pull, Thread } from "../model/model.ts";
import { fieldsAt, personOf } from "../model/model.ts";
import { closePull, editPull, mergePull, openPull, reopenPull, updateBranch } from "../model/pulls.ts";
import { dequeue } from "../model/queue.ts";
import { replyInThread, requestReviews } from "../model/reviews.ts";
import { seenShape } from "../model/verdicts.ts";
import { commitPart } from "../views/checks.ts";
import { personPart, pullPart, reviewCommentPart, reviewPart } from "../views/views.ts";
import { filePart } from "./repositories.ts";
import type { Call, Routes } from "./route.ts";
import { changing, notFound, ok, page, pullOf, text } from "./route.ts";

/** Pull requests, their reviews and review comments. */
export const pullRoutes: Routes = {
  "pulls/list": (call) =>
    page(
      call,
      listed(call).map((pull) => pullPart(call.core, call.repository, pull, null, call.at)),
    ),
  "pulls/get": async (call) => ok(await whole(call, pullOf(call))),
  "pulls/create": changing(async (call) => {
    const { title, body, head, base, draft } = call.body;
    const given = {
      title: text(title) ?? String(head),
      body: text(body),
      head: String(head),
      base: String(base),
      draft: draft === true,
    };
    const pull = await openPull(call.core, call.repository, {
      ...given,
      author: personOf(call.core, call.actor.person.login),
    });
    return { status: 201, body: await whole(call, pull) };
  }),
  "pulls/update": changing(async (call) => {
    const pull = pullOf(call);
    const { title, body, base, state } = call.body;
    const patch = {
      ...(typeof title === "string" ? { title } : {}),
      ...(typeof body === "string" ? { body } : {}),
      ...(typeof base === "string" ? { base } : {}),
    };
    await editPull(call.core, call.repository, pull, patch, call.actor.person);
    if (state === "closed") {
      await dequeue(call.core, call.repository, pull, "MANUAL", call.actor.person);
      closePull(call.core, call.repository, pull, call.actor.person);
    }
    if (state === "open") await reopenPull(call.core, call.repository, pull, call.actor.person);
    return ok(await whole(call, pull));
  }),
  "pulls/merge": changing(async (call) => {
    const { sha, merge_method, commit_title, commit_message } = call.body;
    const wish = {
      method: (merge_method ?? "merge") as MergeMethod,
      sha: text(sha),
      title: text(commit_title),
      message: text(commit_message),
    };
    const merged = await mergePull(call.core, call.repository, pullOf(call), wish, call.actor.person);
    return ok({ sha: merged, merged: true, message: "Pull Request successfully merged" });
  }),
  "pulls/update-branch": changing(async (call) => {
    const pull = pullOf(call);
    await updateBranch(
      call.core,
      call.repository,
      pull,
      text(call.body["expected_head_sha"]),
      call.actor.person,
    );
    return {
      status: 202,
      body: {
        message: "Updating pull request branch.",
        url: `${call.core.urls.api}/repos/${call.repository.fullName}/pulls/${pull.number}`,
      },
    };
  }),
  "pulls/list-commits": async (call) => {
    const { baseSha, headSha } = fieldsAt(pullOf(call), call.at);
    const commits = await call.repository.git.log(baseSha, headSha, 250);
    return page(
      call,
      commits.map((commit) => commitPart(call.core, call.repository, commit)),
    );
  },
  "pulls/list-files": async (call) => {
    const { baseSha, headSha } = fieldsAt(pullOf(call), call.at);
    const files = await call.repository.git.diff(baseSha, headSha);
    return page(call, files.map(filePart));
  },
  "pulls/list-reviews": (call) => {
    const pull = pullOf(call);
    const seen = pull.reviews.filter((review) => review.submittedAt <= call.at);
    return page(
      call,
      seen.map((review) => reviewPart(call.core, call.repository, pull, review, "rest")),
    );
  },
  "pulls/list-requested-reviewers": (call) =>
    ok({ users: pullOf(call).requested.map((person) => personPart(call.core, person)), teams: [] }),
  "pulls/request-reviewers": changing(async (call) => {
    const pull = pullOf(call);
    const logins = (call.body["reviewers"] ?? []) as readonly string[];
    requestReviews(call.core, call.repository, pull, logins, call.actor.person);
    return { status: 201, body: await whole(call, pull) };
  }),
  "pulls/list-review-comments": (call) => {
    const pull = pullOf(call);
    const since = Date.parse(text(call.query["since"]) ?? "") || 0;
    const comments = pull.threads.flatMap((thread) =>
      thread.comments.map((comment) => ({ thread, comment })),
    );
    const seen = comments
      .filter(({ comment }) => comment.createdAt <= call.at && comment.createdAt >= since)
      .toSorted((a, b) => a.comment.id - b.comment.id);
    if (call.query["direction"] === "desc") seen.reverse();
    return page(
      call,
      seen.map(({ thread, comment }) => reviewCommentPart(call.core, call.repository, pull, thread, comment)),
    );
  },
  "pulls/create-reply-for-review-comment": changing(async (call) => {
    const pull = pullOf(call);
    const thread = threadOf(pull, Number(call.path["comment_id"]));
    const comment = replyInThread(
      call.core,
      call.repository,
      pull,
      thread,
      call.actor.person,
      String(call.body["body"]),
    );
    return { status: 201, body: reviewCommentPart(call.core, call.repository, pull, thread, comment) };
  }),
};

function threadOf(pull: Pull, comment: number): Thread {
  // GitHub takes replies to the first comment of a thread only.
  const thread = pull.threads.find((candidate) => candidate.comments[0]?.id === comment);
  if (thread === undefined) throw notFound();
  return thread;
}

async function whole(call: Call, pull: Pull): Promise<unknown> {
  return pullPart(
    call.core,
    call.repository,
    pull,
    await seenShape(call.core, call.repository, pull, call.at),
    call.at,
  );
}

function listed(call: Call): Pull[] {
  const {
    state = "open",
    head,
    base,
    sort = "created",
    direction = sort === "created" ? "desc" : "asc",
  } = call.query;
  const found = [...call.repository.pulls.values()].filter((pull) => {
    const fields = fieldsAt(pull, call.at);
    if (pull.createdAt > call.at || (state !== "all" && fields.state !== state)) return false;
    if (base !== undefined && fields.baseRef !== base) return false;
    return head === undefined || `${call.repository.owner.login}:${pull.headRef}` === head;
  });
  const key = (pull: Pull): number =>
    sort === "updated" ? fieldsAt(pull, call.at).updatedAt : pull.createdAt;
  found.sort((a, b) => key(a) - key(b) || a.number - b.number);
  return direction === "desc" ? found.toReversed() : found;
}
