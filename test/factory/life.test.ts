import { expect, test } from "vitest";
import type { EffectOf } from "../../src/factory/effects/effect.ts";
import { ANN, check, ISSUE, Life, pullReading, REV, ticketReading, T0 } from "./world.ts";

const review = (state: "approved" | "changes_requested", head: string, at: number, id: string) => ({
  id,
  by: REV,
  state,
  head,
  at: T0 + at * 1_000,
  body: "Please handle negative numbers.",
});

test("a delegated issue goes through all four run types to done", () => {
  const life = new Life();
  const queued = { hasQueue: true };
  const lines = [
    life.see(1, ticketReading()),
    life.run(20, {}, "h1"),
    life.see(25, pullReading("h1", { ...queued, checks: [check("test", null)] }, 25)),
    life.see(
      40,
      pullReading("h1", { ...queued, checks: [check("test", "failure", { at: T0 + 39_000 })] }, 40),
    ),
    life.run(60, {}, "h2"),
    life.see(65, pullReading("h2", { ...queued, checks: [check("test", "success", { id: "2" })] }, 65)),
    life.see(
      80,
      pullReading(
        "h2",
        {
          ...queued,
          checks: [check("test", "success", { id: "2" })],
          reviews: [review("changes_requested", "h2", 79, "r1")],
        },
        80,
      ),
    ),
    life.run(95, { replies: [{ thread: "t1", outcome: "fixed", text: "done" }] }, "h3"),
    life.see(
      99,
      pullReading(
        "h3",
        {
          ...queued,
          checks: [check("test", "success", { id: "3" })],
          reviews: [review("changes_requested", "h2", 79, "r1")],
        },
        99,
      ),
    ),
    life.see(
      110,
      pullReading(
        "h3",
        {
          ...queued,
          checks: [check("test", "success", { id: "3" })],
          reviews: [review("changes_requested", "h2", 79, "r1"), review("approved", "h3", 109, "r2")],
        },
        110,
      ),
    ),
    life.see(112, {
      kind: "effect_settled",
      at: T0 + 112_000,
      effect: mergeOf(life),
      ok: true,
      detail: "queued",
      because: null,
    }),
    life.see(
      130,
      pullReading(
        "h3",
        {
          ...queued,
          checks: [check("test", "success", { id: "3" })],
          reviews: [review("approved", "h3", 109, "r2")],
          ejections: [{ at: T0 + 129_000, reason: "checks_failed", ours: false, group: "g1", head: "h3" }],
        },
        130,
      ),
    ),
    life.run(150, {}, "h4"),
    life.see(
      160,
      pullReading(
        "h4",
        {
          ...queued,
          checks: [check("test", "success", { id: "4" })],
          reviews: [review("approved", "h4", 159, "r3")],
        },
        160,
      ),
    ),
    life.see(
      180,
      pullReading(
        "h4",
        { core: { ...core("h4"), state: "closed", merged: true, closedAt: T0 + 179_000 } },
        180,
      ),
    ),
  ];
  expect(lines).toMatchInlineSnapshot(`
    [
      "delegated run_queued → start_run, tell thought, show_plan",
      "pr_open pull_request_unseen → read_pull_request, tell action, show_plan",
      "pr_open ci_pending → link",
      "repairing_ci run_queued → start_run",
      "pr_open push_unseen → read_pull_request, tell action",
      "awaiting_review unapproved → tell response, show_plan",
      "changes_requested run_queued → start_run, show_plan",
      "pr_open push_unseen → read_pull_request, reply_threads, comment, request_reviews, tell action, show_plan",
      "awaiting_review review_answered → tell response, show_plan",
      "awaiting_queue merge → merge, tell thought, show_plan",
      "awaiting_queue merge_asked → read_pull_request",
      "repairing_queue run_queued → start_run",
      "pr_open push_unseen → read_pull_request, tell action, show_plan",
      "awaiting_queue merge → merge, tell thought, show_plan",
      "done merged → tell response, show_plan, set_status, remove_worktree",
    ]
  `);
  expect(life.facts.runs.map((run) => run.type)).toEqual([
    "implementation",
    "ci_repair",
    "review_fix",
    "queue_repair",
  ]);
});

const DONE = { id: "s9", name: "Done", type: "completed" as const, endedAt: T0 + 2_000 };

