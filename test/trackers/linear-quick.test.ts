import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Activity } from "../../src/factory/effects/effect.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { TicketReading } from "../../src/factory/facts/observation.ts";
import { silentLog } from "../../src/lib/log.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { createLinearTracker } from "../../src/trackers/linear/linear.ts";
import { ownComments } from "../../src/trackers/linear/quick/own.ts";
import type { Trigger } from "../../src/trackers/linear/quick/trigger.ts";
import type { Tracker, TrackerIdentity } from "../../src/trackers/tracker.ts";
import type { LinearWorld, LinearWorldParts } from "../../world/linear/world.ts";
import { handWorld } from "../world/linear-support.ts";
import type { HandClock } from "../world/linear-support.ts";
import { QUICK } from "./linear-support.ts";

const signal = new AbortController().signal;
// The key is Ada's: what she writes and what the relay writes has one author.
const [ADA, GRACE] = ["Ada Lovelace", "Grace Hopper"];
const MINUTE = 60_000;

let world: LinearWorld;
let clock: HandClock;
let tracker: Tracker;
let us: TrackerIdentity;

async function start(parts: Partial<LinearWorldParts> = {}): Promise<void> {
  ({ world, clock } = await handWorld(parts));
  world.addLabel("patchrelay");
  world.addLabel("bug");
  await restart();
}

/** A relay that knows nothing but its settings. */
async function restart(trigger: Partial<Trigger> = {}, polls = true): Promise<void> {
  tracker = createLinearTracker({
    apiUrl: world.url,
    installing: { lacks: [], kept: null },
    webhookSecrets: [],
    auth: {
      kind: "apiKey",
      key: new Secret(world.apiKey),
      quick: { trigger: { ...QUICK.trigger, ...trigger }, polls },
    },
    clock,
    log: silentLog,
    limits: { connectMs: 2_000, totalMs: 3_000 },
  });
  const [only] = await tracker.whoAmI(signal);
  if (only === undefined) throw new Error("we are nobody");
  us = only;
}

beforeEach(() => start());
afterEach(async () => {
  const problems = world.problems;
  await world.close();
  expect(problems).toEqual([]);
});

const our = (id: string) => issueId("linear", id);

async function read(id: string): Promise<TicketReading> {
  const seen = await tracker.in(us.workspace).readTicket(our(id), signal);
  if (seen.kind !== "ticket_read") throw new Error(`not a reading: ${seen.kind}`);
  return seen;
}

function write(labels: readonly string[] = []): string {
  return world.createIssue({ team: "APP", title: "Broken login", labels, by: GRACE }).id;
}

function label(issue: string, labels: readonly string[], by: string = GRACE): void {
  clock.advance(MINUTE);
  world.editIssue(issue, { labels }, by);
}

function say(issue: string, text: string, by: string = GRACE, replyTo?: string): string {
  clock.advance(MINUTE);
  return world.comment(issue, text, by, replyTo).id;
}

async function tell(session: string, key: string, activity: Activity): Promise<void> {
  clock.advance(MINUTE);
  await tracker.in(us.workspace).tell(session, key, activity, signal);
}

function comments(issue: string): readonly string[] {
  return world
    .issue(issue)
    .comments.flatMap(({ archivedAt, body, parentId }) =>
      archivedAt === null ? [`${parentId === null ? "" : "  "}${body}`] : [],
    );
}

async function session(issue: string): Promise<string> {
  const found = (await read(issue)).sessions.at(-1)?.id;
  if (found === undefined) throw new Error("there is no session");
  return found;
}

const found = async (since = 0) => {
  const { issues } = await tracker.discover(since, null, signal);
  return Object.fromEntries(issues.map(({ issue, isOurs }) => [issue.slice("linear:".length), isOurs]));
};

