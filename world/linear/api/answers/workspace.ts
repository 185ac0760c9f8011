import { connection, issuesWhere, type Fields } from "./fields.ts";
import { userUrl, webUrl } from "../../payloads/parts.ts";
import type { LabelRow, ProjectRow, StateRow, TeamRow, UserRow } from "../../model/records.ts";

/** How the fields of the workspace's own types are answered: organization, users, teams, states, labels, projects. */

export const Organization: Fields<unknown> = {
  id: (_, view) => view.model.installation.organizationId,
  name: (_, view) => view.model.installation.organizationName,
  urlKey: (_, view) => view.model.installation.urlKey,
  createdAt: (_, view) => view.model.appUser().createdAt,
  updatedAt: (_, view) => view.model.appUser().updatedAt,
  userCount: (_, view) => view.all(view.model.users).length,
  teams: (_, view, args) => connection(view, "Team", view.all(view.model.teams), args),
  users: (_, view, args) => connection(view, "User", view.all(view.model.users), args),
  labels: (_, view, args) => connection(view, "Label", view.all(view.model.labels), args),
};

export const User: Fields<UserRow> = {
  initials: (row) => row.name.slice(0, 1).toUpperCase(),
  isMe: (row, view) => row.id === view.viewerId,
  supportsAgentSessions: (row, view) => row.app && view.model.sessionsOn(),
  url: (row, view) => userUrl(view.model, row),
  organization: () => ({}),
  assignedIssues: (row, view, args) =>
    connection(
      view,
      "Issue",
      issuesWhere(view, (issue) => issue.assigneeId === row.id),
      args,
    ),
  delegatedIssues: (row, view, args) =>
    connection(
      view,
      "Issue",
      issuesWhere(view, (issue) => issue.delegateId === row.id),
      args,
    ),
  createdIssues: (row, view, args) =>
    connection(
      view,
      "Issue",
      issuesWhere(view, (issue) => issue.creatorId === row.id),
      args,
    ),
  teams: (_, view, args) => connection(view, "Team", view.all(view.model.teams), args),
};

export const Team: Fields<TeamRow> = {
  displayName: (row) => row.name,
  organization: () => ({}),
  issueCount: (row, view) => issuesWhere(view, (issue) => issue.teamId === row.id).length,
  defaultIssueState: (row, view) => view.model.stateOf(row.id, "unstarted"),
  triageIssueState: (row, view) => view.model.stateOf(row.id, "triage"),
  states: (row, view, args) => connection(view, "State", view.group(view.model.states, row.id), args),
  issues: (row, view, args) =>
    connection(
      view,
      "Issue",
      issuesWhere(view, (issue) => issue.teamId === row.id),
      args,
    ),
  labels: (row, view, args) =>
    connection(
      view,
      "Label",
      view.all(view.model.labels).filter((label) => label.teamId === null || label.teamId === row.id),
      args,
    ),
  members: (_, view, args) =>
    connection(
      view,
      "User",
      view.all(view.model.users).filter((user) => !user.app),
      args,
    ),
};

export const WorkflowState: Fields<StateRow> = {
  team: (row, view) => view.get(view.model.teams, row.teamId),
  issues: (row, view, args) =>
    connection(
      view,
      "Issue",
      issuesWhere(view, (issue) => issue.stateId === row.id),
      args,
    ),
};

export const IssueLabel: Fields<LabelRow> = {
  team: (row, view) => view.get(view.model.teams, row.teamId),
  organization: () => ({}),
  issues: (row, view, args) =>
    connection(
      view,
      "Issue",
      issuesWhere(view, (issue) => issue.labelIds.includes(row.id)),
      args,
    ),
};

export const Project: Fields<ProjectRow> = {
  url: (row, view) => webUrl(view.model, `project/${row.slugId}`),
  teams: (row, view, args) =>
    connection(
      view,
      "Team",
      view.all(view.model.teams).filter((team) => row.teamIds.includes(team.id)),
      args,
    ),
  issues: (row, view, args) =>
    connection(
      view,
      "Issue",
      issuesWhere(view, (issue) => issue.projectId === row.id),
      args,
    ),
};
