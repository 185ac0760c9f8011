import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { migrate, packagedMigrations } from "../../src/engines/embedded/database/migrate.ts";
import { Sqlite } from "../../src/engines/embedded/database/sqlite.ts";
import { outboxRows } from "../../src/engines/embedded/rows/outbox.ts";
import type { Outbox, OutboxRow } from "../../src/engines/embedded/rows/outbox.ts";
import { classOf, WORK_CLASSES } from "../../src/engines/policy/effects.ts";
import type { EffectClass } from "../../src/engines/policy/effects.ts";
import { byDue, byPlace, mayGo } from "../../src/engines/policy/order.ts";
import { EFFECTS } from "../../src/factory/effects/effect.ts";
import type { Effect, EffectKind, EffectTrait } from "../../src/factory/effects/effect.ts";
import { issueOf } from "./parts.ts";

describe("the order of a lane", () => {
  // lane | open effects, oldest first: id of its class (t tracker, k acknowledgement, w work, c control), * = under way | which may go
  const TABLE = `
    tracker | 1t 2t 3t     | 1
    tracker | 1t* 2t 3t    |
    tracker | 1t 2t* 3t    |
    tracker | 2t 1t        | 1
    tracker | 1t 2k 3t     | 2
    tracker | 1t 2k* 3t    |
    tracker | 1t* 2k 3k    | 2 3
    tracker | 1k* 2k       | 2
    forge   | 1w 2w        | 1
    control | 1c 2c* 3c    | 1 3
    tracker |              |
  `;
  const CLASSES: Readonly<Record<string, EffectClass>> = {
    t: "tracker",
    k: "acknowledgement",
    w: "work",
    c: "control",
  };
  const cases = TABLE.split("\n")
    .filter((line) => line.includes("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()) as [string, string, string]);
  const words = (text: string): readonly string[] => text.split(" ").filter((word) => word !== "");

  test.each(cases)("%s: of %s may go: %s", (lane, open, then) => {
    const effects = words(open).map((word) => ({
      id: Number.parseInt(word, 10),
      class: CLASSES[/[a-z]/.exec(word)?.[0] ?? ""] ?? expect.fail(word),
      underWay: word.endsWith("*"),
    }));
    expect(mayGo(lane as EffectTrait["lane"], effects)).toEqual(words(then).map(Number));
  });
});

/** A row as the policy sees it; kept beside the database's and changed by the same acts. */
interface ModelRow {
  readonly id: number;
  readonly issue: string;
  readonly kind: EffectKind;
  readonly run: number | null;
  readonly class: EffectClass;
  readonly priority: number;
  state: OutboxRow["state"];
  nextAt: number;
}

const KINDS: readonly (readonly [EffectKind, boolean])[] = [
  ["tell", false],
  ["tell", false],
  ["tell", true],
  ["show_plan", false],
  ["link", false],
  ["merge", false],
  ["comment", false],
  ["read_ticket", false],
  ["start_run", false],
  ["start_run", false],
  ["start_run", false],
  ["remove_worktree", false],
  ["steer_run", false],
  ["stop_run", false],
];
const MOST = 1_000;

const nat = fc.nat(40);
const act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant("add" as const), kind: nat, issue: nat, place: nat }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("claim" as const), which: nat }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      which: nat,
      to: fc.constantFrom("done", "failed", "dropped"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("postpone" as const), which: nat, by: nat }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("again" as const), which: nat }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("endRun" as const), which: nat }) },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** The embedded outbox, and what the policy says of the same effects. */
class Pair {
  readonly model: ModelRow[] = [];
  private readonly db = new Sqlite(":memory:");
  private readonly outbox: Outbox;

  constructor() {
    migrate(this.db, ":memory:", packagedMigrations(), 0);
    this.outbox = outboxRows({ db: this.db });
  }

  close(): void {
    this.db.close();
  }

