import { AgentActivity, AgentSession } from "./agent.ts";
import type { Fields } from "./fields.ts";
import { Attachment, Comment, Issue, IssueHistory, IssueRelation, Reaction } from "./issue.ts";
import { IssueLabel, Organization, Project, Team, User, WorkflowState } from "./workspace.ts";

/** Fields of entities that are more than a property of their row, by type and field. */
export const ANSWERS: Readonly<Record<string, Fields<never>>> = {
  Organization,
  User,
  Team,
  WorkflowState,
  IssueLabel,
  Project,
  Issue,
  IssueRelation,
  IssueHistory,
  Comment,
  Attachment,
  Reaction,
  AgentActivity,
  AgentSession,
};
