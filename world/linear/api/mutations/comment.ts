import { addComment, editComment, removeComment } from "../../model/conversation.ts";
import { forbidden } from "../errors.ts";
import { done, inputOf, newId, text, theComment, theIssue } from "./parts.ts";
import type { RootFields } from "../answers/queries.ts";
import { refused } from "../../model/rules.ts";

/** Mutations of comments and reactions. */
export const COMMENT_MUTATIONS: RootFields = {
  commentCreate: (view, args) => {
    const input = inputOf(args);
    const id = newId(view.model.comments, input, "Comment");
    const parentId = text(input, "parentId") ?? null;
    const parent = parentId === null ? null : theComment(view, parentId);
    const issueId = text(input, "issueId") ?? parent?.issueId;
    if (issueId === undefined) throw refused("a comment needs issueId or parentId");
    const comment = addComment(view.model, {
      id,
      issueId: theIssue(view, issueId).id,
      body: text(input, "body") ?? "",
      parentId,
      quotedText: text(input, "quotedText") ?? null,
      userId: view.viewerId,
    });
    return done(view, { comment });
  },
  commentUpdate: (view, args) => {
    const comment = theComment(view, args["id"]);
    if (comment.userId !== view.viewerId) throw forbidden("Only its author may change a comment.");
    const body = text(inputOf(args), "body");
    return done(view, {
      comment: body === undefined ? comment : editComment(view.model, view.viewerId, comment, body),
    });
  },
  commentDelete: (view, args) => {
    const comment = theComment(view, args["id"]);
    if (comment.userId !== view.viewerId) throw forbidden("Only its author may delete a comment.");
    removeComment(view.model, view.viewerId, comment);
    return done(view, { entityId: comment.id });
  },
  reactionCreate: (view, args) => {
    const input = inputOf(args);
    const id = newId(view.model.reactions, input, "Reaction");
    const commentId = text(input, "commentId");
    const issueId = text(input, "issueId");
    if ((commentId === undefined) === (issueId === undefined)) {
      throw refused("a reaction needs issueId or commentId");
    }
    const reaction = view.model.put(view.model.reactions, {
      ...view.model.fresh(id),
      emoji: String(input["emoji"]),
      issueId: issueId === undefined ? null : theIssue(view, issueId).id,
      commentId: commentId === undefined ? null : theComment(view, commentId).id,
      userId: view.viewerId,
    });
    view.model.tell({
      kind: "entity",
      entity: "Reaction",
      action: "create",
      id: reaction.id,
      actorId: view.viewerId,
    });
    return done(view, { reaction });
  },
};
