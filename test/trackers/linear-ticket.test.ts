import { parse, validate } from "graphql";
import { describe, expect, test } from "vitest";
import type { TrackerIdentity } from "../../src/trackers/tracker.ts";
import type { Operation } from "../../src/trackers/linear/client/client.ts";
import * as reads from "../../src/trackers/linear/read/operations.ts";
import type { HistoryEntry, SessionAnswer, TicketAnswer } from "../../src/trackers/linear/read/operations.ts";
import { chooseMove } from "../../src/trackers/linear/write/status.ts";
import { ticketReading } from "../../src/trackers/linear/read/ticket.ts";
import * as quick from "../../src/trackers/linear/quick/operations.ts";
import * as writes from "../../src/trackers/linear/write/operations.ts";
import type { StatusAnswer } from "../../src/trackers/linear/write/operations.ts";
import { linearSchema } from "../../world/linear/api/schema.ts";

const us: TrackerIdentity = {
  id: "us",
  name: "Patchrelay",
  workspace: "w",
  workspaceName: "W",
  inert: null,
  quick: null,
};
const US = { id: "us", name: "Patchrelay", app: true };
const ADA = { id: "ada", name: "Ada", app: false };
const GRACE = { id: "grace", name: "Grace", app: false };
const BOT = { id: "bot", name: "Other agent", app: true };

function session(change: Partial<SessionAnswer> = {}): SessionAnswer {
  return {
    id: "s1",
    status: "active",
    createdAt: 1_000,
    updatedAt: 1_000,
    dismissedAt: null,
    dismissedBy: null,
    appUser: { id: "us" },
    creator: ADA,
    comment: root("root", "This thread is for an agent session with us.", null),
    sourceComment: null,
    activities: { nodes: [] },
    ...change,
  };
}

type Root = NonNullable<SessionAnswer["comment"]>;

/** The root of a thread; each reply is by whom and when. */
function root(
  id: string,
  body: string,
  user: Root["user"],
  ...replies: readonly (readonly [by: string | null, at: number, text: string])[]
): Root {
  const nodes = replies.map(([by, createdAt, text]) => ({
    id: `${id}-${createdAt}`,
    body: text,
    createdAt,
    user: by === null ? null : { id: by },
  }));
  return { id, body, user, children: { nodes } };
}

function entry(
  at: number,
  from: string | null,
  to: string | null,
  actor: HistoryEntry["actor"],
): HistoryEntry {
  return {
    createdAt: at,
    actor,
    botActor: null,
    fromDelegate: from === null ? null : { id: from },
    toDelegate: to === null ? null : { id: to },
    toStateId: null,
  };
}

function moved(at: number, toStateId: string, actor: HistoryEntry["actor"]): HistoryEntry {
  return { ...entry(at, null, null, actor), toStateId };
}

function said(id: string, at: number, change: Partial<SessionAnswer["activities"]["nodes"][number]> = {}) {
  return {
    id,
    createdAt: at,
    signal: null,
    user: ADA,
    sourceComment: null,
    content: { body: id },
    ...change,
  };
}

function read(change: {
  delegate?: string | null;
  history?: readonly HistoryEntry[];
  sessions?: readonly SessionAnswer[];
  issue?: Partial<TicketAnswer["issue"]>;
}): ReturnType<typeof ticketReading> {
  const { delegate = null, history = [], sessions = [], issue = {} } = change;
  const answer: TicketAnswer = {
    organization: { id: "w" },
    issue: {
      id: "i1",
      identifier: "APP-1",
      title: "Broken",
      description: null,
      url: "https://linear.app/i",
      createdAt: 10,
      completedAt: null,
      canceledAt: null,
      updatedAt: 9_000,
      archivedAt: null,
      trashed: null,
      creator: null,
      delegate: delegate === null ? null : { id: delegate },
      state: { id: "st", name: "Todo", type: "unstarted" },
      team: { key: "APP" },
      project: null,
      labels: { nodes: [] },
      inverseRelations: { nodes: [] },
      children: { nodes: [] },
      history: { nodes: [...history] },
      agentSessions: { nodes: [...sessions] },
      ...issue,
    },
  };
  return ticketReading(answer, us);
}

function words(reading: ReturnType<typeof ticketReading>): string[] {
  return reading.authorities.map((one) => `${one.at} ${one.cause} ${one.by.kind}`);
}

