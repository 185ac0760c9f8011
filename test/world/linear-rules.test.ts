import { afterEach, beforeEach, expect, test } from "vitest";
import type { SessionRow } from "../../world/linear/model/records.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import { ask, at, handWorld, type Answer, type HandClock } from "./linear-support.ts";

let world: LinearWorld;
let clock: HandClock;
let session: SessionRow;

beforeEach(async () => {
  ({ world, clock } = await handWorld());
  world.createIssue({ team: "APP", title: "Fix the login" });
  session = world.delegate("APP-1", "ada");
});
afterEach(() => world.close());

const ACTIVITY = `mutation($input: AgentActivityCreateInput!) {
  agentActivityCreate(input: $input) { success agentActivity { id } } }`;
const SESSION = `mutation($id: String!, $input: AgentSessionUpdateInput!) {
  agentSessionUpdate(id: $id, input: $input) { success agentSession { id plan summary externalLinks { url } } } }`;

async function say(input: Record<string, unknown>): Promise<Answer> {
  return ask(world, ACTIVITY, { input: { agentSessionId: session.id, ...input } });
}

async function set(input: Record<string, unknown>): Promise<Answer> {
  return ask(world, SESSION, { id: session.id, input });
}

function detail(answer: Answer): string {
  expect(answer.errors[0]?.extensions).toMatchObject({ code: "INPUT_ERROR", type: "invalid input" });
  expect(answer.status).toBe(400);
  return String(answer.errors[0]?.extensions["userPresentableMessage"]);
}

test.each([
  [{ content: { type: "thought" } }, "content.body of a thought must be a non-empty string"],
  [{ content: { type: "thought", body: " " } }, "content.body of a thought must be a non-empty string"],
  [{ content: { type: "thought", body: "x", mood: "good" } }, "content.mood is not a field of thought"],
  [
    { content: { type: "action", action: "Run" } },
    "content.parameter of a action must be a non-empty string",
  ],
  [{ content: { type: "prompt", body: "x" } }, "content.type prompt is for users; an agent cannot create it"],
  [
    { content: { type: "nonsense", body: "x" } },
    'content.type must be one of thought, action, elicitation, response, error, not "nonsense"',
  ],
  [{ content: { type: "response", body: "x" }, ephemeral: true }, "a response cannot be ephemeral"],
  [{ content: { type: "thought", body: "x" }, signal: "stop" }, "signal stop is for users"],
  [
    { content: { type: "thought", body: "x" }, signal: "select" },
    "signal select belongs on a elicitation, not on a thought",
  ],
  [
    { content: { type: "elicitation", body: "x" }, signal: "select", signalMetadata: { options: [] } },
    "signalMetadata.options must be a non-empty array of { value, label? }",
  ],
  [
    { content: { type: "elicitation", body: "x" }, signal: "auth", signalMetadata: { url: "nowhere" } },
    'signalMetadata.url must be an http(s) address, not "nowhere"',
  ],
  [{ content: { type: "thought", body: "x" }, id: "1234" }, 'id must be a UUID version 4, not "1234"'],
])("an activity %j is refused: %s", async (input, reason) => {
  expect(detail(await say(input))).toBe(reason);
  expect(world.activities(session.id)).toEqual([]);
});

test("an activity with an id that was used is refused and not doubled", async () => {
  const id = "9e3f4c1a-52d7-4b0e-8a66-1c2d3e4f5a6b";
  expect((await say({ content: { type: "thought", body: "one" }, id })).status).toBe(200);
  expect(detail(await say({ content: { type: "thought", body: "one" }, id }))).toContain(id);
  expect(world.activities(session.id).map((activity) => activity.id)).toEqual([id]);
});

test("ephemeral thoughts go with the next activity", async () => {
  await say({ content: { type: "thought", body: "hm" }, ephemeral: true });
  await say({ content: { type: "action", action: "Read", parameter: "src" } });
  const answer = await ask(
    world,
    `query($id: String!) { agentSession(id: $id) { activities(first: 10) { nodes { content {
      ... on AgentActivityActionContent { action } ... on AgentActivityThoughtContent { body } } } } } }`,
    { id: session.id },
  );
  expect(at(answer.data, "agentSession.activities.nodes")).toEqual([{ content: { action: "Read" } }]);
  expect(world.activities(session.id).length).toBe(2);
});

test("response, elicitation and error make a comment in the session's thread, thoughts do not", async () => {
  await say({ content: { type: "thought", body: "hm" } });
  await say({
    content: { type: "elicitation", body: "Which?" },
    signal: "select",
    signalMetadata: { options: [{ value: "a", label: "A" }] },
  });
  await say({ content: { type: "error", body: "Broken" } });
  await say({ content: { type: "response", body: "Done" } });
  const comments = world.issue("APP-1").comments.filter((comment) => comment.userId === session.appUserId);
  expect(comments.map((comment) => comment.body)).toEqual(["Which?", "Broken", "Done"]);
  expect(new Set(comments.map((comment) => comment.parentId))).toEqual(new Set([session.commentId]));
});

test.each([
  ["thought", "active"],
  ["elicitation", "awaitingInput"],
  ["response", "complete"],
  ["error", "error"],
])("after a %s the session is %s", async (type, status) => {
  await say({ content: { type, body: "x" } });
  expect(world.session(session.id).status).toBe(status);
});

test("a response with signal continue keeps the session active", async () => {
  await say({ content: { type: "response", body: "x" }, signal: "continue" });
  expect(world.session(session.id)).toMatchObject({ status: "active", endedAt: null });
});