describe("what a person's key is", () => {
  test("it acts as the person, and says what starts work and what is lacking", async () => {
    expect(us).toMatchObject({ name: ADA, inert: null });
    expect(us.quick).toMatchInlineSnapshot(
      `"quick mode: acts as Ada Lovelace; work starts by the label "patchrelay", or by a comment that begins with "@patchrelay". It lacks delegation, agent sessions and a stop button, and Linear notifies Ada Lovelace of nothing that is written in that name"`,
    );
  });

  test("a label that is not there yet is said to be missing", async () => {
    await restart({ label: "robot" });
    expect(us.quick).toContain('the label "robot" (there is no such label yet: make it in Linear)');
  });

  test("where nothing is looked for it cannot work, and says what to set", async () => {
    await restart({}, false);
    expect(us.inert?.remedy).toContain('"webhooks" to "off"');
  });

  test("a token of the application is an application", async () => {
    const parts = { kind: "apiKey", key: new Secret(world.accessToken), quick: QUICK } as const;
    const app = createLinearTracker({
      apiUrl: world.url,
      installing: { lacks: [], kept: null },
      webhookSecrets: [],
      auth: parts,
      clock,
      log: silentLog,
      limits: { connectMs: 2_000, totalMs: 3_000 },
    });
    expect(await app.whoAmI(signal)).toMatchObject([{ inert: null, quick: null }]);
    const issue = write();
    const given = world.delegate(issue, GRACE).id;
    await app.in(null).tell(given, "k", { type: "response", body: "done" }, signal);
    expect(world.activities(given).map(({ content }) => content.body)).toEqual(["done"]);
  });
});

describe("the label", () => {
  test("gives an issue to us and takes it away, by whoever did so and when", async () => {
    const issue = write();
    expect(await read(issue)).toMatchObject({
      authorities: [],
      sessions: [],
      delegation: { granted: false },
    });
    label(issue, ["patchrelay"], ADA);
    const on = clock.now();
    expect(await read(issue)).toMatchObject({
      authorities: [{ granted: true, cause: "delegated", at: on, by: { kind: "person", name: ADA } }],
      sessions: [{ at: on, by: { name: ADA }, automatic: false }],
      delegation: { granted: true },
    });
    label(issue, ["bug"], GRACE);
    const off = clock.now();
    expect(await read(issue)).toMatchObject({
      authorities: [
        { granted: true },
        { granted: false, cause: "undelegated", at: off, by: { kind: "person", name: GRACE } },
      ],
      delegation: { granted: false },
    });
    label(issue, ["bug", "patchrelay"]);
    const again = await read(issue);
    expect(again.sessions.length).toBe(2);
    expect(new Set(again.sessions.map(({ id }) => id)).size).toBe(2);
  });

  test("set when the issue was written, it is the writer's word", async () => {
    const issue = write(["patchrelay"]);
    const { createdAt } = world.issue(issue);
    expect(await read(issue)).toMatchObject({
      authorities: [{ granted: true, at: createdAt, by: { name: GRACE } }],
      sessions: [{ at: createdAt, by: { name: GRACE } }],
    });
    label(issue, []);
    expect((await read(issue)).authorities.map(({ granted }) => granted)).toEqual([true, false]);
  });

  test("what the history forgets is shown all the same", async () => {
    await world.close();
    await start({ historyWindowMs: 10 * MINUTE });
    const issue = write();
    label(issue, ["patchrelay"]);
    expect((await read(issue)).delegation?.granted).toBe(true);
    label(issue, []);
    expect(await read(issue)).toMatchObject({ authorities: [], delegation: { granted: false } });
  });

  test("renamed, it is gone from its issues", async () => {
    const issue = write();
    label(issue, ["patchrelay"]);
    world.renameLabel("patchrelay", "robot");
    expect(await read(issue)).toMatchObject({ authorities: [], delegation: { granted: false } });
    await restart({ label: "robot" });
    expect(await read(issue)).toMatchObject({ authorities: [{ granted: true }], sessions: [{}] });
  });

  test("put back in a moment that the history forgets, it stands for whoever put it on before", async () => {
    await world.close();
    await start({ historyWindowMs: 10 * MINUTE });
    const issue = write();
    label(issue, ["patchrelay"], ADA);
    clock.advance(20 * MINUTE);
    label(issue, []);
    expect((await read(issue)).delegation).toMatchObject({ granted: false, by: { name: GRACE } });
    label(issue, ["patchrelay"]);
    expect((await read(issue)).delegation).toMatchObject({ granted: true, by: { name: ADA } });
  });

  test("its name counts without regard to case, and another label is nothing", async () => {
    await restart({ label: "PatchRelay" });
    const [ours, other] = [write(["patchrelay"]), write(["bug"])];
    expect((await read(ours)).sessions.length).toBe(1);
    expect((await read(other)).sessions).toEqual([]);
  });

  test("assignment counts only where the account is the relay's own", async () => {
    const issue = write();
    clock.advance(MINUTE);
    world.assign(issue, ADA, GRACE);
    expect((await read(issue)).sessions).toEqual([]);
    await restart({ assignment: true });
    expect((await read(issue)).authorities).toMatchObject([{ granted: true, at: clock.now() }]);
    expect(await found()).toEqual({ [issue]: true });
    // The label beside it changes nothing, and without it the issue is still ours.
    label(issue, ["patchrelay"]);
    label(issue, []);
    expect((await read(issue)).authorities.length).toBe(1);
    clock.advance(MINUTE);
    world.assign(issue, null, GRACE);
    expect((await read(issue)).authorities.at(-1)).toMatchObject({ granted: false, at: clock.now() });
  });
});

