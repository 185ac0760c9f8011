import { afterEach, beforeEach, expect, test } from "vitest";
import { asStored } from "../../world/linear/model/markdown.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import { ask, at, handWorld, SECRET, startReceiver, type HandClock } from "./linear-support.ts";

// What a program with a person's key lives by: comments, labels, and who did what.

const WINDOW_MS = 60_000;

let world: LinearWorld;
let clock: HandClock;

beforeEach(async () => {
  ({ world, clock } = await handWorld({ historyWindowMs: WINDOW_MS }));
  world.createIssue({ team: "APP", title: "Fix the login" });
  world.addLabel("patchrelay");
});
afterEach(async () => {
  expect(world.problems).toEqual([]);
  await world.close();
});

const asPerson = (query: string, variables: Record<string, unknown> = {}) =>
  ask(world, query, variables, world.apiKey);

const HISTORY = `query { issue(id: "APP-1") { history(first: 10) {
  nodes { actor { name } addedLabels { name } removedLabels { name } } } } }`;

async function history(): Promise<unknown> {
  return at((await asPerson(HISTORY)).data, "issue.history.nodes");
}

test("the history names who put a label on and who took it away", async () => {
  world.editIssue("APP-1", { labels: ["patchrelay"] }, "ada");
  clock.advance(WINDOW_MS);
  world.editIssue("APP-1", { labels: [] }, "grace");
  const label = [{ name: "patchrelay" }];
  expect(await history()).toEqual([
    { actor: { name: "Grace Hopper" }, addedLabels: null, removedLabels: label },
    { actor: { name: "Ada Lovelace" }, addedLabels: label, removedLabels: null },
  ]);
});

test("a label that an issue was made with is in no history", async () => {
  world.createIssue({ team: "APP", title: "Labelled", labels: ["patchrelay"] });
  const { data } = await asPerson(HISTORY.replace("APP-1", "APP-2"));
  expect(at(data, "issue.history.nodes")).toEqual([]);
});

test("what one person does and undoes within a moment leaves no trace, and the rest of it one entry", async () => {
  world.editIssue("APP-1", { labels: ["patchrelay"], title: "Fix the sign-in" }, "ada");
  clock.advance(WINDOW_MS - 1);
  world.editIssue("APP-1", { labels: [] }, "ada");
  expect(await history()).toEqual([
    { actor: { name: "Ada Lovelace" }, addedLabels: null, removedLabels: null },
  ]);
  world.editIssue("APP-1", { title: "Fix the login" }, "ada");
  expect(await history()).toEqual([]);
  world.editIssue("APP-1", { labels: ["patchrelay"] }, "grace");
  world.editIssue("APP-1", { labels: [] }, "ada");
  expect(await history()).toHaveLength(2);
});

test("issues are found by the name of a label in any case, and by when they were changed", async () => {
  world.createIssue({ team: "APP", title: "Other" });
  clock.advance(10_000);
  const since = new Date(clock.now()).toISOString();
  world.editIssue("APP-1", { labels: ["patchrelay"] }, "ada");
  const query = `query($since: DateTimeOrDuration!) {
    labelled: issues(filter: { updatedAt: { gte: $since }, labels: { some: { name: { eqIgnoreCase: "PatchRelay" } } } }) { nodes { identifier } }
    changed: issues(orderBy: updatedAt, filter: { updatedAt: { gte: $since } }) { nodes { identifier } }
  }`;
  const { data } = await asPerson(query, { since });
  expect(data).toMatchObject({
    labelled: { nodes: [{ identifier: "APP-1" }] },
    changed: { nodes: [{ identifier: "APP-1" }] },
  });
});