function core(head: string) {
  return {
    state: "open" as const,
    merged: false,
    draft: false,
    head,
    branch: "patchrelay/app-1",
    base: "main",
    title: "t",
    closedAt: null,
  };
}

function mergeOf(life: Life): EffectOf<"merge"> {
  return life.effects.findLast((effect) => effect.kind === "merge") ?? expect.fail("no merge was asked for");
}

test("an outage of minutes hands nothing over; one that lasts for hours does", () => {
  const life = new Life();
  life.policy = { ...life.policy, runsPerHour: 100 };
  life.see(1, ticketReading());
  const fail = (at: number): string =>
    life.run(at, {
      outcome: "failed",
      failureClass: "infrastructure",
      retryAt: T0 + (at + 60) * 1_000,
    });
  for (const minute of [1, 3, 5, 7, 9, 11]) {
    fail(minute * 60);
    life.see(minute * 60 + 61, { kind: "time_passed", at: T0, reason: "retry" });
    expect(life.decision?.state).toBe("delegated");
  }
  fail(6 * 3_600 + 60);
  life.see(6 * 3_600 + 121, { kind: "time_passed", at: T0, reason: "retry" });
  expect(life.decision).toMatchObject({ state: "escalated", rule: "implement/failing" });
});

test("what was said within the second of the merge does not reopen the issue; what was said later does", () => {
  const life = new Life();
  const word = (id: string, ms: number) =>
    ({
      kind: "prompted",
      at: T0 + ms,
      prompt: id,
      session: "session-1",
      by: ANN,
      from: "tracker",
      text: "And more.",
    }) as const;
  const merged = { core: { ...core("h1"), state: "closed" as const, merged: true, closedAt: T0 + 40_000 } };
  life.see(1, ticketReading());
  life.run(20, {}, "h1");
  life.see(25, pullReading("h1", {}, 25));
  life.see(40, word("p1", 40_400));
  life.see(41, pullReading("h1", merged, 40));
  expect(life.decision?.state).toBe("done");
  life.see(42, word("p2", 41_500));
  expect(life.facts.project?.branch).toBe("patchrelay/app-1-2");
});

test("a reading that was asked for before we heard of a review does not settle it", () => {
  const life = new Life();
  life.see(1, ticketReading());
  life.run(20, {}, "h1");
  const green = { checks: [check("test", "success")] };
  life.see(25, pullReading("h1", green, 25));
  const approval = review("approved", "h1", 30, "r1");
  life.see(30.4, {
    kind: "review_changed",
    at: T0 + 30_000,
    number: 7,
    review: { ...approval, by: { ...REV, permission: null } },
  });
  life.see(30.6, pullReading("h1", { ...green, askedAt: T0 + 30_200 }, 30));
  expect(life.facts.pullRequest?.hint).not.toBeNull();
  const told = life.see(30.9, pullReading("h1", { ...green, reviews: [approval], askedAt: T0 + 30_700 }, 30));
  expect(told).toContain("awaiting_queue merge");
});

test("a review of the same second as other news is read even if a reading for that was under way", () => {
  const life = new Life();
  life.see(1, ticketReading());
  life.run(20, {}, "h1");
  const green = { checks: [check("test", "success")] };
  life.see(25, pullReading("h1", green, 25));
  life.see(30.2, { kind: "checks_hinted", at: T0 + 30_000, sha: "h1" });
  const approval = review("approved", "h1", 30, "r1");
  const told = life.see(30.4, { kind: "review_changed", at: T0 + 30_000, number: 7, review: approval });
  expect(told).toContain("read_pull_request");
  life.see(30.6, pullReading("h1", { ...green, askedAt: T0 + 30_300 }, 31));
  expect(life.facts.pullRequest?.hint?.about).toEqual(["a review", "checks"]);
  life.see(30.9, pullReading("h1", { ...green, reviews: [approval], askedAt: T0 + 30_700 }, 31));
  expect(life.decision?.rule).toBe("merge");
});