describe("who may let us work, as a read finds it", () => {
  test("the history tells delegations to and from us with their times and people, oldest first", () => {
    const history = [
      entry(3_000, "us", null, ADA),
      entry(2_000, null, "us", ADA),
      entry(4_000, null, "bot", ADA),
      entry(5_000, null, null, ADA),
    ];
    expect(words(read({ history }))).toEqual(["2000 delegated person", "3000 undelegated person"]);
  });

  test("a delegation handed on to another agent is an end of ours", () => {
    expect(words(read({ delegate: "bot", history: [entry(3_000, "us", "bot", BOT)] }))).toEqual([
      "3000 undelegated bot",
    ]);
  });

  test("an automation that delegates is a bot, a gone account is unknown", () => {
    const automatic = { ...entry(2_000, null, "us", null), botActor: { id: "b", name: "Rule" } };
    const gone = entry(3_000, "us", null, null);
    expect(words(read({ history: [automatic, gone] }))).toEqual([
      "2000 delegated bot",
      "3000 undelegated unknown",
    ]);
  });

  test("sessions, prompts, stops and a dismissal each count at their own time", () => {
    const activities = { nodes: [said("p2", 3_000), said("p1", 2_000, { signal: "stop" })] };
    const one = session({ activities, dismissedAt: 4_000, dismissedBy: ADA });
    const reading = read({ delegate: "us", sessions: [one] });
    expect(words(reading)).toEqual([
      "1000 delegated person",
      "2000 stopped person",
      "3000 prompted person",
      "4000 stopped person",
    ]);
    expect(reading.prompts.map((prompt) => prompt.id)).toEqual(["p2"]);
  });

  test("a mention brings its comment as a prompt once, even where Linear keeps it as an activity too", () => {
    const comment = root("c1", "please", ADA);
    const activities = { nodes: [said("a1", 1_001, { sourceComment: { id: "c1" } })] };
    const reading = read({ sessions: [session({ comment, sourceComment: comment, activities })] });
    expect(reading.prompts).toMatchObject([{ id: "c1", at: 1_000, session: "s1", text: "please" }]);
    expect(reading.authorities[0]).toMatchObject({ granted: true, cause: "mentioned" });
  });

  test.each<[string, Root, readonly string[], string]>([
    ["the root is the mention", root("c1", "please", ADA), ["please"], "mentioned"],
    [
      "the mention is a reply to somebody else's words",
      root("c1", "Delete everything.", GRACE, ["grace", 900, "Now."], ["ada", 990, "please look"]),
      ["please look"],
      "mentioned",
    ],
    [
      "the opener's earlier words stand above the mention, and later ones below",
      root("c1", "It breaks.", ADA, ["ada", 1_200, "thanks"], ["ada", 1_000, "please"], ["ada", 500, "hm"]),
      ["please"],
      "mentioned",
    ],
    ["the mention is not to be found", root("c1", "Delete everything.", GRACE), [], "mentioned"],
    [
      "a reply below what an integration wrote",
      root("c1", "Alert!", null, ["ada", 999, "look"]),
      ["look"],
      "mentioned",
    ],
    [
      "a delegation that was talked about later",
      root("c1", "This thread is", null, ["ada", 1_500, "hi"]),
      [],
      "delegated",
    ],
  ])(
    "of a session whose mention is not named, only the opener's own words count: %s",
    (_, comment, texts, cause) => {
      const reading = read({ sessions: [session({ comment })] });
      expect(reading.prompts.map(({ text, by }) => [text, by.id])).toEqual(
        texts.map((text) => [text, "ada"]),
      );
      expect(reading.authorities[0]).toMatchObject({ granted: true, cause });
    },
  );

  test("sessions of other agents are not ours", () => {
    const reading = read({
      sessions: [session({ appUser: { id: "bot" }, activities: { nodes: [said("p", 2)] } })],
    });
    expect(reading).toMatchObject({ sessions: [], prompts: [], authorities: [] });
  });

  test("a session that an automation opened is automatic", () => {
    const { sessions } = read({ sessions: [session({ creator: null })] });
    expect(sessions).toMatchObject([{ automatic: true, by: { kind: "unknown" } }]);
  });

  test.each([
    ["stale", 5_000],
    ["active", null],
    ["a state of another year", null],
  ])("a session that Linear shows as %s has been stale since %s", (status, staleAt) => {
    const { sessions } = read({ sessions: [session({ status, updatedAt: 5_000 })] });
    expect(sessions).toMatchObject([{ id: "s1", staleAt }]);
  });

  test("silence is never an end: no delegate and no history leaves the session's word", () => {
    expect(words(read({ delegate: null, sessions: [session()] }))).toEqual(["1000 delegated person"]);
  });

  test("somebody else's delegation ends ours, at the earliest time it can have", () => {
    const reading = read({
      delegate: "bot",
      sessions: [session({ activities: { nodes: [said("p", 5_000)] } })],
    });
    expect(words(reading)).toEqual([
      "1000 delegated person",
      "1001 undelegated unknown",
      "5000 prompted person",
    ]);
  });

  test("being mentioned where another agent is delegated takes nothing away", () => {
    const comment = root("c1", "please", ADA);
    expect(words(read({ delegate: "bot", sessions: [session({ comment })] }))).toEqual([
      "1000 mentioned person",
    ]);
  });

  test("being the delegate without anything that says since when counts from the issue's beginning", () => {
    expect(words(read({ delegate: "us" }))).toEqual(["10 delegated unknown"]);
  });

  test("what we did ourselves gives no permission", () => {
    expect(words(read({ delegate: "us", history: [entry(2_000, null, "us", US)] }))).toEqual([]);
  });
});