describe("the word", () => {
  test("opens a session with its text as the message, and no delegation", async () => {
    const issue = write();
    const root = say(issue, "**@patchrelay**, please fix the button", ADA);
    const reading = await read(issue);
    expect(reading).toMatchObject({
      authorities: [],
      delegation: { granted: false },
      sessions: [{ at: clock.now(), by: { kind: "person", name: ADA } }],
      prompts: [{ id: root, text: "please fix the button", by: { kind: "person", name: ADA } }],
    });
    expect(reading.prompts[0]?.session).toBe(reading.sessions[0]?.id);
  });

  test.each([
    ["@PatchRelay fix it", "fix it"],
    ["\\@patchrelay: fix it", "fix it"],
    ["@patchrelay\n\nfix it", "fix it"],
    ["@patchrelay", null],
  ])("%j asks for %j", async (text, asked) => {
    const issue = write();
    say(issue, text);
    const { sessions, prompts } = await read(issue);
    expect([sessions.length, prompts[0]?.text ?? null]).toEqual([1, asked]);
  });

  test.each(["@patchrelays are great", "about @patchrelay", "> @patchrelay fix it", "fix it"])(
    "%j is no word to us",
    async (text) => {
      const issue = write();
      say(issue, text);
      expect(await read(issue)).toMatchObject({ sessions: [], prompts: [] });
    },
  );

  test("in a thread of others everything after it is said to us, and nothing before", async () => {
    const issue = write();
    const root = say(issue, "it is broken", ADA);
    say(issue, "I see", GRACE, root);
    say(issue, "@patchrelay can you fix that?", GRACE, root);
    say(issue, "by Friday", ADA, root);
    say(issue, "something else");
    expect((await read(issue)).prompts.map(({ text }) => text)).toEqual(["can you fix that?", "by Friday"]);
  });

  test("stop stops, with the word or in a thread of ours, and is no message", async () => {
    const issue = write(["patchrelay"]);
    const work = await session(issue);
    await tell(work, "a", { type: "thought", body: "on it", ephemeral: true });
    const root = world.issue(issue).comments[0]?.id ?? "";
    say(issue, "**Stop!**", GRACE, root);
    const first = clock.now();
    say(issue, "@patchrelay stop", ADA);
    expect(await read(issue)).toMatchObject({
      authorities: [
        { granted: true },
        { granted: false, cause: "stopped", at: first, session: work },
        { granted: false, cause: "stopped", at: clock.now() },
      ],
      prompts: [],
    });
  });

  test("only members of the workspace ask: no integration, no agent", async () => {
    const issue = write();
    clock.advance(MINUTE);
    world.commentFromOutside(issue, "@patchrelay hack it", "Mallory");
    expect(await read(issue)).toMatchObject({ sessions: [], prompts: [] });
    expect((await found(clock.now()))[issue]).toBeUndefined();
  });
});

