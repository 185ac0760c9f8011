import { LinearWebhookClient } from "@linear/sdk/webhooks";
import { createHmac } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { linearSchema } from "../../world/linear/api/schema.ts";
import { payloadFaults } from "../../world/linear/payloads/check.ts";
import { startLinearWorld, type LinearWorld } from "../../world/linear/world.ts";
import {
  ask,
  at,
  HandClock,
  handWorld,
  SECRET,
  startReceiver,
  type Receiver,
  type Received,
} from "./linear-support.ts";

let world: LinearWorld;
let clock: HandClock;
let receiver: Receiver;

beforeEach(async () => {
  receiver = await startReceiver();
  ({ world, clock } = await handWorld({ webhook: { url: receiver.url, secret: SECRET } }));
  world.createIssue({ team: "APP", title: "Fix the <login>", description: "It fails & fails." });
  await world.settled();
  receiver.got.length = 0;
});
afterEach(async () => {
  expect(world.problems).toEqual([]);
  await world.close();
  await receiver.close();
});

/** Event and action of each webhook received, in order; the list is emptied. */
async function events(): Promise<string[]> {
  await world.settled();
  return receiver.got.splice(0).map(({ body }) => `${String(body["type"])} ${String(body["action"])}`);
}

async function received(type: string): Promise<Received> {
  await world.settled();
  const found = receiver.got.find(({ body }) => body["type"] === type);
  if (found === undefined) throw new Error(`no ${type} webhook was received`);
  return found;
}

test("a delegation is told as an update of the issue, a new session and an inbox notification", async () => {
  const session = world.delegate("APP-1", "ada");
  await world.settled();
  const update = (await received("Issue")).body;
  expect(update).toMatchObject({
    action: "update",
    actor: { type: "user", name: "Ada Lovelace" },
    updatedFrom: { delegateId: null },
    data: { identifier: "APP-1", delegateId: world.installation.appUserId, state: { type: "unstarted" } },
  });
  const created = (await received("AgentSessionEvent")).body;
  expect(created).toMatchObject({
    action: "created",
    appUserId: world.installation.appUserId,
    organizationId: world.installation.organizationId,
    agentSession: {
      id: session.id,
      status: "pending",
      creator: { name: "Ada Lovelace" },
      issue: { identifier: "APP-1", team: { key: "APP" } },
    },
  });
  expect(created["promptContext"]).toContain('<issue identifier="APP-1">');
  expect(created["promptContext"]).toContain("<title>Fix the &lt;login&gt;</title>");
  expect(at(created, "agentSession.issue.state")).toBeUndefined();
  expect(await events()).toEqual([
    "Issue update",
    "Comment create",
    "AgentSessionEvent created",
    "AppUserNotification issueAssignedToYou",
  ]);
});

test("taking the delegation away tells the previous delegate and an inbox notification", async () => {
  world.delegate("APP-1", "ada");
  await events();
  world.undelegate("APP-1", "grace");
  const update = (await received("Issue")).body;
  expect(update["updatedFrom"]).toMatchObject({ delegateId: world.installation.appUserId });
  expect(at(update, "data.delegateId")).toBeNull();
  expect(await events()).toEqual(["Issue update", "AppUserNotification issueUnassignedFromYou"]);
});

test("an automation's delegation opens a session without a creator, with the organization's guidance", async () => {
  world.setGuidance("Write tests first.");
  world.delegateByAutomation("APP-1");
  expect((await received("Issue")).body["actor"]).toBeNull();
  const created = (await received("AgentSessionEvent")).body;
  expect(at(created, "agentSession.creatorId")).toBeNull();
  expect(at(created, "agentSession.creator")).toBeUndefined();
  expect(created["guidance"]).toEqual([{ body: "Write tests first.", origin: { type: "Organization" } }]);
});

test("a dismissed session ends the delegation; mention and delegation then open new ones", async () => {
  const first = world.delegate("APP-1", "ada");
  await events();
  world.dismiss(first.id, "ada");
  expect(await events()).toEqual(["Issue update", "AppUserNotification issueUnassignedFromYou"]);
  expect(world.issue("APP-1").delegateId).toBeNull();
  const second = world.mention("APP-1", "@patchrelay after all", "ada");
  const third = world.delegate("APP-1", "ada");
  expect(new Set([first.id, second.id, third.id]).size).toBe(3);
});

test("the app's own session and own delegation bring no session event and no notification", async () => {
  await ask(
    world,
    `mutation($app: String!) { agentSessionCreateOnIssue(input: { issueId: "APP-1" }) { success }
      issueUpdate(id: "APP-1", input: { delegateId: $app }) { success } }`,
    { app: world.installation.appUserId },
  );
  expect(await events()).toEqual(["Comment create", "Issue update"]);
  expect(world.issue("APP-1").sessions.map((session) => session.creatorId)).toEqual([null]);
});