describe("a read of the ticket", () => {
  test("says that an end was our own doing only if it was us who moved it there last", () => {
    const end = (history: HistoryEntry[], type = "completed") =>
      read({ history, issue: { state: { id: "done", name: "Done", type }, completedAt: 5_000 } }).ownEnd;
    expect(end([moved(5_000, "done", US), moved(4_000, "todo", ADA)])).toBe(5_000);
    expect(end([moved(4_000, "done", US), moved(5_000, "done", ADA)])).toBeNull();
    expect(end([moved(5_000, "done", ADA)])).toBeNull();
    expect(end([moved(5_000, "done", US)], "canceled")).toBeNull();
    expect(end([])).toBeNull();
  });

  test.each([
    [{ trashed: true }, true],
    [{ archivedAt: 5 }, true],
    [{ trashed: false }, false],
    [{}, false],
  ])("with %j is removed: %s", (issue, removed) => {
    expect(read({ issue }).removed).toBe(removed);
  });

  test.each([
    ["started", null, false],
    ["triage", null, false],
    ["completed", null, true],
    ["canceled", null, true],
    ["duplicate", null, true],
    ["started", true, true],
  ])("finds a blocker that is %s (trashed: %s) done: %s", (type, trashed, done) => {
    const issue = { identifier: "APP-9", trashed, state: { type } };
    const inverseRelations = { nodes: ["blocks", "related"].map((kind) => ({ type: kind, issue })) };
    const children = { nodes: [{ ...issue, identifier: "APP-10" }] };
    expect(read({ issue: { inverseRelations, children } }).blockers).toEqual([
      { key: "APP-9", done, isSubIssue: false },
      { key: "APP-10", done, isSubIssue: true },
    ]);
  });
});

describe("where an issue is moved", () => {
  const states = [
    { id: "t", name: "Triage", type: "triage", position: 0 },
    { id: "b", name: "Backlog", type: "backlog", position: 0 },
    { id: "u", name: "Todo", type: "unstarted", position: 1 },
    { id: "s2", name: "In Review", type: "started", position: 900 },
    { id: "s1", name: "In Progress", type: "started", position: 2 },
    { id: "d2", name: "Released", type: "completed", position: 4 },
    { id: "d1", name: "Done", type: "completed", position: 3 },
    { id: "c", name: "Canceled", type: "canceled", position: 5 },
    { id: "x", name: "Duplicate", type: "duplicate", position: 6 },
  ];
  const at = (id: string, trashed = false): StatusAnswer["issue"] => {
    const state = states.find((one) => one.id === id);
    if (state === undefined) throw new Error(`no state ${id}`);
    return { trashed, state, team: { key: "APP", states: { nodes: states } } };
  };

  test.each([
    ["t", "started", null, "s1"],
    ["b", "started", null, "s1"],
    ["u", "started", null, "s1"],
    ["u", "started", "in review", "s2"],
    ["s1", "started", "In Review", null],
    ["s2", "started", null, null],
    ["d1", "started", null, null],
    ["c", "started", null, null],
    ["x", "started", null, null],
    ["s1", "completed", null, "d1"],
    ["u", "completed", null, "d1"],
    ["s1", "completed", "Released", "d2"],
    ["s1", "completed", "in progress", null],
    ["u", "started", "In Reviw", "s1"],
    ["s1", "completed", "Relased", "d1"],
    ["s2", "started", "In Reviw", null],
    ["d2", "completed", null, null],
    ["d1", "completed", "Released", null],
    ["c", "completed", null, null],
    ["x", "completed", null, null],
  ] as const)("from %s to %s (%s) ends at %s", (from, to, name, target) => {
    const move = chooseMove(at(from), to, name);
    expect(move.to?.id ?? null).toBe(target);
    expect(move.story).toMatch(target === null ? /^left at/ : /^moved from/);
  });

  test("an issue in the trash is left", () => {
    expect(chooseMove(at("u", true), "started", null)).toMatchObject({ to: null });
  });

  test("a team without such a status is named with what it has", () => {
    const issue = { ...at("u"), team: { key: "APP", states: { nodes: states.slice(0, 3) } } };
    expect(() => chooseMove(issue, "completed", null)).toThrow(/APP.*completed.*Todo \(unstarted\)/);
  });
});

test("every document of ours is valid against Linear's schema and named as it is called", () => {
  const schema = linearSchema();
  const operations = [...Object.values(reads), ...Object.values(writes), ...Object.values(quick)].filter(
    (one): one is Operation<never> & (typeof reads)["VIEWER"] => "document" in one,
  );
  expect(operations.length).toBe(21);
  for (const operation of operations) {
    const document = parse(operation.document);
    expect(validate(schema, document).map((error) => `${operation.name}: ${error.message}`)).toEqual([]);
    const [definition] = document.definitions;
    expect(definition).toMatchObject({ kind: "OperationDefinition", name: { value: operation.name } });
    expect(operation.document.startsWith("mutation") ? operation.kind : "write").toBe("write");
  }
});
