import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { issueId } from "../../src/factory/facts/ids.ts";
import { EVENTS, interpretEvent } from "../../src/trackers/linear/events/events.ts";
import type { TrackerContext } from "../../src/trackers/tracker.ts";
import { payloadFaults } from "../../world/linear/payloads/check.ts";
import { linearSchema } from "../../world/linear/api/schema.ts";

const US = "a0000000-0000-4000-8000-000000000001";
const ADA = "a0000000-0000-4000-8000-000000000002";
const ISSUE = issueId("linear", "c0000000-0000-4000-8000-000000000001");
const SESSION = "e0000000-0000-4000-8000-000000000001";
// The two times of the payloads: when the session began, and the event itself.
const BEGAN = Date.UTC(2026, 10, 20, 10, 0);
const WORKSPACE = "b0000000-0000-4000-8000-000000000001";
const HAPPENED = Date.UTC(2026, 10, 20, 10, 5);

const folder = new URL("../payloads/linear/", import.meta.url);

type Payload = Record<string, unknown> & { type: string; action: string };

function payload(name: string): Payload {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as Payload;
}

function context(change: Partial<TrackerContext> = {}): TrackerContext {
  return {
    us: [
      {
        id: US,
        name: "Patchrelay",
        workspace: WORKSPACE,
        workspaceName: "Example",
        inert: null,
        quick: null,
      },
    ],
    receivedAt: HAPPENED,
    known: () => true,
    ...change,
  };
}

const stranger = context({ known: () => false });
const person = { kind: "person", id: ADA, name: "Ada Lovelace", association: null, permission: null };
const nobody = { kind: "unknown", id: null, name: null, association: null, permission: null };

const opened = {
  kind: "session_opened",
  at: BEGAN,
  session: SESSION,
  by: person,
  automatic: false,
  delegated: true,
  ticket: {},
};
const started = {
  id: "d1000000-0000-4000-8000-000000000001",
  name: "In Progress",
  type: "started",
  endedAt: null,
};
const changed = {
  kind: "ticket_changed",
  at: HAPPENED,
  ticket: {
    core: {
      key: "APP-7",
      title: "Broken login",
      description: "It spins forever.",
      url: "https://linear.app/example/issue/APP-7/broken-login",
      workspace: "b0000000-0000-4000-8000-000000000001",
      team: "APP",
      project: "Sign-in",
      labels: ["bug"],
      creator: ADA,
    },
    status: started,
  },
};

/** Payload, who hears it, and what it says: observations, or the reason for ignoring it. */
const TABLE: readonly (readonly [string, TrackerContext, readonly unknown[] | RegExp])[] = [
  ["session-created-by-delegation", stranger, [opened]],
  ["session-created-by-automation", stranger, [{ ...opened, by: nobody, automatic: true }]],
  [
    "session-created-by-mention",
    stranger,
    [
      { ...opened, delegated: false },
      {
        kind: "prompted",
        at: BEGAN,
        prompt: "e1000000-0000-4000-8000-000000000002",
        session: SESSION,
        by: person,
        from: "tracker",
        text: "@patchrelay please fix this",
      },
    ],
  ],
  ["session-created-by-mention-in-reply", stranger, [{ ...opened, delegated: false }]],
  [
    "session-prompted",
    context(),
    [
      {
        kind: "prompted",
        at: HAPPENED,
        prompt: "e2000000-0000-4000-8000-000000000001",
        session: SESSION,
        by: person,
        from: "tracker",
        text: "with tests, please",
      },
    ],
  ],
  [
    "session-stopped",
    context(),
    [
      {
        kind: "stop_requested",
        at: HAPPENED,
        prompt: "e2000000-0000-4000-8000-000000000001",
        session: SESSION,
        by: person,
      },
    ],
  ],
  ["issue-assigned-to-us", stranger, [{ kind: "delegated", at: HAPPENED, by: person }]],
  ["issue-unassigned-from-us", context(), [{ kind: "undelegated", at: HAPPENED, by: person }]],
  ["issue-unassigned-from-us", stranger, /not one of our/],
  ["issue-status-changed", context(), [changed]],
  ["issue-status-changed", context({ us: [] }), [changed]],
  ["issue-status-changed", context({ us: [], known: () => false }), /not one of our/],
  ["issue-undelegated", context(), [changed, { kind: "undelegated", at: HAPPENED, by: person }]],
  ["issue-undelegated", stranger, /not one of our/],
  ["issue-undelegated", context({ us: [] }), [changed]],
  ["issue-delegated-to-another", context(), [changed, { kind: "undelegated", at: HAPPENED, by: person }]],
  ["issue-delegated-among-others", context(), [changed]],
  ["issue-delegated", stranger, [changed, { kind: "delegated", at: HAPPENED, by: person }]],
  ["issue-sparse", context(), [changed]],
  ["issue-delegated-by-us", context(), [changed]],
  ["issue-created", stranger, /not one of our/],
  ["issue-trashed", context(), [changed, { kind: "ticket_removed", at: HAPPENED, by: person }]],
  ["issue-removed", context(), [{ kind: "ticket_removed", at: HAPPENED, by: person }]],
  ["issue-removed", stranger, /not one of our/],
  ["comment-by-person", context(), /not addressed to us/],
  ["comment-by-us", context(), /our own comment/],
  ["app-revoked", context(), /removed from the workspace/],
  ["team-access-changed", context(), /which teams/],
];