describe("what the relay says", () => {
  test("is one comment that is edited, and a reply for what needs notice", async () => {
    const issue = write(["patchrelay"]);
    const work = await session(issue);
    const there = tracker.in(us.workspace);
    await tell(work, "1", { type: "thought", body: "On it.", ephemeral: true });
    await tell(work, "2", { type: "action", action: "Running", parameter: "npm test", ephemeral: true });
    await there.showPlan(
      work,
      [
        { content: "find it", status: "completed" },
        { content: "fix it", status: "inProgress" },
        { content: "test it", status: "pending" },
      ],
      signal,
    );
    await there.link(work, "Pull request #1", "https://github.example/acme/app/pull/1", signal);
    await there.link(work, "Pull request #1", "https://github.example/acme/app/pull/1", signal);
    await tell(work, "3", { type: "elicitation", body: "Which one?", options: ["this", "that", "this"] });
    await tell(work, "5", { type: "thought", body: "It waits for you to merge it." });
    await tell(work, "4", { type: "response", body: "It is done.\n\n- Fixed." });
    expect(comments(issue)).toMatchInlineSnapshot(`
      [
        "**patchrelay** · See the report below.

      * [x] find it
      * [ ] fix it (in progress)
      * [ ] test it

      Links: [Pull request #1](<https://github.example/acme/app/pull/1>)",
        "  **patchrelay** · Which one?

      * this
      * that

      Answer with a reply in this thread.",
        "  **patchrelay** · It waits for you to merge it.",
        "  **patchrelay** · It is done.

      * Fixed.",
      ]
    `);
    expect(world.issue(issue).attachments.map(({ url }) => url)).toEqual([
      "https://github.example/acme/app/pull/1",
    ]);
  });

  test("answers a word in its own thread", async () => {
    const issue = write();
    say(issue, "@patchrelay fix it");
    const work = await session(issue);
    await tell(work, "1", { type: "thought", body: "On it.", ephemeral: true });
    await tell(work, "2", { type: "error", body: "It did not work." });
    expect(comments(issue)).toMatchInlineSnapshot(`
      [
        "@patchrelay fix it",
        "  **patchrelay** · Cannot go on: see below.",
        "  **patchrelay** · It did not work.",
      ]
    `);
  });

  test("keeps plan and links over a restart, from the comment as Linear has rewritten it", async () => {
    const issue = write(["patchrelay"]);
    const work = await session(issue);
    const there = () => tracker.in(us.workspace);
    await there().showPlan(work, [{ content: "use _both_ forms", status: "completed" }], signal);
    await there().link(work, "PR [1]", "https://github.example/acme/app/pull/1", signal);
    const before = world.issue(issue).comments[0]?.body;
    await restart();
    await tell(work, "1", { type: "thought", body: "Nearly there:\n- [ ] not a plan", ephemeral: true });
    await restart();
    await there().link(work, "Other", "https://github.example/acme/app/pull/2", signal);
    expect([before, world.issue(issue).comments.map(({ body }) => body)]).toMatchInlineSnapshot(`
      [
        "**patchrelay** · On it.

      * [x] use *both* forms

      Links: [PR 1](<https://github.example/acme/app/pull/1>)",
        [
          "**patchrelay** · Nearly there: - [ ] not a plan

      * [x] use *both* forms

      Links: [PR 1](<https://github.example/acme/app/pull/1>), [Other](<https://github.example/acme/app/pull/2>)",
        ],
      ]
    `);
  });

  test("the same key says it once, also when the answer was lost, and after a restart", async () => {
    const issue = write(["patchrelay"]);
    const work = await session(issue);
    const said: Activity = { type: "response", body: "Done." };
    await tell(work, "1", said);
    await tell(work, "1", said);
    world.faults.outage = "lost_reply";
    await expect(tell(work, "2", said)).rejects.toMatchObject({ kind: "unavailable" });
    world.faults.outage = "none";
    await restart();
    await tell(work, "2", said);
    expect(comments(issue).length).toBe(3);
  });

  test("the work comment is written once, also when the answer was lost or Linear answers late", async () => {
    const issue = write(["patchrelay"]);
    const work = await session(issue);
    world.faults.outage = "lost_reply";
    await expect(tell(work, "1", { type: "thought", body: "On it.", ephemeral: true })).rejects.toMatchObject(
      {
        kind: "unavailable",
      },
    );
    world.faults.outage = "none";
    await tell(work, "1", { type: "thought", body: "On it.", ephemeral: true });
    expect(comments(issue)).toEqual(["**patchrelay** · On it."]);
    world.faults.staleReadsMs = 10 * MINUTE;
    await tell(work, "2", { type: "thought", body: "Still.", ephemeral: true });
    world.faults.staleReadsMs = 0;
    expect(comments(issue)).toEqual(["**patchrelay** · Still."]);
  });

  test("a work comment that a person deletes is written again with what it showed", async () => {
    const issue = write(["patchrelay"]);
    const work = await session(issue);
    await tracker.in(us.workspace).showPlan(work, [{ content: "fix it", status: "pending" }], signal);
    world.removeComment(world.issue(issue).comments[0]?.id ?? "", ADA);
    await tell(work, "1", { type: "thought", body: "Testing.", ephemeral: true });
    expect(comments(issue)).toEqual(["**patchrelay** · Testing.\n\n* [ ] fix it"]);
    world.removeComment(world.issue(issue).comments[1]?.id ?? "", ADA);
    await tell(work, "2", { type: "response", body: "Done." });
    expect(comments(issue)).toEqual([
      "**patchrelay** · See the report below.\n\n* [ ] fix it",
      "  **patchrelay** · Done.",
    ]);
    await restart();
    world.removeComment(world.issue(issue).comments.findLast((one) => one.parentId === null)?.id ?? "", ADA);
    await tell(work, "3", { type: "thought", body: "More.", ephemeral: true });
    expect(comments(issue)).toContain("**patchrelay** · More.");
  });

  test("where the comment it answers was deleted, it is said beside it", async () => {
    const issue = write();
    const root = say(issue, "@patchrelay fix it");
    const work = await session(issue);
    world.removeComment(root, GRACE);
    await tell(work, "1", { type: "response", body: "Done." });
    expect(comments(issue)).toEqual(["**patchrelay** · Done.", "**patchrelay** · See the report below."]);
  });

  test("a session of an application is refused, and an address that is none", async () => {
    const nowhere = "00000000-0000-4000-8000-000000000000";
    await expect(tell(nowhere, "1", { type: "thought", body: "hm", ephemeral: true })).rejects.toMatchObject({
      kind: "refused",
    });
    const work = await session(write(["patchrelay"]));
    await expect(
      tracker.in(us.workspace).link(work, "x", "javascript:alert(1)", signal),
    ).rejects.toMatchObject({ kind: "refused" });
  });
});