test("news that a slow reading may have missed is read again", () => {
  const life = new Life();
  life.see(1, ticketReading());
  life.run(20, {}, "h1");
  const green = { checks: [check("test", "success")] };
  // Asked for at 29.5, answered at 31: whether GitHub looked before or after the review, nobody knows.
  life.see(31.1, pullReading("h1", { ...green, askedAt: T0 + 29_500 }, 31));
  const approval = review("approved", "h1", 30, "r1");
  const told = life.see(31.2, { kind: "review_changed", at: T0 + 30_000, number: 7, review: approval });
  expect(told).toContain("read_pull_request");
});

test("a closing that a reading may have missed is read again, whatever else was heard in between", () => {
  const life = new Life();
  life.see(1, ticketReading());
  life.run(20, {}, "h1");
  const green = { checks: [check("test", "success")] };
  const first = pullReading("h1", { ...green, askedAt: T0 + 30_100 }, 31);
  if (first.kind !== "pull_request_read") throw new Error("not a reading");
  life.see(30.5, { kind: "checks_hinted", at: T0 + 30_000, sha: "h1" });
  life.see(30.9, first);
  const { number, url, node, repositoryId } = first;
  const core = { ...first.core, state: "closed", closedAt: T0 + 30_000 } as const;
  const by = { kind: "person", id: "1", name: null, association: null, permission: null } as const;
  const pullRequest = { number, url, node, repositoryId, core };
  life.see(31.2, { kind: "pull_request_changed", at: T0 + 30_000, by, pullRequest });
  life.see(31.3, pullReading("h1", { ...green, askedAt: T0 + 30_800 }, 31));
  expect(life.facts.pullRequest?.hint?.heardAt).toBe(T0 + 31_200);
  life.see(31.5, pullReading("h1", { ...green, core, askedAt: T0 + 31_300 }, 31));
  expect(life.facts.pullRequest?.hint).toBeNull();
  expect(life.decision?.state).toBe("failed");
});

test("when the newest reading was asked for is known, also after our clock was set back", () => {
  const life = new Life();
  life.see(1, ticketReading());
  life.run(20, {}, "h1");
  life.see(25, pullReading("h1", { askedAt: T0 + 7_200_000 }, 25));
  life.see(40, pullReading("h1", { askedAt: T0 + 40_000 }, 41));
  expect(life.facts.pullRequest?.readAskedAt).toBe(T0 + 40_000);
  // The forge tells whole seconds: of two readings of one second the one that was asked for later counts.
  life.see(41, pullReading("h1", { askedAt: T0 + 39_900 }, 41));
  expect(life.facts.pullRequest?.readAskedAt).toBe(T0 + 40_000);
});

test("what is stored has every field from the beginning: none comes or goes as more is learned", () => {
  const life = new Life();
  const fields = (part: object | null): readonly string[] => Object.keys(part ?? {}).toSorted();
  const before = [fields(life.facts), fields(life.facts.ticket)];
  life.see(1, ticketReading());
  life.see(2, { kind: "ticket_changed", at: T0 + 2_000, ticket: { status: DONE, ownEnd: T0 + 2_000 } });
  expect(life.facts.ticket.ownEnd).toBe(T0 + 2_000);
  life.see(3, { kind: "ticket_changed", at: T0 + 3_000, ticket: { status: { ...DONE, endedAt: null } } });
  expect(life.facts.ticket.ownEnd).toBeNull();
  life.run(20, {}, "h1");
  const news = { number: 7, url: "u", node: null, repositoryId: null };
  life.see(24, {
    kind: "pull_request_changed",
    at: T0 + 24_000,
    by: ANN,
    pullRequest: { ...news, core: core("h1") },
  });
  const opened = fields(life.facts.pullRequest);
  const reading = { autoMerge: true, autoMergeOurs: true, checksCut: true, askedAt: T0 + 25_000 };
  life.see(25, pullReading("h1", reading, 25));
  expect(life.facts.pullRequest).toMatchObject({ autoMergeOurs: true, readAskedAt: T0 + 25_000 });
  expect(life.facts.pullRequest?.heads["h1"]?.cut).toBe(true);
  life.see(26, pullReading("h1", {}, 26));
  expect(life.facts.pullRequest?.autoMergeOurs).toBe(false);
  expect(life.facts.pullRequest?.heads["h1"]?.cut).toBe(false);
  expect(fields(life.facts.pullRequest)).toEqual(opened);
  expect([fields(life.facts), fields(life.facts.ticket)]).toEqual(before);
});