test("half an hour of silence makes a session stale, an activity revives it", async () => {
  await say({ content: { type: "thought", body: "x" } });
  clock.advance(30 * 60_000 + 1);
  expect(world.session(session.id).status).toBe("stale");
  await say({ content: { type: "thought", body: "y" } });
  expect(world.session(session.id).status).toBe("active");
});

test("a plan is an array, is sent as JSON text and is replaced whole", async () => {
  const plan = [{ content: "Read", status: "inProgress" }];
  const answer = await set({ plan });
  expect(JSON.parse(String(at(answer.data, "agentSessionUpdate.agentSession.plan")))).toEqual(plan);
  expect(detail(await set({ plan: { content: "Read" } }))).toBe(
    "plan must be an array of { content, status }",
  );
  expect(detail(await set({ plan: [{ content: "Read", status: "done" }] }))).toContain("plan[0].status");
  expect(world.session(session.id).plan).toEqual(plan);
});

test("a title does not acknowledge a session, an address does", async () => {
  await set({ summary: "Fixing the login" });
  expect(world.session(session.id).acknowledgedAt).toBeNull();
  expect(detail(await set({ summary: "two\nlines" }))).toContain("one line");
  await set({ addedExternalUrls: [{ label: "PR", url: "https://github.com/o/r/pull/1" }] });
  expect(world.session(session.id).acknowledgedAt).toBe(clock.now());
});

test("addresses are unique, added and removed", async () => {
  const one = { label: "One", url: "https://example.com/1" };
  const two = { label: "Two", url: "https://example.com/2" };
  await set({ externalUrls: [one] });
  expect(detail(await set({ addedExternalUrls: [one] }))).toContain("twice");
  await set({ addedExternalUrls: [two], removedExternalUrls: [one.url] });
  expect(world.session(session.id).externalLinks).toEqual([two]);
});

test("every change makes a row newer, also while the clock stands still", async () => {
  const seen = [world.session(session.id).updatedAt];
  for (const body of ["a", "b"]) {
    await say({ content: { type: "thought", body } });
    seen.push(world.session(session.id).updatedAt);
  }
  expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
});

test("a state of another team, an unknown label and an unknown issue are refused by name", async () => {
  world.addTeam("WEB", "Web");
  const states = await ask(
    world,
    `{ workflowStates(first: 50, filter: { team: { key: { eq: "WEB" } }, type: { eq: "started" } }) { nodes { id } } }`,
  );
  const foreign = String(at(states.data, "workflowStates.nodes.0.id"));
  const update = `mutation($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }`;
  expect(detail(await ask(world, update, { id: "APP-1", input: { stateId: foreign } }))).toContain(
    "another team",
  );
  expect(detail(await ask(world, update, { id: "APP-1", input: { addedLabelIds: ["nope"] } }))).toContain(
    "IssueLabel nope",
  );
  expect(detail(await ask(world, update, { id: "APP-9", input: { priority: 1 } }))).toContain("Issue APP-9");
});

test("labels are added and removed without touching the others", async () => {
  const [bug, ui, old] = ["bug", "ui", "old"].map((name) => world.addLabel(name).id);
  world.editIssue("APP-1", { labels: ["bug", "old"] }, "ada");
  await ask(
    world,
    `mutation($input: IssueUpdateInput!) { issueUpdate(id: "APP-1", input: $input) { success } }`,
    { input: { addedLabelIds: [ui], removedLabelIds: [old] } },
  );
  expect(world.issue("APP-1").labelIds).toEqual([bug, ui]);
});

test("attaching one address twice updates; linking a pull request twice is refused as a duplicate", async () => {
  const attach = `mutation($title: String!) { attachmentCreate(input: { issueId: "APP-1", url: "https://example.com/1", title: $title }) { success } }`;
  await ask(world, attach, { title: "First" });
  await ask(world, attach, { title: "Second" });
  expect(world.issue("APP-1").attachments.map((attachment) => attachment.title)).toEqual(["Second"]);
  const link = `mutation { attachmentLinkGitHubPR(issueId: "APP-1", url: "https://github.com/o/r/pull/7") { success } }`;
  expect((await ask(world, link)).status).toBe(200);
  expect((await ask(world, link)).errors[0]?.message).toBe("Duplicate attachment for duplicate url");
  expect(world.issue("APP-1").attachments.length).toBe(2);
});

test("an unchanged comment text is no change; another's comment cannot be rewritten", async () => {
  const made = await ask(
    world,
    `mutation { commentCreate(input: { issueId: "APP-1", body: "Hello" }) { comment { id } } }`,
  );
  const id = String(at(made.data, "commentCreate.comment.id"));
  const edit = `mutation($id: String!) { commentUpdate(id: $id, input: { body: "Hello" }) { success } }`;
  const before = world.sent.length;
  expect((await ask(world, edit, { id })).status).toBe(200);
  expect(world.sent.length).toBe(before);
  const foreign = world.comment("APP-1", "Mine", "ada").id;
  expect((await ask(world, edit, { id: foreign })).status).toBe(403);
});

test("what the model cannot answer is an error naming it when required, null when not", async () => {
  const optional = await ask(world, `{ issue(id: "APP-1") { id cycle { id } } }`);
  expect(optional.data).toMatchObject({ issue: { cycle: null } });
  const needed = await ask(world, `{ issue(id: "APP-1") { id documents(first: 1) { nodes { id } } } }`);
  expect(needed.errors[0]?.message).toContain("Issue.documents");
  const unknown = await ask(world, `mutation { teamDelete(id: "x") { success } }`);
  expect(unknown.errors[0]?.message).toContain("Mutation.teamDelete");
  const filter = await ask(world, `{ issues(first: 1, filter: { cycle: { null: true } }) { nodes { id } } }`);
  expect(filter.errors[0]?.message).toContain("cycle");
});