describe("our own words never come back as a person's", () => {
  async function talked(): Promise<{ issue: string; work: string }> {
    const issue = write(["patchrelay"]);
    const work = await session(issue);
    await tell(work, "1", { type: "thought", body: "@patchrelay is on it", ephemeral: true });
    await tell(work, "2", { type: "response", body: "@patchrelay did it. Stop" });
    await tell(work, "3", { type: "elicitation", body: "stop", options: ["@patchrelay stop"] });
    return { issue, work };
  }

  test("not from the thread, not from a search", async () => {
    const { issue } = await talked();
    expect((await read(issue)).prompts).toEqual([]);
    expect((await read(issue)).authorities.map(({ granted }) => granted)).toEqual([true]);
    expect((await found(world.issue(issue).updatedAt + 1))[issue]).toBeUndefined();
  });

  test("not after a person has edited them, whatever they make of them", async () => {
    const { issue } = await talked();
    for (const { id } of world.issue(issue).comments) {
      clock.advance(MINUTE);
      world.editComment(id, "@patchrelay do it all again", ADA);
    }
    expect(await read(issue)).toMatchObject({ prompts: [], sessions: [{}] });
    expect((await found(world.issue(issue).updatedAt + 1))[issue]).toBeUndefined();
  });

  test("not after the key was replaced", async () => {
    const { issue } = await talked();
    const bodies = world.issue(issue).comments.map(({ id, body }) => ({ id, body }));
    const [first, next] = [ownComments(new Secret(world.apiKey)), ownComments(new Secret("lin_api_next"))];
    expect(bodies.length).toBe(3);
    for (const { id, body } of bodies) {
      expect(first.isOurs({ id, body: "anything" })).toBe(true);
      expect(next.isOurs({ id, body: "anything" })).toBe(false);
      expect(next.isOurs({ id, body })).toBe(true);
    }
  });

  test("a person of the same account is heard in the same thread", async () => {
    const { issue, work } = await talked();
    const root = world.issue(issue).comments[0]?.id;
    const answer = say(issue, "the second one", ADA, root);
    say(issue, "> **patchrelay** · did it\n\nno, it did not", ADA, root);
    expect((await read(issue)).prompts).toMatchObject([
      { id: answer, session: work, text: "the second one", by: { kind: "person", name: ADA } },
      { session: work, text: "> **patchrelay** · did it\n\nno, it did not" },
    ]);
    expect((await found(clock.now()))[issue]).toBe(true);
  });

  test("our own moves are told by their answer, and by no reading", async () => {
    const issue = write(["patchrelay"]);
    clock.advance(MINUTE);
    const { moved } = await tracker.in(us.workspace).setStatus(our(issue), "completed", null, signal);
    expect(moved).toMatchObject({ status: { type: "completed", endedAt: clock.now() } });
    expect((await read(issue)).ownEnd).toBeNull();
    await tracker.in(us.workspace).takeDelegation(our(issue), signal);
    expect(world.issue(issue).delegateId).toBeNull();
  });
});

