import {
  InvalidInputLinearError,
  LinearClient,
  AuthenticationLinearError,
  RatelimitedLinearError,
} from "@linear/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LinearWorld } from "../../world/linear/world.ts";
import { handWorld } from "./linear-support.ts";

let world: LinearWorld;
let client: LinearClient;

beforeEach(async () => {
  ({ world } = await handWorld());
  client = new LinearClient({ accessToken: world.accessToken, apiUrl: `${world.url}/graphql` });
});
afterEach(() => world.close());

test("the SDK sees the app as viewer, and its organization", async () => {
  const viewer = await client.viewer;
  expect(viewer).toMatchObject({
    id: world.installation.appUserId,
    app: true,
    isMe: true,
    supportsAgentSessions: true,
  });
  expect((await client.organization).id).toBe(world.installation.organizationId);
});

test("the SDK reads an issue by key and everything around it", async () => {
  world.addLabel("bug");
  world.addProject("Launch", ["APP"]);
  const parent = world.createIssue({ team: "APP", title: "Umbrella" });
  const made = world.createIssue({
    team: "APP",
    title: "Fix the login",
    description: "It fails.",
    labels: ["bug"],
    parent: parent.identifier,
    project: "Launch",
    assignee: "grace",
    by: "ada",
  });
  const blocker = world.createIssue({ team: "APP", title: "First this" });
  world.addBlocker(made.identifier, blocker.identifier, "ada");
  world.comment(made.identifier, "Please hurry", "ada");

  const issue = await client.issue("app-2");
  expect(issue).toMatchObject({ id: made.id, identifier: "APP-2", title: "Fix the login", number: 2 });
  expect((await issue.state)?.type).toBe("unstarted");
  expect((await issue.team)?.key).toBe("APP");
  expect((await issue.assignee)?.displayName).toBe("grace");
  expect((await issue.creator)?.displayName).toBe("ada");
  expect((await issue.parent)?.identifier).toBe("APP-1");
  expect((await issue.project)?.name).toBe("Launch");
  expect((await issue.labels()).nodes.map((label) => label.name)).toEqual(["bug"]);
  expect((await issue.comments()).nodes.map((comment) => comment.body)).toEqual(["Please hurry"]);
  expect((await issue.children()).nodes).toEqual([]);
  const inverse = (await issue.inverseRelations()).nodes[0];
  expect(inverse?.type).toBe("blocks");
  expect((await inverse?.issue)?.identifier).toBe("APP-3");
  expect((await (await client.issue("APP-1")).children()).nodes.map((each) => each.identifier)).toEqual([
    "APP-2",
  ]);
});

test("the SDK finds the open issues that are delegated to the app, and no others", async () => {
  const keys = ["one", "two", "three"].map((title) => world.createIssue({ team: "APP", title }).identifier);
  world.delegate("APP-1", "ada");
  world.delegate("APP-2", "ada");
  world.setState("APP-2", "completed", "ada");
  expect(keys).toEqual(["APP-1", "APP-2", "APP-3"]);
  const found = await client.issues({
    first: 50,
    filter: {
      delegate: { id: { eq: world.installation.appUserId } },
      state: { type: { nin: ["completed", "canceled"] } },
    },
  });
  expect(found.nodes.map((issue) => issue.identifier)).toEqual(["APP-1"]);
});

test("the SDK pages through issues, newest first, without loss or repetition", async () => {
  for (let number = 1; number <= 7; number += 1) world.createIssue({ team: "APP", title: `Issue ${number}` });
  let pageOfIssues = await client.issues({ first: 3 });
  const seen = pageOfIssues.nodes.map((issue) => issue.number);
  while (pageOfIssues.pageInfo.hasNextPage) {
    pageOfIssues = await client.issues({ first: 3, after: pageOfIssues.pageInfo.endCursor ?? null });
    seen.push(...pageOfIssues.nodes.map((issue) => issue.number));
  }
  expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1]);
});

