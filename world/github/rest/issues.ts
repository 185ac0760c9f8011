import type { IssueComment, Pull } from "../model/model.ts";
import { addLabels } from "../model/pulls.ts";
import { addComment, editComment } from "../model/reviews.ts";
import { issueCommentPart, labelPart } from "../views/views.ts";
import type { Call, Routes } from "./route.ts";
import { changing, notFound, ok, page, pullOf, text } from "./route.ts";

/** Conversation comments and labels. The stand-in has no issues that are not pull requests. */
export const issueRoutes: Routes = {
  "issues/list-comments": (call) => {
    const pull = pullOf(call, "issue_number");
    const since = Date.parse(text(call.query["since"]) ?? "") || 0;
    const seen = pull.comments.filter(
      (comment) => comment.createdAt <= call.at && comment.updatedAt >= since,
    );
    return page(
      call,
      seen.map((comment) => issueCommentPart(call.core, call.repository, pull, comment)),
    );
  },
  "issues/create-comment": changing(async (call) => {
    const pull = pullOf(call, "issue_number");
    const comment = addComment(
      call.core,
      call.repository,
      pull,
      call.actor.person,
      String(call.body["body"]),
    );
    return { status: 201, body: issueCommentPart(call.core, call.repository, pull, comment) };
  }),
  "issues/get-comment": (call) => {
    const { pull, comment } = commentOf(call);
    return ok(issueCommentPart(call.core, call.repository, pull, comment));
  },
  "issues/update-comment": changing(async (call) => {
    const { pull, comment } = commentOf(call);
    editComment(call.core, call.repository, pull, comment, String(call.body["body"]), call.actor.person);
    return ok(issueCommentPart(call.core, call.repository, pull, comment));
  }),
  "issues/add-labels": changing(async (call) => {
    const pull = pullOf(call, "issue_number");
    const given: unknown = Array.isArray(call.body) ? call.body : (call.body["labels"] ?? []);
    const names = (given as readonly (string | { name: string })[]).map((label) =>
      typeof label === "string" ? label : label.name,
    );
    addLabels(call.core, call.repository, pull, names, call.actor.person);
    return ok(pull.fields.labels.map((name) => labelPart(call.core, call.repository, name)));
  }),
};

function commentOf(call: Call): { pull: Pull; comment: IssueComment } {
  const id = Number(call.path["comment_id"]);
  for (const pull of call.repository.pulls.values()) {
    const comment = pull.comments.find((candidate) => candidate.id === id);
    if (comment !== undefined) return { pull, comment };
  }
  throw notFound();
}
