import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Activity } from "../../src/factory/effects/effect.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import type {
  Interpretation,
  Observation,
  ObservationKind,
  TicketReading,
} from "../../src/factory/facts/observation.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { VerifiedDelivery } from "../../src/lib/delivery.ts";
import type { Tracker, TrackerIdentity, TrackerWorkspace } from "../../src/trackers/tracker.ts";
import type { TestHeaders } from "../trackers/linear-support.ts";

/** A tracker beside the service it talks to, and people who use that service. Issues and sessions by the service's own ids. */
export interface TrackerRig {
  readonly tracker: Tracker;
  now(): number;
  advance(ms: number): void;
  /** The webhooks since the last call, in order, once all were sent. */
  received(): Promise<readonly { readonly headers: TestHeaders; readonly body: Buffer }[]>;
  readonly people: {
    readonly names: readonly [string, string];
    createIssue(title: string): { readonly id: string; readonly key: string };
    delegate(issue: string, by: string): string;
    undelegate(issue: string, by: string): void;
    mention(issue: string, text: string, by: string): string;
    /** A mention in an answer to somebody else's comment. */
    mentionInReply(issue: string, root: string, text: string, by: string): string;
    prompt(session: string, text: string, by: string): void;
    stop(session: string, by: string): void;
    comment(issue: string, text: string, by: string): void;
    setStatus(issue: string, type: "unstarted" | "started" | "completed" | "canceled", by: string): void;
    retitle(issue: string, title: string, by: string): void;
    remove(issue: string, by: string): void;
    block(issue: string, blocker: string): void;
  };
  readonly shown: {
    activities(session: string): readonly { readonly type: string; readonly text: string }[];
    plan(session: string): readonly { readonly content: string; readonly status: string }[];
    links(session: string): readonly string[];
    status(issue: string): { readonly name: string; readonly type: string };
    delegate(issue: string): string | null;
  };
  /** What the service's API does from now on. */
  misbehave(how: "none" | "refused" | "silent" | "reset" | "html502" | "status503" | "lost_reply"): void;
  rateLimitNext(count: number): void;
  staleReads(ms: number): void;
  /** Faults of the stand-in itself. */
  problems(): readonly string[];
  close(): Promise<void>;
}