test("a merge that was asked for within the second in which the queue sent the pull request away is over", () => {
  const life = new Life();
  life.see(1, ticketReading());
  life.run(20, {}, "h1");
  const green = {
    hasQueue: true,
    checks: [check("test", "success")],
    reviews: [review("approved", "h1", 29, "r1")],
  };
  life.see(30, pullReading("h1", green, 30));
  const asked = { ok: true, detail: "added to the merge queue", because: null } as const;
  life.see(40.6, { kind: "effect_settled", at: T0 + 40_600, effect: mergeOf(life), ...asked });
  const away = (reason: "manual" | "other") => ({
    at: T0 + 40_000,
    reason,
    ours: false,
    group: null,
    head: "h1",
  });
  const told = life.see(41, pullReading("h1", { ...green, ejections: [away("manual")] }, 41));
  expect(told).toContain("awaiting_input dequeued_by_person");
  expect(life.see(42, pullReading("h1", { ...green, ejections: [away("other")] }, 42))).toContain(
    "awaiting_queue merge → merge",
  );
});

test("what is written first to the tracker is the acknowledgement, whichever webhook was first", () => {
  const life = new Life();
  const reading = ticketReading();
  const ticket = reading.kind === "ticket_read" ? { core: reading.core, status: reading.status } : {};
  life.see(1, { kind: "delegated", at: T0, by: ANN }, { kind: "ticket_changed", at: T0, ticket });
  // The tracker cannot be read just now.
  life.see(70, { kind: "time_passed", at: T0 + 70_000, reason: "the issue to be read" });
  life.see(72, { kind: "run_started", at: T0 + 72_000, run: 1, fence: 1 });
  life.see(73, reading);
  const written = life.effects.filter(({ kind }) => kind === "tell" || kind === "set_status");
  expect(written.map(({ key }) => key.replace(ISSUE, "…"))).toMatchInlineSnapshot(`
    [
      "tell:…:ack:session-1",
      "tell:…:run:1:started",
      "status:…:started:0",
    ]
  `);
});

test("where there is no CI, a review long after the push does not restart the wait for checks", () => {
  const life = new Life();
  life.see(1, ticketReading());
  life.run(20, {}, "h1");
  const none = { required: [] };
  expect(life.see(25, pullReading("h1", none, 25))).toContain("pr_open ci_pending");
  expect(life.see(200, { kind: "time_passed", at: T0 + 200_000, reason: "checks" })).toContain(
    "awaiting_review unapproved",
  );
  const approved = { ...none, reviews: [review("approved", "h1", 300, "r1")] };
  expect(life.see(300, pullReading("h1", approved, 300))).toContain("awaiting_queue merge");
});

test("a delegation that the tracker no longer shows has ended, though it does not remember how", () => {
  const put = { granted: true, at: T0 + 1_000, cause: "delegated", by: ANN, session: null } as const;
  const on = ticketReading({ authorities: [put], delegation: { granted: true, by: ANN } }, 1);
  const off = ticketReading({ authorities: [], delegation: { granted: false, by: REV } }, 60);
  const again = ticketReading({ authorities: [put], delegation: { granted: true, by: ANN } }, 90);
  const delegation = (...seen: Parameters<Life["see"]>[1][]) => {
    const life = new Life();
    seen.forEach((one, index) => life.see(index + 1, one));
    return life.facts.delegation;
  };
  expect(delegation(on)).toMatchObject({ at: T0 + 1_000, value: { granted: true } });
  expect(delegation(on, off)).toMatchObject({ at: T0 + 60_000, value: { granted: false, by: REV } });
  // Whatever order they come in, and a stale copy is no news.
  expect(delegation(off, on)).toMatchObject({ at: T0 + 60_000, value: { granted: false } });
  expect(delegation(on, off, on)).toMatchObject({ at: T0 + 60_000, value: { granted: false } });
  expect(delegation(on, off, again)).toMatchObject({ at: T0 + 90_000, value: { granted: true } });
  // It stands since then, not since each reading that shows it.
  const later = ticketReading({ authorities: [put], delegation: { granted: true, by: ANN } }, 120);
  expect(delegation(on, off, again, later)).toMatchObject({ at: T0 + 90_000 });
  // Without a delegation there is none to end: whoever was only asked in words works on.
  expect(delegation(off)).toBeNull();
});
