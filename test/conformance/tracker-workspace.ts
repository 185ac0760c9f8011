import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Activity } from "../../src/factory/effects/effect.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { TicketReading } from "../../src/factory/facts/observation.ts";
import { ExternalError } from "../../src/lib/external.ts";
import type { Tracker, TrackerIdentity, TrackerWorkspace } from "../../src/trackers/tracker.ts";
import { passUntilOver } from "../virtual-clock.ts";

/** A tracker beside the service it talks to, as far as reading and writing go: nothing is told by webhooks. */
export interface WorkspaceRig {
  readonly tracker: Tracker;
  now(): number;
  advance(ms: number): void;
  readonly people: {
    readonly names: readonly [string, string];
    createIssue(title: string): { readonly id: string; readonly key: string };
    /** Has us work on the issue; gives the session of that. */
    gives(issue: string, by: string): Promise<string>;
    setStatus(issue: string, type: "unstarted" | "started" | "completed" | "canceled", by: string): void;
    retitle(issue: string, title: string, by: string): void;
    block(issue: string, blocker: string): void;
  };
  readonly shown: {
    /** What we have said in a session that is to stay, in our words. */
    said(session: string): readonly string[];
    plan(session: string): readonly { readonly content: string; readonly status: string }[];
    links(session: string): readonly string[];
    status(issue: string): { readonly name: string; readonly type: string };
  };
  /** What the service's API does from now on. */
  misbehave(how: "none" | "refused" | "silent" | "reset" | "html502" | "status503" | "lost_reply"): void;
  rateLimitNext(count: number): void;
  staleReads(ms: number): void;
  /** Faults of the stand-in itself. */
  problems(): readonly string[];
  close(): Promise<void>;
}