/** What every tracker must do; `start` makes a fresh rig. */
export function trackerConformance(name: string, start: () => Promise<TrackerRig>): void {
  describe(`the ${name} tracker`, () => {
    let rig: TrackerRig;
    let us: TrackerIdentity;
    let known: Set<IssueId>;
    const signal = new AbortController().signal;

    beforeEach(async () => {
      rig = await start();
      const [only, ...others] = await rig.tracker.whoAmI(signal);
      if (only === undefined || others.length > 0) throw new Error("expected one workspace");
      us = only;
      known = new Set();
    });
    afterEach(async () => {
      const problems = rig.problems();
      await rig.close();
      expect(problems).toEqual([]);
    });

    const open = async (): Promise<readonly VerifiedDelivery[]> => {
      const received = await rig.received();
      return received.map(({ headers, body }) => {
        const opened = rig.tracker.open(headers, body, rig.now());
        if (!opened.verified) throw new Error(`refused: ${opened.code} ${opened.detail}`);
        return opened;
      });
    };
    /** Everything the webhooks since the last call say, as the engine would ask. */
    const heard = async (): Promise<Interpretation["observations"]> => {
      const all: Interpretation["observations"][number][] = [];
      for (const delivery of await open()) {
        expect(delivery.quarantine).toBeNull();
        const body: unknown = JSON.parse(delivery.body.toString("utf8"));
        const read = rig.tracker.interpret(body, delivery.event, {
          us: [us],
          receivedAt: rig.now(),
          known: (issue) => known.has(issue),
        });
        expect(read.ignored === null, "either observations or a reason").toBe(read.observations.length > 0);
        for (const one of read.observations) known.add(one.issue);
        all.push(...read.observations);
      }
      return all;
    };
    const there = (): TrackerWorkspace => rig.tracker.in(us.workspace);
    const our = (id: string): IssueId => issueId(rig.tracker.name, id);
    const read = async (id: string): Promise<TicketReading & { at: number }> => {
      const observation = await there().readTicket(our(id), signal);
      if (observation.kind !== "ticket_read") throw new Error(`not a reading: ${observation.kind}`);
      return observation;
    };
    const [ada, grace] = [0, 1].map((index) => () => rig.people.names[index] ?? "") as [
      () => string,
      () => string,
    ];

    test("a delegation is heard as an opened session with the person, the time and the issue", async () => {
      const issue = rig.people.createIssue("Broken login");
      rig.advance(5_000);
      const session = rig.people.delegate(issue.id, ada());
      const observations = await heard();
      const opened = only(observations, "session_opened");
      expect(opened).toMatchObject({ session, delegated: true, automatic: false, at: rig.now() });
      expect(opened.by).toMatchObject({ kind: "person" });
      expect(new Set(observations.map((one) => one.issue))).toEqual(new Set([our(issue.id)]));
      expect(kinds(observations)).not.toContain("prompted");
      expect(kinds(observations)).not.toContain("undelegated");
    });

    test("the first news of an issue says in which workspace it is, and later ones do not repeat it", async () => {
      const issue = rig.people.createIssue("Broken login");
      const session = rig.people.delegate(issue.id, ada());
      expect(only(await heard(), "ticket_located")).toMatchObject({ workspace: us.workspace });
      rig.people.prompt(session, "with tests, please", ada());
      expect(kinds(await heard())).toEqual(["prompted"]);
      expect((await rig.tracker.discover(0, null, signal)).issues).toMatchObject([
        { issue: our(issue.id), workspace: us.workspace },
      ]);
    });

    test("news from a workspace that we are not signed in to is left, with the reason", async () => {
      const issue = rig.people.createIssue("Broken login");
      rig.people.delegate(issue.id, ada());
      for (const { body, event } of await open()) {
        const read = rig.tracker.interpret(JSON.parse(body.toString("utf8")), event, {
          us: [{ ...us, workspace: "another-workspace" }],
          receivedAt: rig.now(),
          known: () => false,
        });
        expect(read.observations).toEqual([]);
        expect(read.ignored).not.toBeNull();
      }
    });

    test("a mention is heard as an opened session and its text as a prompt", async () => {
      const issue = rig.people.createIssue("Broken login");
      const session = rig.people.mention(issue.id, "please have a look", ada());
      const observations = await heard();
      expect(only(observations, "session_opened")).toMatchObject({ session, delegated: false });
      expect(only(observations, "prompted")).toMatchObject({ session, text: "please have a look" });
      expect(kinds(observations)).not.toContain("delegated");
    });

    test("what is said in a session is heard as a prompt, stop as a request to stop", async () => {
      const issue = rig.people.createIssue("Broken login");
      const session = rig.people.delegate(issue.id, ada());
      await heard();
      rig.advance(1_000);
      rig.people.prompt(session, "use the other form", grace());
      const said = only(await heard(), "prompted");
      expect(said).toMatchObject({ session, text: "use the other form", from: "tracker", at: rig.now() });
      rig.people.stop(session, grace());
      const observations = await heard();
      expect(only(observations, "stop_requested")).toMatchObject({ session, at: rig.now() });
      expect(kinds(observations)).not.toContain("prompted");
    });

    test("a delegation that is taken back is heard", async () => {
      const issue = rig.people.createIssue("Broken login");
      rig.people.delegate(issue.id, ada());
      await heard();
      rig.advance(1_000);
      rig.people.undelegate(issue.id, grace());
      const taken = (await heard()).map((one) => one.observation).filter((one) => one.kind === "undelegated");
      expect(taken.length).toBeGreaterThan(0);
      for (const one of taken) expect(one).toMatchObject({ at: rig.now(), by: { kind: "person" } });
    });

    test("issues of no concern are ignored, whatever happens to them", async () => {
      const issue = rig.people.createIssue("Not for us");
      rig.people.comment(issue.id, "just between us", ada());
      rig.people.setStatus(issue.id, "started", ada());
      rig.people.remove(issue.id, ada());
      expect(await heard()).toEqual([]);
    });

    test("a changed title and status of a known issue are heard with their time", async () => {
      const issue = rig.people.createIssue("Broken login");
      rig.people.delegate(issue.id, ada());
      await heard();
      rig.advance(1_000);
      rig.people.retitle(issue.id, "Broken sign-in", ada());
      rig.advance(1_000);
      rig.people.setStatus(issue.id, "completed", ada());
      const changes = (await heard())
        .map((one) => one.observation)
        .filter((one) => one.kind === "ticket_changed");
      const last = changes.at(-1);
      expect(last).toMatchObject({
        at: rig.now(),
        ticket: { core: { title: "Broken sign-in", key: issue.key }, status: { type: "completed" } },
      });
    });

    test("our own writes come back without asking for anything", async () => {
      const issue = rig.people.createIssue("Broken login");
      const session = rig.people.mention(issue.id, "please", ada());
      await heard();
      await there().tell(session, "k1", { type: "thought", body: "on it" }, signal);
      await there().setStatus(our(issue.id), "started", null, signal);
      await there().takeDelegation(our(issue.id), signal);
      await there().tell(session, "k2", { type: "response", body: "done" }, signal);
      const observations = await heard();
      expect(new Set(kinds(observations))).toEqual(new Set(["ticket_changed"]));
    });

    test("a read finds what the webhooks told: sessions, prompts and the last word on authority", async () => {
      const issue = rig.people.createIssue("Broken login");
      const acts: (() => void)[] = [];
      let session = "";
      acts.push(
        () => (session = rig.people.delegate(issue.id, ada())),
        () => rig.people.prompt(session, "with tests, please", ada()),
        () => rig.people.stop(session, grace()),
        () => rig.people.prompt(session, "go on", grace()),
        () => rig.people.undelegate(issue.id, grace()),
        () => (session = rig.people.delegate(issue.id, grace())),
      );
      const told: Observation[] = [];
      for (const act of acts) {
        rig.advance(60_000);
        act();
        told.push(...(await heard()).map((one) => one.observation));
        const reading = await read(issue.id);
        expect(promptsIn(told)).toEqual(
          reading.prompts.map(({ id, session: where, at, text, by }) => ({ id, where, at, text, by: by.id })),
        );
        expect(sessionsIn(told)).toEqual(
          reading.sessions.map(({ id, at, automatic, by }) => ({ id, at, automatic, by: by.id })),
        );
        expect(lastWord(reading.authorities)).toEqual(lastWord(told.flatMap(asAuthority)));
      }
    });

    test("a mention in a reply is opened by its session, and a read finds its text", async () => {
      const issue = rig.people.createIssue("Broken login");
      const session = rig.people.mentionInReply(issue.id, "it is broken", "can you fix that?", grace());
      const observations = await heard();
      expect(only(observations, "session_opened")).toMatchObject({ session, delegated: false });
      for (const one of observations) expect(JSON.stringify(one)).not.toContain("it is broken");
      const reading = await read(issue.id);
      expect(reading.prompts.map((prompt) => prompt.text)).toEqual(["can you fix that?"]);
      expect(reading.authorities).toMatchObject([{ granted: true, cause: "mentioned" }]);
    });

    test("a removed issue is heard and read as removed, one that never was is removed too", async () => {
      const issue = rig.people.createIssue("Broken login");
      rig.people.delegate(issue.id, ada());
      await heard();
      rig.advance(1_000);
      rig.people.remove(issue.id, ada());
      expect(kinds(await heard())).toContain("ticket_removed");
      const observation = await there().readTicket(our(issue.id), signal);
      if (observation.kind === "ticket_read") expect(observation.removed).toBe(true);
      else expect(observation.kind).toBe("ticket_removed");
      const never = await there().readTicket(our("00000000-0000-4000-8000-000000000000"), signal);
      expect(never.kind).toBe("ticket_removed");
    });

    test("discover finds delegated and mentioned issues that webhooks lost, and no others", async () => {
      const old = rig.people.createIssue("Old");
      rig.people.delegate(old.id, ada());
      rig.advance(3_600_000);
      const since = rig.now();
      rig.advance(60_000);
      const delegated = rig.people.createIssue("Delegated");
      const mentioned = rig.people.createIssue("Mentioned");
      rig.people.createIssue("Neither");
      rig.people.delegate(delegated.id, ada());
      rig.advance(60_000);
      rig.people.mention(mentioned.id, "hello", grace());
      const found = await rig.tracker.discover(since, null, signal);
      expect(found.issues.map((one) => one.issue)).toEqual([our(mentioned.id), our(delegated.id)]);
      expect(found.rest).toBeNull();
      for (const one of found.issues) expect(one.by.kind).toBe("person");
    });

    test("every kind of activity is taken", async () => {
      const session = rig.people.delegate(rig.people.createIssue("Broken login").id, ada());
      const activities: Activity[] = [
        { type: "thought", body: "for a moment", ephemeral: true },
        { type: "action", action: "Ran", parameter: "npm test", result: "12 passed" },
        { type: "action", action: "Running", parameter: "npm test", ephemeral: true },
        { type: "elicitation", body: "Which one?", options: ["this", "that"] },
        { type: "elicitation", body: "Why?" },
        { type: "error", body: "It did not work." },
        { type: "response", body: "x".repeat(100_000) },
      ];
      for (const [index, activity] of activities.entries()) {
        await there().tell(session, `all:${index}`, activity, signal);
      }
      expect(rig.shown.activities(session).map((one) => one.type)).toEqual(activities.map((one) => one.type));
    });

    test("an end of our own is read as ours", async () => {
      const { id } = rig.people.createIssue("Broken login");
      await there().setStatus(our(id), "completed", null, signal);
      const ended = await read(id);
      expect(ended.ownEnd).not.toBeNull();
      expect(ended.ownEnd).toBe(ended.status.endedAt);
    });

    test("we become the delegate only where there is none", async () => {
      const issue = rig.people.createIssue("Broken login");
      await there().takeDelegation(our(issue.id), signal);
      expect(rig.shown.delegate(issue.id)).toBe(us.id);
      await there().takeDelegation(our(issue.id), signal);
      expect(rig.shown.delegate(issue.id)).toBe(us.id);
    });

    test("taking the delegation ourselves gives nobody's permission", async () => {
      const issue = rig.people.createIssue("Broken login");
      rig.people.mention(issue.id, "please", ada());
      rig.advance(1_000);
      await there().takeDelegation(our(issue.id), signal);
      const reading = await read(issue.id);
      expect(lastWord(reading.authorities)).toMatchObject({ granted: true });
      for (const authority of reading.authorities) expect(authority.by.kind).not.toBe("us");
    });

    test("a webhook with one byte changed is refused", async () => {
      rig.people.delegate(rig.people.createIssue("Broken login").id, ada());
      const [first] = await rig.received();
      if (first === undefined) throw new Error("no webhook came");
      const altered = Buffer.from(first.body);
      altered[10] = (altered[10] ?? 0) ^ 1;
      expect(rig.tracker.open(first.headers, first.body, rig.now()).verified).toBe(true);
      expect(rig.tracker.open(first.headers, altered, rig.now())).toMatchObject({
        verified: false,
        status: 401,
      });
    });
  });
}