test("a mention opens a session; a second mention prompts it, also when it is finished", async () => {
  const session = world.mention("APP-1", "@patchrelay please look", "ada");
  expect(await events()).toEqual([
    "Comment create",
    "AgentSessionEvent created",
    "AppUserNotification issueCommentMention",
  ]);
  await ask(
    world,
    `mutation($id: String!) { agentActivityCreate(input: { agentSessionId: $id, content: { type: "response", body: "Looked." } }) { success } }`,
    { id: session.id },
  );
  expect(world.session(session.id).status).toBe("complete");
  expect(await events()).toEqual(["Comment create"]);
  expect(world.mention("APP-1", "@patchrelay again", "grace").id).toBe(session.id);
  const prompted = (await received("AgentSessionEvent")).body;
  expect(prompted).toMatchObject({
    action: "prompted",
    agentActivity: {
      content: { type: "prompt", body: "@patchrelay again" },
      user: { name: "Grace Hopper" },
    },
  });
  expect(prompted["promptContext"]).toBeUndefined();
  expect(world.session(session.id).status).toBe("active");
});

test("a mention in a reply carries the earlier comments of its thread", async () => {
  const root = world.comment("APP-1", "It breaks on Mondays", "ada");
  world.comment("APP-1", "Here too", "grace", root.id);
  world.mention("APP-1", "@patchrelay fix it", "grace", root.id);
  const created = (await received("AgentSessionEvent")).body;
  const bodies = (created["previousComments"] as { body: string }[]).map((comment) => comment.body);
  expect(bodies).toEqual(["It breaks on Mondays", "Here too"]);
  expect(created["promptContext"]).toContain(`<primary-directive-thread comment-id="${root.id}">`);
});

test("a prompt and a stop arrive as prompted, the stop with its signal", async () => {
  const session = world.delegate("APP-1", "ada");
  await events();
  world.prompt(session.id, "Use the other library", "ada");
  const prompted = (await received("AgentSessionEvent")).body;
  expect(at(prompted, "agentActivity.content.body")).toBe("Use the other library");
  expect(await events()).toEqual(["Comment create", "AgentSessionEvent prompted"]);
  world.stop(session.id, "ada");
  expect((await received("AgentSessionEvent")).body).toMatchObject({
    action: "prompted",
    agentActivity: { signal: "stop", content: { type: "prompt" } },
  });
  expect(world.session(session.id).status).toBe("stopping");
});

test("people's other acts are told, and blockers are not until they are gone", async () => {
  world.createIssue({ team: "APP", title: "First this" });
  world.delegate("APP-1", "ada");
  world.addLabel("bug");
  await events();
  world.addBlocker("APP-1", "APP-2", "ada");
  expect(await events()).toEqual([]);
  world.setState("APP-2", "completed", "ada");
  expect(await events()).toEqual(["Issue update", "AppUserNotification issueUnblocked"]);
  world.editIssue("APP-1", { title: "Fix it", labels: ["bug"] }, "ada");
  expect((await received("Issue")).body["updatedFrom"]).toMatchObject({
    title: "Fix the <login>",
    labelIds: [],
  });
  world.setState("APP-1", "In Review", "ada");
  world.comment("APP-1", "Any news?", "grace");
  world.removeIssue("APP-1", "ada");
  world.changeAccess([], ["APP"]);
  expect(await events()).toEqual([
    "Issue update",
    "Issue update",
    "AppUserNotification issueStatusChanged",
    "Comment create",
    "AppUserNotification issueNewComment",
    "Issue remove",
    "PermissionChange teamAccessChanged",
  ]);
});

test("the relay's own writes echo with the app as actor, and bring no notifications", async () => {
  const session = world.delegate("APP-1", "ada");
  await events();
  const done = world.issue("APP-1").id;
  await ask(world, `mutation($id: String!) { issueUpdate(id: $id, input: { priority: 1 }) { success } }`, {
    id: done,
  });
  await ask(
    world,
    `mutation($id: String!) { commentCreate(input: { issueId: $id, body: "Hello" }) { success } }`,
    { id: done },
  );
  await ask(
    world,
    `mutation($id: String!) { agentActivityCreate(input: { agentSessionId: $id, content: { type: "thought", body: "Hm" } }) { success } }`,
    { id: session.id },
  );
  await world.settled();
  const actors = receiver.got.map(({ body }) => at(body, "actor.id"));
  expect(new Set(actors)).toEqual(new Set([world.installation.appUserId]));
  expect(await events()).toEqual(["Issue update", "Comment create"]);
});

