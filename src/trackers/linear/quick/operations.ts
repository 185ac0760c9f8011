import { z } from "zod";
import type { Operation } from "../client/client.ts";
import { id, maybe, name, prose, time } from "../events/schema.ts";
import { ISSUE_FIELDS, issueAnswer, LISTED, pageEnd, user, USER } from "../read/shapes.ts";

/** How many comments one reading of an issue asks for, newest first. */
const COMMENTS = 100;

const root = z.object({ id, body: prose, createdAt: time, user: maybe(user) });
const comment = root.extend({ parent: maybe(root) });
export type CommentAnswer = z.output<typeof comment>;

const historyEntry = z.object({
  id,
  createdAt: time,
  actor: maybe(user),
  botActor: maybe(z.object({ id: maybe(name), name: maybe(name) })),
  addedLabels: maybe(z.array(z.object({ name }))),
  removedLabels: maybe(z.array(z.object({ name }))),
  fromAssigneeId: maybe(id),
  toAssigneeId: maybe(id),
});
export type QuickHistoryEntry = z.output<typeof historyEntry>;

const issue = issueAnswer.extend({
  creator: maybe(user),
  assignee: maybe(z.object({ id })),
  history: z.object({ nodes: z.array(historyEntry) }),
  comments: z.object({ nodes: z.array(comment) }),
});
export type QuickIssue = z.output<typeof issue>;
const ticketAnswer = z.object({ organization: z.object({ id }), issue });

const COMMENT_FIELDS = `id body createdAt user ${USER} parent { id body createdAt user ${USER} }`;

/** Everything about one issue that quick mode wants to know. About 1,000 of the 10,000 points a query may cost. */
export const QUICK_TICKET: Operation<z.output<typeof ticketAnswer>> = {
  name: "QuickTicket",
  kind: "read",
  document: `query QuickTicket($id: String!) {
  organization { id }
  issue(id: $id) {${ISSUE_FIELDS}
    creator ${USER}
    assignee { id }
    history(first: ${LISTED.history}) {
      nodes {
        id createdAt actor ${USER} botActor { id name }
        addedLabels { name } removedLabels { name } fromAssigneeId toAssigneeId
      }
    }
    comments(first: ${COMMENTS}, orderBy: createdAt) { nodes { ${COMMENT_FIELDS} } }
  }
}`,
  answer: ticketAnswer,
};

const changedIssues = z.object({
  issues: z.object({
    nodes: z.array(
      z.object({
        id,
        updatedAt: time,
        assignee: maybe(z.object({ id })),
        state: z.object({ type: z.string() }),
        labels: z.object({ nodes: z.array(z.object({ name })) }),
      }),
    ),
    pageInfo: pageEnd,
  }),
});

/** Issues that have changed since `$since`, last changed first, with our label where they have it. */
export const CHANGED_ISSUES: Operation<z.output<typeof changedIssues>> = {
  name: "ChangedIssues",
  kind: "background",
  document: `query ChangedIssues($since: DateTimeOrDuration!, $label: String!, $after: String) {
  issues(first: ${LISTED.page}, after: $after, orderBy: updatedAt, filter: { updatedAt: { gte: $since } }) {
    nodes {
      id updatedAt assignee { id } state { type }
      labels(first: 1, filter: { name: { eqIgnoreCase: $label } }) { nodes { name } }
    }
    pageInfo { hasNextPage endCursor }
  }
}`,
  answer: changedIssues,
};

const changedComments = z.object({
  comments: z.object({
    nodes: z.array(comment.extend({ updatedAt: time, issue: maybe(z.object({ id })) })),
    pageInfo: pageEnd,
  }),
});

/** Comments that were written or changed since `$since`, last changed first. None of them makes its issue newer. */
export const CHANGED_COMMENTS: Operation<z.output<typeof changedComments>> = {
  name: "ChangedComments",
  kind: "background",
  document: `query ChangedComments($since: DateTimeOrDuration!, $after: String) {
  comments(first: ${LISTED.page}, after: $after, orderBy: updatedAt, filter: { updatedAt: { gte: $since } }) {
    nodes { ${COMMENT_FIELDS} updatedAt issue { id } }
    pageInfo { hasNextPage endCursor }
  }
}`,
  answer: changedComments,
};

const labelFound = z.object({ issueLabels: z.object({ nodes: z.array(z.object({ id })) }) });

/** A label of that name, where the workspace or one of its teams has it. */
export const FIND_LABEL: Operation<z.output<typeof labelFound>> = {
  name: "FindLabel",
  kind: "read",
  document: `query FindLabel($label: String!) {
  issueLabels(first: 1, filter: { name: { eqIgnoreCase: $label } }) { nodes { id } }
}`,
  answer: labelFound,
};

const success = z.object({ success: z.boolean() });
const stored = success.extend({ comment: z.object({ id, body: prose }) });
export type StoredComment = z.output<typeof stored>["comment"];

const commentCreated = z.object({ commentCreate: stored });
/** Writes a comment; `input` is a CommentCreateInput. */
export const CREATE_COMMENT: Operation<z.output<typeof commentCreated>> = {
  name: "CreateComment",
  kind: "write",
  document: `mutation CreateComment($input: CommentCreateInput!) {
  commentCreate(input: $input) { success comment { id body } }
}`,
  answer: commentCreated,
};

const commentUpdated = z.object({ commentUpdate: stored });
/** Rewrites a comment; `input` is a CommentUpdateInput. */
export const UPDATE_COMMENT: Operation<z.output<typeof commentUpdated>> = {
  name: "UpdateComment",
  kind: "write",
  document: `mutation UpdateComment($id: String!, $input: CommentUpdateInput!) {
  commentUpdate(id: $id, input: $input) { success comment { id body } }
}`,
  answer: commentUpdated,
};

const commentFound = z.object({ comment: z.object({ id, body: prose, issue: maybe(z.object({ id })) }) });
/** A comment by its id. A `write`, because it decides whether a write is over. */
export const FIND_COMMENT: Operation<z.output<typeof commentFound>> = {
  name: "FindComment",
  kind: "write",
  document: `query FindComment($id: String!) { comment(id: $id) { id body issue { id } } }`,
  answer: commentFound,
};

const attached = z.object({ attachmentCreate: success });
/** Links an address from an issue; one that is there already is changed. `input` is an AttachmentCreateInput. */
export const ATTACH: Operation<z.output<typeof attached>> = {
  name: "Attach",
  kind: "write",
  document: `mutation Attach($input: AttachmentCreateInput!) { attachmentCreate(input: $input) { success } }`,
  answer: attached,
};