function kinds(observations: Interpretation["observations"]): ObservationKind[] {
  return observations.map((one) => one.observation.kind);
}

function only<K extends ObservationKind>(
  observations: Interpretation["observations"],
  kind: K,
): Extract<Observation, { kind: K }> {
  const found = observations.map((one) => one.observation).filter((one) => one.kind === kind);
  expect(found, `exactly one ${kind}`).toHaveLength(1);
  return found[0] as Extract<Observation, { kind: K }>;
}

function promptsIn(told: readonly Observation[]): unknown[] {
  return told.flatMap((one) =>
    one.kind === "prompted"
      ? [{ id: one.prompt, where: one.session, at: one.at, text: one.text, by: one.by.id }]
      : [],
  );
}

function sessionsIn(told: readonly Observation[]): unknown[] {
  return told.flatMap((one) =>
    one.kind === "session_opened"
      ? [{ id: one.session, at: one.at, automatic: one.automatic, by: one.by.id }]
      : [],
  );
}

interface Word {
  readonly granted: boolean;
  readonly at: number;
}

const GRANTS: ReadonlySet<ObservationKind> = new Set(["session_opened", "delegated", "prompted"]);
const WITHDRAWALS: ReadonlySet<ObservationKind> = new Set(["undelegated", "stop_requested"]);

function asAuthority(told: Observation): Word[] {
  const granted = GRANTS.has(told.kind);
  return granted || WITHDRAWALS.has(told.kind) ? [{ granted, at: told.at }] : [];
}

function lastWord(words: readonly Word[]): Word | null {
  const last = words.toSorted((a, b) => a.at - b.at).at(-1);
  return last === undefined ? null : { granted: last.granted, at: last.at };
}