describe("the table of Linear webhooks", () => {
  test.each(TABLE)("%s is heard as it should be (%#)", (name, hears, expected) => {
    const body = payload(name);
    const { action, observations, ignored } = interpretEvent(body, body.type, hears);
    expect(action).toBe(body.action);
    if (expected instanceof RegExp) {
      expect(observations).toEqual([]);
      expect(ignored).toMatch(expected);
    } else {
      expect(ignored).toBeNull();
      const [first] = expected as readonly { readonly at: number }[];
      const located = { kind: "ticket_located", at: first?.at, workspace: WORKSPACE };
      const all = hears.known(ISSUE) ? expected : [located, ...expected];
      expect(observations).toEqual(all.map((observation) => ({ issue: ISSUE, observation })));
    }
  });

  test("each payload is one that Linear's schema allows, and each is in the table", () => {
    const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ""));
    expect(new Set(TABLE.map(([name]) => name))).toEqual(new Set(names));
    const faults = names.flatMap((name) => {
      const body = payload(name);
      const type = PAYLOAD_TYPES[body.type] ?? "EntityWebhookPayload";
      const types = type === "EntityWebhookPayload" ? { data: `${body.type}WebhookPayload` } : {};
      return payloadFaults(linearSchema(), type, body, types).map((fault) => `${name}: ${fault}`);
    });
    expect(faults).toEqual([]);
  });

  test.each(resources())("events of type %s have a row", (type) => {
    expect(EVENTS.some((row) => row.type === type)).toBe(true);
    const body = { type, action: "unheardOf", createdAt: "2026-11-20T10:00:00Z", data: {} };
    const { observations, ignored } = interpretEvent(body, type, context());
    expect(observations).toEqual([]);
    expect(ignored).toMatch(/\w{3,}/);
  });

  test("no two rows are about the same event, and each reason for ignoring one says something", () => {
    const names = EVENTS.map((row) => `${row.type}/${row.action}`);
    expect(new Set(names).size).toBe(names.length);
    for (const row of EVENTS) if (typeof row.says === "string") expect(row.says).toMatch(/\w+ \w+/);
  });

  test("an event of a type that Linear adds later is ignored by name", () => {
    const { ignored } = interpretEvent({ type: "Telepathy", action: "create" }, "Issue", context());
    expect(ignored).toContain("Telepathy");
  });

  test("the type in the signed body counts, not the header that nobody signed", () => {
    const body = payload("session-prompted");
    expect(interpretEvent(body, "Issue", context()).observations).toHaveLength(1);
    expect(interpretEvent({ action: "create" }, "Issue", context()).ignored).toContain("names no type");
    expect(interpretEvent(null, "Issue", context()).ignored).toContain("names no type");
  });

  test.each(["issue-status-changed", "issue-delegated", "comment-by-us", "comment-by-person"])(
    "with a person's key %s is ignored: whose doing it was is told by no author",
    (name) => {
      const us = context().us.map((one) => ({ ...one, quick: "quick mode" }));
      const { observations, ignored } = interpretEvent(payload(name), "x", context({ us }));
      expect([observations, ignored]).toEqual([[], "with a person's key, news is looked for"]);
    },
  );

  test.each(["session-created-by-mention", "session-prompted", "issue-assigned-to-us"])(
    "%s for another app of the workspace is ignored, naming both",
    (name) => {
      const other = "a0000000-0000-4000-8000-0000000000ff";
      const { ignored } = interpretEvent({ ...payload(name), appUserId: other }, "x", context());
      expect(ignored).toContain(other);
      expect(ignored).toContain(US);
    },
  );

  const MENTION = "session-created-by-mention";
  const REPLY = "session-created-by-mention-in-reply";
  const GRACE = "a0000000-0000-4000-8000-000000000003";
  const earlier = [{ id: "e1000000-0000-4000-8000-000000000009", body: "It breaks.", userId: GRACE }];
  test.each<[string, string, object, object, readonly string[]]>([
    ["a mention that is not named", MENTION, { sourceCommentId: null }, {}, ["@patchrelay please fix this"]],
    ["a reply that is not named", REPLY, { sourceCommentId: null }, {}, []],
    [
      "a reply without the earlier comments",
      REPLY,
      { sourceCommentId: null },
      { previousComments: null },
      [],
    ],
    [
      "a reply below a root of one's own",
      MENTION,
      { sourceCommentId: null },
      { previousComments: earlier },
      [],
    ],
    ["a root by nobody and a reply", "session-created-by-delegation", {}, { previousComments: earlier }, []],
    [
      "a root by nobody and where it came from",
      "session-created-by-delegation",
      { sourceMetadata: { type: "comment" } },
      {},
      [],
    ],
    [
      "a reply that came as an activity",
      REPLY,
      {},
      {
        agentActivity: {
          ...(payload("session-prompted")["agentActivity"] as object),
          sourceCommentId: "e1000000-0000-4000-8000-000000000002",
        },
      },
      ["with tests, please"],
    ],
  ])(
    "of a mention only the words of whoever mentioned us are taken: %s",
    (_, name, session, change, texts) => {
      const body = payload(name);
      const agentSession = { ...(body["agentSession"] as object), ...session };
      const { observations } = interpretEvent({ ...body, ...change, agentSession }, "x", stranger);
      const [begun, ...said] = observations
        .map(({ observation }) => observation)
        .filter(({ kind }) => kind !== "ticket_located");
      expect(begun).toMatchObject({ kind: "session_opened", delegated: false });
      expect(said.map((one) => (one.kind === "prompted" ? [one.text, one.by.id] : one))).toEqual(
        texts.map((text) => [text, ADA]),
      );
    },
  );

  test("our own activity that comes back is ignored", () => {
    const body = payload("session-prompted");
    const agentActivity = { ...(body["agentActivity"] as object), userId: US };
    const { ignored } = interpretEvent({ ...body, agentActivity }, body.type, context());
    expect(ignored).toContain("our own");
  });

  test("an unknown status type and unknown fields pass by", () => {
    const body = payload("issue-status-changed");
    const data = { ...(body["data"] as object), state: { ...started, type: "hibernating" }, mood: "good" };
    const { observations } = interpretEvent({ ...body, data, brandNew: true }, body.type, context());
    expect(observations[0]?.observation).toMatchObject({ ticket: { status: { type: "other" } } });
  });

  test("the event of our own move to a completed status says so; a later event or a person's move does not", () => {
    const body = payload("issue-status-changed");
    const state = { ...started, type: "completed" };
    const completedAt = "2026-11-20T10:04:59.000Z";
    const ended = (change: object) => {
      const data = { ...(body["data"] as object), state, completedAt };
      const { observations } = interpretEvent({ ...body, data, ...change }, body.type, context());
      const [first] = observations;
      return first?.observation.kind === "ticket_changed" ? first.observation.ticket.ownEnd : null;
    };
    const us = { actor: { id: US, name: "Patchrelay", type: "user" } };
    expect(ended(us)).toBe(Date.parse(completedAt));
    expect(ended({})).toBeUndefined();
    expect(ended({ ...us, updatedFrom: { labelIds: [] } })).toBeUndefined();
  });

  test("a payload without labels does not blank the ticket, but its status counts", () => {
    const body = payload("issue-status-changed");
    const { labels: _, ...data } = body["data"] as Record<string, unknown>;
    const { observations } = interpretEvent({ ...body, data }, body.type, context());
    expect(observations[0]?.observation).toEqual({ ...changed, ticket: { status: started } });
  });

  test.each([
    ["session-prompted", "agentSession.createdAt", { agentSession: { id: SESSION, createdAt: "soon" } }],
    ["issue-assigned-to-us", "notification", { notification: null }],
    ["issue-status-changed", "data.id", { data: { id: "../../etc" } }],
  ])("%s with a broken %s throws an error that names the place", (name, place, change) => {
    const body = payload(name);
    expect(() => interpretEvent({ ...body, ...change }, body.type, context())).toThrow(place);
  });

  test("a very long message is cut, not refused", () => {
    const body = payload("session-prompted");
    const agentActivity = {
      ...(body["agentActivity"] as object),
      content: { type: "prompt", body: "x".repeat(1_000_000) },
    };
    const [first] = interpretEvent({ ...body, agentActivity }, body.type, context()).observations;
    const observation = first?.observation;
    expect(observation?.kind === "prompted" ? observation.text.length : 0).toBe(64_000);
  });
});

const PAYLOAD_TYPES: Readonly<Record<string, string>> = {
  AgentSessionEvent: "AgentSessionEventWebhookPayload",
  AppUserNotification: "AppUserNotificationWebhookPayload",
  OAuthApp: "OAuthAppWebhookPayload",
  PermissionChange: "AppUserTeamAccessChangedWebhookPayload",
};

/** What can be subscribed, and what the SDK knows as an event. */
function resources(): string[] {
  const subscribable =
    "AgentSessionEvent AppUserNotification Attachment Comment Customer CustomerNeed Cycle Document Initiative InitiativeUpdate Issue IssueLabel IssueSLA OAuthAuthorization PermissionChange Project ProjectLabel ProjectUpdate Reaction Release ReleaseNote User";
  const sdk = "AuditEntry OAuthApp";
  return `${subscribable} ${sdk}`.split(" ");
}