  play(next: Act): void {
    const open = this.model.filter(isOpen);
    const chosen = <T>(rows: readonly T[], which: number): T | undefined => rows[which % rows.length];
    switch (next.do) {
      case "add":
        this.add(next);
        return;
      case "claim": {
        const row = chosen(this.mayGo(), next.which);
        if (row === undefined) return;
        this.outbox.claim(this.rowOf(row));
        row.state = "doing";
        return;
      }
      case "settle": {
        const row = chosen(open, next.which);
        if (row === undefined) return;
        this.outbox.settle(this.rowOf(row), next.to, null, 1);
        row.state = next.to;
        return;
      }
      case "postpone": {
        const row = chosen(open, next.which);
        if (row === undefined) return;
        this.outbox.postpone(this.rowOf(row), 1, next.by, null);
        Object.assign(row, { state: "pending", nextAt: next.by });
        return;
      }
      case "again": {
        // A person may ask for it again; of a kind that coalesces the newest speaks for all.
        const over = this.model.filter((row) => !isOpen(row) && !EFFECTS[row.kind].coalesce);
        const row = chosen(over, next.which);
        if (row === undefined) return;
        this.outbox.again(this.rowOf(row));
        Object.assign(row, { state: "pending", nextAt: 0 });
        return;
      }
      case "endRun": {
        const row = chosen(open, next.which);
        if (row?.run == null || !isOfRun(row.kind)) return;
        this.outbox.settleRun(issueOf(row.issue), row.run, row.kind, 1);
        for (const each of open.filter((other) => isSameRun(row, other)))
          each.state = each.state === "doing" ? "done" : "dropped";
        return;
      }
    }
  }

  private add({ kind: which, issue: of, place }: Extract<Act, { do: "add" }>): void {
    const [kind, acknowledges] = KINDS[which % KINDS.length] ?? expect.fail("no kind");
    const id = this.model.length + 1;
    const issue = `issue-${of % 3}`;
    const run = isOfRun(kind) ? (place % 3) + 1 : null;
    const effect = {
      kind,
      key: `k${id}`,
      issue: issueOf(issue),
      acknowledges,
      ...(run === null ? {} : { run }),
    };
    const whole = effect as unknown as Effect;
    const priority = kind === "start_run" ? place % 3 : 0;
    this.outbox.add(whole, { priority, project: null }, 1);
    const row: ModelRow = {
      id,
      issue,
      kind,
      run,
      class: classOf(whole),
      priority,
      state: "pending",
      nextAt: 0,
    };
    if (EFFECTS[kind].coalesce) {
      for (const older of this.model.filter((other) => isSameKind(row, other) && other.state === "pending")) {
        older.state = "dropped";
        row.nextAt = older.nextAt;
      }
    }
    this.model.push(row);
  }

  private mayGo(): readonly ModelRow[] {
    const open = this.model.filter(isOpen);
    return open.filter((row) => {
      const { lane } = EFFECTS[row.kind];
      const beside = open.filter((other) => other.issue === row.issue && EFFECTS[other.kind].lane === lane);
      const seen = beside.map(({ id, class: kind, state }) => ({
        id,
        class: kind,
        underWay: state === "doing",
      }));
      return mayGo(lane, seen).includes(row.id);
    });
  }

  private rowOf({ id }: ModelRow): OutboxRow {
    return this.outbox.one(id) ?? expect.fail(`row ${id} is gone`);
  }

  /** What may go, and in which order, as the policy has it and as the database gives it; equal, or one of them is wrong. */
  compare(now: number): void {
    const ready = this.mayGo();
    const ids = (rows: readonly { readonly id: number }[]): readonly number[] => rows.map(({ id }) => id);
    for (const kind of WORK_CLASSES) {
      const due = ready.filter((row) => row.class === kind).toSorted(byDue);
      expect(ids(this.outbox.due(kind, now, MOST)), kind).toEqual(
        ids(due.filter(({ nextAt }) => nextAt <= now)),
      );
      expect(this.outbox.nextAt(kind), kind).toBe(due[0]?.nextAt ?? null);
    }
    const starts = ready.filter((row) => row.class === "start").toSorted(byPlace);
    expect(ids(this.outbox.queue(MOST)), "runs").toEqual(ids(starts));
  }
}

function isOpen({ state }: ModelRow): boolean {
  return state === "pending" || state === "doing";
}

function isOfRun(kind: EffectKind): kind is "start_run" | "steer_run" | "stop_run" {
  return kind === "start_run" || kind === "steer_run" || kind === "stop_run";
}

function isSameKind(a: ModelRow, b: ModelRow): boolean {
  return a.issue === b.issue && a.kind === b.kind;
}

function isSameRun(a: ModelRow, b: ModelRow): boolean {
  return isSameKind(a, b) && a.run === b.run;
}

test("the embedded outbox lets go what the policy lets go, in its order, whatever was added, tried and settled", () => {
  fc.assert(
    fc.property(fc.array(act, { minLength: 1, maxLength: 60 }), nat, (acts, now) => {
      const pair = new Pair();
      try {
        for (const next of acts) {
          pair.play(next);
          pair.compare(now);
        }
      } finally {
        pair.close();
      }
    }),
    { seed: 20_260_105, numRuns: 150 },
  );
});