/** What every tracker must do in a workspace, however it is signed in there; `start` makes a fresh rig. */
export function workspaceConformance(name: string, start: () => Promise<WorkspaceRig>): void {
  describe(`a workspace of ${name}`, () => {
    let rig: WorkspaceRig;
    let us: TrackerIdentity;
    const signal = new AbortController().signal;

    beforeEach(async () => {
      rig = await start();
      const [only, ...others] = await rig.tracker.whoAmI(signal);
      if (only === undefined || others.length > 0) throw new Error("expected one workspace");
      us = only;
    });
    afterEach(async () => {
      const problems = rig.problems();
      await rig.close();
      expect(problems).toEqual([]);
    });

    const there = (): TrackerWorkspace => rig.tracker.in(us.workspace);
    const our = (id: string): IssueId => issueId(rig.tracker.name, id);
    const read = async (id: string): Promise<TicketReading & { at: number }> => {
      const observation = await there().readTicket(our(id), signal);
      if (observation.kind !== "ticket_read") throw new Error(`not a reading: ${observation.kind}`);
      return observation;
    };
    const ada = (): string => rig.people.names[0];

    test("an issue of a workspace that we are not signed in to is neither read nor written, until we are", async () => {
      const issue = rig.people.createIssue("Broken login");
      const session = await rig.people.gives(issue.id, ada());
      const elsewhere = rig.tracker.in("another-workspace");
      await expect(elsewhere.readTicket(our(issue.id), signal)).rejects.toMatchObject({
        kind: "unauthorized",
      });
      const said: Activity = { type: "thought", body: "on it" };
      await expect(elsewhere.tell(session, "k1", said, signal)).rejects.toMatchObject({
        kind: "unauthorized",
      });
      expect(rig.shown.said(session)).toEqual([]);
    });

    test("a read finds the ticket, its status and its blockers", async () => {
      const blocker = rig.people.createIssue("First this");
      const finished = rig.people.createIssue("Long done");
      const issue = rig.people.createIssue("Then that");
      rig.people.block(issue.id, blocker.id);
      rig.people.block(issue.id, finished.id);
      rig.people.setStatus(finished.id, "completed", ada());
      const reading = await read(issue.id);
      expect(reading.core).toMatchObject({ key: issue.key, title: "Then that", workspace: us.workspace });
      expect(reading.status).toMatchObject(rig.shown.status(issue.id));
      expect([...reading.blockers].toSorted((a, b) => a.key.localeCompare(b.key))).toEqual(
        [
          { key: blocker.key, done: false, isSubIssue: false },
          { key: finished.key, done: true, isSubIssue: false },
        ].toSorted((a, b) => a.key.localeCompare(b.key)),
      );
      expect(reading).toMatchObject({ removed: false, authorities: [], sessions: [], prompts: [] });
    });

    test("a stale read carries the time of what it saw, not of when it was asked", async () => {
      const issue = rig.people.createIssue("Broken login");
      const before = (await read(issue.id)).at;
      rig.advance(10_000);
      rig.people.retitle(issue.id, "Newer", ada());
      rig.staleReads(5_000);
      const stale = await read(issue.id);
      expect(stale).toMatchObject({ at: before, core: { title: "Broken login" } });
      rig.staleReads(0);
      expect((await read(issue.id)).at).toBe(rig.now());
    });

    test("the same key posts once, also when the answer to the first try was lost", async () => {
      const issue = rig.people.createIssue("Broken login");
      const session = await rig.people.gives(issue.id, ada());
      const said: Activity = { type: "response", body: "It is **done**." };
      await there().tell(session, "a:1", said, signal);
      await there().tell(session, "a:1", said, signal);
      rig.misbehave("lost_reply");
      const lost: Activity = { type: "thought", body: "looking" };
      await expect(there().tell(session, "a:2", lost, signal)).rejects.toMatchObject({
        kind: "unavailable",
      });
      rig.misbehave("none");
      await there().tell(session, "a:2", lost, signal);
      expect(rig.shown.said(session)).toEqual(["It is **done**.", "looking"]);
    });

    test("an activity for a session that is not there is refused", async () => {
      const nowhere = "00000000-0000-4000-8000-000000000000";
      await expect(there().tell(nowhere, "a:1", { type: "thought", body: "hm" }, signal)).rejects.toSatisfy(
        (error) => error instanceof ExternalError && ["refused", "not_found"].includes(error.kind),
      );
    });

    test("plan and links are shown, and showing them again changes nothing", async () => {
      const session = await rig.people.gives(rig.people.createIssue("Broken login").id, ada());
      const plan = [
        { content: "find it", status: "completed" },
        { content: "fix it", status: "inProgress" },
      ] as const;
      for (let time = 0; time < 2; time += 1) {
        await there().showPlan(session, plan, signal);
        await there().link(session, "Pull request", "https://example.com/pull/1", signal);
      }
      await there().link(session, "Other", "https://example.com/pull/2", signal);
      expect(rig.shown.plan(session)).toEqual(plan);
      expect(rig.shown.links(session)).toEqual(["https://example.com/pull/1", "https://example.com/pull/2"]);
    });

    test("the status only ever goes forward, and a person's later move stays", async () => {
      const { id } = rig.people.createIssue("Broken login");
      const move = async (to: "started" | "completed") => {
        const { says, moved } = await there().setStatus(our(id), to, null, signal);
        const shown = moved === null ? null : { name: moved.status.name, type: moved.status.type };
        expect(shown, "what it says is what there is").toEqual(
          says.startsWith("moved") ? rig.shown.status(id) : null,
        );
        return says;
      };
      rig.people.setStatus(id, "unstarted", ada());
      expect(await move("started")).toContain("moved");
      expect(rig.shown.status(id).type).toBe("started");
      expect(await move("started")).toContain("left");
      expect(await move("completed")).toContain("moved");
      expect(rig.shown.status(id).type).toBe("completed");
      expect(await move("started")).toContain("left");
      rig.people.setStatus(id, "canceled", ada());
      expect(await move("completed")).toContain("left");
      expect(rig.shown.status(id).type).toBe("canceled");
    });

    test("a configured status is found by name, and where it is not there the type decides", async () => {
      const { id } = rig.people.createIssue("Broken login");
      rig.people.setStatus(id, "started", ada());
      const wanted = rig.shown.status(id).name;
      rig.people.setStatus(id, "unstarted", ada());
      await there().setStatus(our(id), "started", wanted.toUpperCase(), signal);
      expect(rig.shown.status(id).name).toBe(wanted);
      const { says } = await there().setStatus(our(id), "completed", "Shipped to Mars", signal);
      expect(says).toContain("Shipped to Mars");
      expect(rig.shown.status(id).type).toBe("completed");
    });

    test.each(["refused", "reset", "html502", "status503", "silent"] as const)(
      "an outage (%s) is no answer: never a removal, and it says that it passes",
      async (how) => {
        const issue = rig.people.createIssue("Broken login");
        rig.misbehave(how);
        const asking = there().readTicket(our(issue.id), signal);
        if (how === "silent") await passUntilOver((ms) => rig.advance(ms), asking);
        await expect(asking).rejects.toMatchObject({ kind: "unavailable" });
        rig.misbehave("none");
        expect((await read(issue.id)).core.key).toBe(issue.key);
      },
    );

    test("an outage while discovering is no empty list", async () => {
      rig.misbehave("status503");
      await expect(rig.tracker.discover(0, null, signal)).rejects.toMatchObject({ kind: "unavailable" });
    });

    test("being told to wait says until when", async () => {
      const issue = rig.people.createIssue("Broken login");
      rig.rateLimitNext(1);
      await expect(there().readTicket(our(issue.id), signal)).rejects.toSatisfy(
        (error) =>
          error instanceof ExternalError && error.kind === "rate_limited" && (error.retryAt ?? 0) > rig.now(),
      );
    });

    test("an aborted call ends with the reason that was given", async () => {
      const issue = rig.people.createIssue("Broken login");
      const reason = new Error("shutting down");
      await expect(there().readTicket(our(issue.id), AbortSignal.abort(reason))).rejects.toBe(reason);
      rig.misbehave("silent");
      const stopping = new AbortController();
      const call = there().readTicket(our(issue.id), stopping.signal);
      stopping.abort(reason);
      await expect(call).rejects.toBe(reason);
    });
  });
}