test("the SDK carries a session from pending to complete", async () => {
  world.createIssue({ team: "APP", title: "Fix the login" });
  const { id } = world.delegate("APP-1", "ada");
  expect((await client.agentSession(id)).status).toBe("pending");

  const thought = await client.createAgentActivity({
    agentSessionId: id,
    content: { type: "thought", body: "Reading" },
  });
  expect(thought.success).toBe(true);
  await client.updateAgentSession(id, {
    plan: [{ content: "Read", status: "completed" }],
    externalUrls: [{ label: "Dashboard", url: "http://127.0.0.1:8787/issues/APP-1" }],
  });
  const active = await client.agentSession(id);
  expect(active).toMatchObject({ status: "active", plan: [{ content: "Read", status: "completed" }] });
  expect(active.externalLinks.map((link) => link.label)).toEqual(["Dashboard"]);
  expect(active.externalUrls).toEqual([{ label: "Dashboard", url: "http://127.0.0.1:8787/issues/APP-1" }]);

  await client.createAgentActivity({ agentSessionId: id, content: { type: "response", body: "Done." } });
  const complete = await client.agentSession(id);
  expect(complete.status).toBe("complete");
  expect(complete.endedAt).toBeInstanceOf(Date);
  const activities = (await complete.activities()).nodes;
  expect(activities.map((activity) => activity.content)).toMatchObject([
    { type: "response", body: "Done." },
    { type: "thought", body: "Reading" },
  ]);
  expect((await complete.creator)?.displayName).toBe("ada");
});

test("the SDK updates an issue and comments; history says who delegated", async () => {
  const review = world.createIssue({ team: "APP", title: "Fix" });
  world.delegate("APP-1", "ada");
  const states = await client.workflowStates({
    filter: { team: { key: { eq: "APP" } }, type: { eq: "started" } },
  });
  const first = states.nodes.toSorted((a, b) => a.position - b.position)[0];
  const updated = await client.updateIssue(review.id, { stateId: first?.id ?? "" });
  expect((await (await updated.issue)?.state)?.name).toBe("In Progress");
  const comment = await client.createComment({ issueId: review.id, body: "On it" });
  expect((await (await comment.comment)?.user)?.id).toBe(world.installation.appUserId);
  world.undelegate("APP-1", "grace");

  const history = (await (await client.issue("APP-1")).history({ first: 10 })).nodes;
  const who = await Promise.all(
    history.map(async (entry) => ({
      by: (await entry.actor)?.displayName,
      from: (await entry.fromDelegate)?.displayName,
      to: (await entry.toDelegate)?.displayName,
      state: (await entry.toState)?.name,
    })),
  );
  expect(who).toEqual([
    { by: "grace", from: "patchrelay", to: undefined, state: undefined },
    { by: "patchrelay", from: undefined, to: undefined, state: "In Progress" },
    { by: "ada", from: undefined, to: "patchrelay", state: undefined },
  ]);
});

test("the SDK reads every other kind of row the model has", async () => {
  world.addLabel("bug");
  world.addProject("Launch", ["APP"]);
  world.createIssue({ team: "APP", title: "Fix" });
  await client.createAttachment({ issueId: "APP-1", url: "https://github.com/o/r/pull/1", title: "PR 1" });
  expect((await client.teams()).nodes.map((team) => team.key)).toEqual(["APP"]);
  expect((await client.users()).nodes.map((user) => user.displayName)).toEqual([
    "grace",
    "ada",
    "patchrelay",
  ]);
  expect((await client.issueLabels()).nodes.map((label) => label.name)).toEqual(["bug"]);
  expect((await client.attachmentsForURL("https://github.com/o/r/pull/1")).nodes.length).toBe(1);
  expect((await client.rateLimitStatus).limits.map((limit) => limit.type)).toEqual(["request", "complexity"]);
});

test("the SDK gets typed errors", async () => {
  await expect(client.issue("APP-99")).rejects.toBeInstanceOf(InvalidInputLinearError);
  const stranger = new LinearClient({ apiKey: "lin_api_wrong", apiUrl: `${world.url}/graphql` });
  await expect(stranger.viewer).rejects.toBeInstanceOf(AuthenticationLinearError);
  world.faults.rateLimitNext = 1;
  const limited = await client.viewer.then(
    () => null,
    (error: unknown) => error,
  );
  expect(limited).toBeInstanceOf(RatelimitedLinearError);
  expect(limited).toMatchObject({ requestsRemaining: 0 });
});
