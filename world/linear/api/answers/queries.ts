import { connection, type Args } from "./fields.ts";
import { limitStatus } from "../../limits.ts";
import { inputError, notFound } from "../errors.ts";
import type { Row } from "../../model/records.ts";
import type { Table } from "../../model/tables.ts";
import type { View } from "../../view.ts";

/** How the root fields of a query are answered. */
export type RootFields = Readonly<Record<string, (view: View, args: Args) => unknown>>;

function byId<T extends Row>(entity: string, table: (view: View) => Table<T>) {
  return (view: View, args: Args): T => {
    const id = args["id"];
    if (typeof id !== "string") throw inputError("Argument Validation Error: id is required");
    const row = view.get(table(view), id);
    if (row === null) throw notFound(entity, id);
    return row;
  };
}

/** `Query`, as far as the relay and the SDK's plain calls need it. */
export const QUERIES: RootFields = {
  viewer: (view) => view.viewer(),
  organization: () => ({}),
  issue: (view, args) => {
    const issue = view.issue(String(args["id"]));
    if (issue === null) throw notFound("Issue", String(args["id"]));
    return issue;
  },
  issues: (view, args) => connection(view, "Issue", view.all(view.model.issues), args),
  issueVcsBranchSearch: (view, args) => {
    const key = /[a-z][a-z0-9]*-\d+/i.exec(String(args["branchName"]));
    return key === null ? null : view.issue(key[0]);
  },
  issueLabel: byId("IssueLabel", (view) => view.model.labels),
  issueLabels: (view, args) => connection(view, "Label", view.all(view.model.labels), args),
  issueRelation: byId("IssueRelation", (view) => view.model.relations),
  issueRelations: (view, args) => connection(view, null, view.all(view.model.relations), args),
  comment: (view, args) => {
    const comment = byId("Comment", (each) => each.model.comments)(view, args);
    if (comment.archivedAt !== null) throw notFound("Comment", comment.id);
    return comment;
  },
  comments: (view, args) => connection(view, "Comment", view.all(view.model.comments), args),
  attachment: byId("Attachment", (view) => view.model.attachments),
  attachments: (view, args) => connection(view, "Attachment", view.all(view.model.attachments), args),
  attachmentsForURL: (view, args) =>
    connection(
      view,
      null,
      view.all(view.model.attachments).filter((attachment) => attachment.url === args["url"]),
      args,
    ),
  agentSession: byId("AgentSession", (view) => view.model.sessions),
  agentSessions: (view, args) => connection(view, null, view.all(view.model.sessions), args),
  agentActivity: byId("AgentActivity", (view) => view.model.activities),
  agentActivities: (view, args) => connection(view, "Activity", view.all(view.model.activities), args),
  team: (view, args) => {
    const wanted = String(args["id"]);
    const team = view.all(view.model.teams).find((each) => each.id === wanted || each.key === wanted);
    if (team === undefined) throw notFound("Team", wanted);
    return team;
  },
  teams: (view, args) => connection(view, "Team", view.all(view.model.teams), args),
  user: (view, args) =>
    args["id"] === "me" ? view.viewer() : byId("User", (each) => each.model.users)(view, args),
  users: (view, args) => connection(view, "User", view.all(view.model.users), args),
  workflowState: byId("WorkflowState", (view) => view.model.states),
  workflowStates: (view, args) => connection(view, "State", view.all(view.model.states), args),
  rateLimitStatus: (view) => limitStatus(view.caller.allowance),
  project: byId("Project", (view) => view.model.projects),
  projects: (view, args) => connection(view, "Project", view.all(view.model.projects), args),
};
