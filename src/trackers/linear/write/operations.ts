import { z } from "zod";
import type { Operation } from "../client/client.ts";
import { id, maybe, name, time } from "../events/schema.ts";

const success = z.object({ success: z.boolean() });

const activityCreated = z.object({ agentActivityCreate: success });
/** Posts an activity; `input` is an AgentActivityCreateInput. */
export const CREATE_ACTIVITY: Operation<z.output<typeof activityCreated>> = {
  name: "CreateActivity",
  kind: "write",
  document: `mutation CreateActivity($input: AgentActivityCreateInput!) {
  agentActivityCreate(input: $input) { success }
}`,
  answer: activityCreated,
};

const activityFound = z.object({ agentActivity: z.object({ agentSession: z.object({ id }) }) });
/** The session of an activity. A `write`, because it decides whether a write is over. */
export const FIND_ACTIVITY: Operation<z.output<typeof activityFound>> = {
  name: "FindActivity",
  kind: "write",
  document: `query FindActivity($id: String!) { agentActivity(id: $id) { agentSession { id } } }`,
  answer: activityFound,
};

const sessionUpdated = z.object({ agentSessionUpdate: success });
/** Changes plan or links of a session; `input` is an AgentSessionUpdateInput. */
export const UPDATE_SESSION: Operation<z.output<typeof sessionUpdated>> = {
  name: "UpdateSession",
  kind: "write",
  document: `mutation UpdateSession($id: String!, $input: AgentSessionUpdateInput!) {
  agentSessionUpdate(id: $id, input: $input) { success }
}`,
  answer: sessionUpdated,
};

const linksFound = z.object({
  agentSession: z.object({ externalLinks: z.array(z.object({ url: z.string() })) }),
});
/** The links of a session. */
export const FIND_LINKS: Operation<z.output<typeof linksFound>> = {
  name: "FindLinks",
  kind: "write",
  document: `query FindLinks($id: String!) { agentSession(id: $id) { externalLinks { url } } }`,
  answer: linksFound,
};

const state = z.object({ id, name, type: z.string(), position: z.number() });
const statusFound = z.object({
  issue: z.object({
    trashed: maybe(z.boolean()),
    state: z.object({ id, name, type: z.string() }),
    team: z.object({ key: name, states: z.object({ nodes: z.array(state) }) }),
  }),
});
export type StatusAnswer = z.output<typeof statusFound>;
/** Where an issue stands, and where its team's workflow could take it. */
export const FIND_STATUS: Operation<StatusAnswer> = {
  name: "FindStatus",
  kind: "write",
  document: `query FindStatus($id: String!) {
  issue(id: $id) {
    trashed
    state { id name type }
    team { key states(first: 100) { nodes { id name type position } } }
  }
}`,
  answer: statusFound,
};

const delegateFound = z.object({ issue: z.object({ delegate: maybe(z.object({ id })) }) });
/** Who an issue is delegated to. */
export const FIND_DELEGATE: Operation<z.output<typeof delegateFound>> = {
  name: "FindDelegate",
  kind: "write",
  document: `query FindDelegate($id: String!) { issue(id: $id) { delegate { id } } }`,
  answer: delegateFound,
};

const updatedIssue = z.object({
  updatedAt: time,
  completedAt: maybe(time),
  canceledAt: maybe(time),
  state: z.object({ id, name, type: z.string() }),
});
export type UpdatedIssue = z.output<typeof updatedIssue>;
const issueUpdated = z.object({ issueUpdate: success.extend({ issue: maybe(updatedIssue) }) });
/** Changes an issue; `input` is an IssueUpdateInput. */
export const UPDATE_ISSUE: Operation<z.output<typeof issueUpdated>> = {
  name: "UpdateIssue",
  kind: "write",
  document: `mutation UpdateIssue($id: String!, $input: IssueUpdateInput!) {
  issueUpdate(id: $id, input: $input) {
    success
    issue { updatedAt completedAt canceledAt state { id name type } }
  }
}`,
  answer: issueUpdated,
};