test("headers are Linear's, and the signature covers the bytes sent", async () => {
  world.comment("APP-1", "Grüße 🎉", "ada");
  const { headers, raw, body } = await received("Comment");
  expect(headers["linear-event"]).toBe("Comment");
  expect(headers["linear-delivery"]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  expect(headers["linear-timestamp"]).toBe(String(clock.now()));
  expect(body["webhookTimestamp"]).toBe(clock.now());
  expect(headers["content-type"]).toBe("application/json; charset=utf-8");
  expect(headers["user-agent"]).toBe("Linear-Webhook");
  expect(headers["linear-signature"]).toBe(createHmac("sha256", SECRET).update(raw).digest("hex"));
});

test("the SDK's webhook client accepts what is sent and refuses it altered", async () => {
  const live = await startLinearWorld({
    clock: systemClock,
    randomness: systemRandomness,
    webhook: { url: receiver.url, secret: SECRET },
  });
  try {
    live.createIssue({ team: "APP", title: "Now" });
    live.delegate("APP-1", "ada");
    await live.settled();
    const client = new LinearWebhookClient(SECRET);
    for (const { raw, headers } of receiver.got) {
      const signature = String(headers["linear-signature"]);
      expect(client.parseData(raw, signature).type).toBe(headers["linear-event"]);
      const altered = Buffer.from(raw);
      altered[altered.length - 2] = 0x20;
      expect(() => client.verify(altered, signature)).toThrow(/signature/i);
    }
    expect(receiver.got.length).toBe(5);
  } finally {
    await live.close();
  }
});

test("every kind of webhook fits its payload type in the schema", async () => {
  const session = world.mention("APP-1", "@patchrelay look", "ada");
  world.prompt(session.id, "and this", "ada");
  await ask(
    world,
    `mutation { attachmentCreate(input: { issueId: "APP-1", url: "https://example.com/1", title: "One" }) { success }
      reactionCreate(input: { issueId: "APP-1", emoji: "eyes" }) { success } }`,
  );
  world.addLabel("bug");
  await world.settled();
  const seen = new Set(receiver.got.map(({ body }) => String(body["type"])));
  expect([...seen].toSorted()).toEqual([
    "AgentSessionEvent",
    "AppUserNotification",
    "Attachment",
    "Comment",
    "IssueLabel",
    "Reaction",
  ]);
  for (const { body } of receiver.got) {
    const entity = Object.hasOwn(body, "data");
    const type = entity ? "EntityWebhookPayload" : `${String(body["type"])}WebhookPayload`;
    const types = entity ? { data: `${String(body["type"])}WebhookPayload` } : {};
    expect(payloadFaults(linearSchema(), type, body, types)).toEqual([]);
  }
});

test("a refused webhook comes again after a minute, an hour and six hours, same id and bytes, then no more", async () => {
  receiver.status = 500;
  world.comment("APP-1", "Hello", "ada");
  await world.settled();
  for (const wait of [60_000, 3_600_000, 6 * 3_600_000]) {
    clock.advance(wait - 1);
    await world.settled();
    const before = receiver.got.length;
    clock.advance(1);
    await world.settled();
    expect(receiver.got.length).toBe(before + 1);
  }
  clock.advance(48 * 3_600_000);
  await world.settled();
  expect(receiver.got.length).toBe(4);
  expect(new Set(receiver.got.map(({ headers }) => headers["linear-delivery"])).size).toBe(1);
  expect(new Set(receiver.got.map(({ raw }) => raw.toString("base64"))).size).toBe(1);
  expect(world.sent.at(-1)?.answers).toEqual([500, 500, 500, 500]);
});

test("a lost webhook is recorded and can be sent later; a doubled one has one id", async () => {
  world.faults.lose = 1;
  world.comment("APP-1", "Lost", "ada");
  await world.settled();
  expect(receiver.got).toEqual([]);
  const lost = world.sent.at(-1);
  expect(lost?.answers).toEqual([]);
  world.faults.lose = 0;
  expect(await world.resend(lost?.id ?? "")).toBe(200);
  world.faults.duplicate = 1;
  world.comment("APP-1", "Twice", "ada");
  await world.settled();
  expect(receiver.got.map(({ body }) => at(body, "data.body"))).toEqual(["Lost", "Twice", "Twice"]);
  expect(receiver.got[1]?.headers["linear-delivery"]).toBe(receiver.got[2]?.headers["linear-delivery"]);
});

test("a delayed webhook waits for the clock and keeps the time of its making", async () => {
  world.faults.delayMs = 90_000;
  const madeAt = clock.now();
  world.comment("APP-1", "Late", "ada");
  const waiting = world.settled();
  // The sender arms its timer a turn later.
  await setImmediate();
  clock.advance(89_999);
  expect(receiver.got).toEqual([]);
  clock.advance(1);
  await waiting;
  expect(receiver.got.map(({ body }) => body["webhookTimestamp"])).toEqual([madeAt]);
});

test("calm webhooks arrive in the order things happened", async () => {
  for (let number = 0; number < 40; number += 1) world.comment("APP-1", `Comment ${number}`, "ada");
  await world.settled();
  expect(receiver.got.map(({ body }) => at(body, "data.body"))).toEqual(
    Array.from({ length: 40 }, (_, number) => `Comment ${number}`),
  );
});