test("a comment makes its issue no newer; it is found among the comments, under its thread", async () => {
  const before = world.issue("APP-1").updatedAt;
  clock.advance(10_000);
  const root = world.comment("APP-1", "How about this?", "grace");
  world.comment("APP-1", "Good.", "ada", root.id);
  expect(world.issue("APP-1").updatedAt).toBe(before);
  const query = `query($since: DateTimeOrDuration!) {
    comments(first: 10, orderBy: updatedAt, filter: { updatedAt: { gte: $since }, issue: { null: false } }) {
      nodes { body user { id } parent { id } issue { identifier } }
    }
  }`;
  const { data } = await asPerson(query, { since: new Date(clock.now()).toISOString() });
  const issue = { identifier: "APP-1" };
  expect(at(data, "comments.nodes")).toMatchObject([
    { body: "Good.", parent: { id: root.id }, issue },
    { body: "How about this?", parent: null, issue },
  ]);
});

test("what an integration passes on has no user, but the outsider who said it", async () => {
  const receiver = await startReceiver();
  world.setWebhook({ url: receiver.url, secret: SECRET });
  world.commentFromOutside("APP-1", "@patchrelay do it", "Mallory");
  const { data } = await asPerson(
    `query { comments { nodes { body user { id } botActor { id } externalUser { name } } } }`,
  );
  expect(at(data, "comments.nodes")).toEqual([
    { body: "@patchrelay do it", user: null, botActor: null, externalUser: { name: "Mallory" } },
  ]);
  await world.settled();
  expect(receiver.got.map(({ body }) => body)).toMatchObject([
    { type: "Comment", action: "create", actor: { type: "externalUser", name: "Mallory" } },
  ]);
  expect(at(receiver.got[0]?.body, "data.userId")).toBeNull();
  await receiver.close();
});

const CREATE = `mutation($input: CommentCreateInput!) { commentCreate(input: $input) { comment { body } } }`;
const ID = "0f7c1c1e-2b1d-4c6e-9a55-0c8d3f6b7a11";

test("an id of one's own choice is taken once, also after the comment was deleted", async () => {
  const input = { id: ID, issueId: "APP-1", body: "Mine" };
  expect((await asPerson(CREATE, { input })).errors).toEqual([]);
  expect((await asPerson(CREATE, { input })).errors).toHaveLength(1);
  world.removeComment(ID, "ada");
  const gone = await asPerson(`query($id: String!) { comment(id: $id) { id } }`, { id: ID });
  expect(gone.errors[0]?.message).toBe("Entity not found: Comment");
  expect((await asPerson(CREATE, { input })).errors[0]?.message).not.toContain("not found");
});

test("only its author rewrites a comment, and a rewritten one is newer", async () => {
  const { id: mine } = world.comment("APP-1", "Mine", "ada");
  const { id: hers } = world.comment("APP-1", "Hers", "grace");
  clock.advance(5_000);
  const EDIT = `mutation($id: String!) { commentUpdate(id: $id, input: { body: "New" }) { comment { body updatedAt editedAt } } }`;
  const now = new Date(clock.now()).toISOString();
  expect(at((await asPerson(EDIT, { id: mine })).data, "commentUpdate.comment")).toEqual({
    body: "New",
    updatedAt: now,
    editedAt: now,
  });
  expect((await asPerson(EDIT, { id: hers })).errors[0]?.extensions["type"]).toBe("forbidden");
});

test.each([
  ["- one\n+ two\n  - three  ", "* one\n* two\n  * three"],
  ["- [ ] open\n- [x] done", "* [ ] open\n* [x] done"],
  ["_soft_ and __hard__, but snake_case_name", "*soft* and **hard**, but snake_case_name"],
  ["[PR](https://example.com/1)", "[PR](<https://example.com/1>)"],
  ["See https://example.com/a.", "See [https://example.com/a](<https://example.com/a>)."],
  ["a\n\n\n\nb <!-- hidden -->\n", "a\n\nb"],
  ["`- _code_`\n\n```\n- _x_ https://a.example/b\n```", "`- _code_`\n\n```\n- _x_ https://a.example/b\n```"],
])("%j is kept as %j, and stays so", (given, stored) => {
  expect(asStored(given)).toBe(stored);
  expect(asStored(stored)).toBe(stored);
});