describe("the search for news", () => {
  test("finds labels, words and changes in two calls, several issues at once", async () => {
    const old = write(["patchrelay"]);
    clock.advance(60 * MINUTE);
    const since = clock.now();
    clock.advance(1);
    const [labelled, other, asked, chat] = [write(["patchrelay"]), write(), write(), write()];
    clock.advance(MINUTE);
    const quiet = clock.now();
    say(asked, "@patchrelay fix it");
    say(chat, "just between us");
    const calls = world.calls.length;
    expect(await found(since)).toEqual({ [labelled]: true, [other]: false, [asked]: true, [chat]: false });
    expect(world.calls.length - calls).toBe(2);
    expect(await found(quiet)).toEqual({ [asked]: true, [chat]: false });
    label(old, []);
    expect((await found(clock.now()))[old]).toBe(false);
    const { issues } = await tracker.discover(clock.now(), null, signal);
    expect(issues[0]).toMatchObject({ at: clock.now(), workspace: us.workspace });
  });

  test("an ended issue that nobody asked about is not ours", async () => {
    const issue = write(["patchrelay"]);
    world.setState(issue, "completed", GRACE);
    expect(await found()).toEqual({ [issue]: false });
    say(issue, "@patchrelay once more");
    expect(await found()).toEqual({ [issue]: true });
  });

  test("goes through all pages", async () => {
    const issues = Array.from({ length: 120 }, () => write(["patchrelay"]));
    for (let index = 0; index < 60; index += 1) say(issues[0] ?? "", `@patchrelay ${index}`);
    expect(Object.keys(await found()).length).toBe(120);
  });

  test("an outage or a spent allowance is no empty list", async () => {
    world.faults.outage = "status503";
    await expect(found()).rejects.toMatchObject({ kind: "unavailable" });
    world.faults.outage = "none";
    world.faults.rateLimitNext = 1;
    await expect(found()).rejects.toMatchObject({ kind: "rate_limited" });
  });
});
