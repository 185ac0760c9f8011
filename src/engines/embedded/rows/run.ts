import { runId } from "../../../factory/facts/ids.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Facts } from "../../../factory/facts/facts.ts";
import { NOTHING_SPENT, type Run } from "../../../factory/facts/run.ts";
import { iso } from "../../../lib/clock.ts";
import { dayOf } from "./tally.ts";
import type { RunEventDocument } from "../../documents.ts";
import type { Store } from "../database/store.ts";

export interface RunRow {
  readonly seq: number;
  readonly id: string;
  readonly issue: IssueId;
  readonly number: number;
  readonly project: string | null;
  readonly type: string;
  readonly state: "queued" | "running" | "ended";
  readonly fence: number;
  readonly outcome: string | null;
  readonly failure_class: string | null;
  readonly queued_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
  readonly head_before: string | null;
  readonly head_after: string | null;
  readonly thread: string | null;
  readonly turn: string | null;
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  readonly usd: number | null;
  readonly why: string | null;
  readonly progress: string;
}

export interface RunEventRow {
  readonly seq: number;
  readonly run: string;
  readonly at: number;
  readonly kind: string;
  readonly text: string;
}

/** Lines kept of one run's log; the oldest go first. */
export const RUN_EVENTS_KEPT = 2_000;

/** The rows of `runs`, their log, and what people said to them. */
export type Runs = ReturnType<typeof runRows>;

export function runRows({ db }: Pick<Store, "db">, nextSeq: () => number) {
  const upsert = db.prepare<[Record<string, unknown>]>(
    `INSERT INTO runs (id, issue, number, project, type, state, fence, outcome, failure_class, queued_at, started_at,
       ended_at, head_before, head_after, thread, turn, input, cached, output, usd, why)
     VALUES (@id, @issue, @number, @project, @type, @state, @fence, @outcome, @failure_class, @queued_at, @started_at,
       @ended_at, @head_before, @head_after, @thread, @turn, @input, @cached, @output, @usd, @why)
     ON CONFLICT (id) DO UPDATE SET state = excluded.state, outcome = excluded.outcome,
       failure_class = excluded.failure_class, started_at = excluded.started_at, ended_at = excluded.ended_at,
       head_before = excluded.head_before, head_after = excluded.head_after, thread = excluded.thread,
       turn = excluded.turn, input = excluded.input, cached = excluded.cached, output = excluded.output,
       usd = excluded.usd, why = excluded.why`,
  );
  const spend = db.prepare(
    `INSERT INTO spending (day, runs, tokens, usd) VALUES (?, ?, ?, ?)
     ON CONFLICT (day) DO UPDATE SET runs = runs + excluded.runs, tokens = tokens + excluded.tokens,
       usd = usd + excluded.usd`,
  );
  const handle = db.prepare<[], RunRow>("SELECT * FROM runs WHERE state = 'running' ORDER BY project, issue");
  const progress = db.prepare<[string], string>("SELECT progress FROM runs WHERE id = ?").pluck();
  const saveProgress = db.prepare<[string, string]>("UPDATE runs SET progress = ? WHERE id = ?");
  const addEvent = db.prepare<[RunEventRow]>(
    "INSERT INTO run_events (seq, run, at, kind, text) VALUES (@seq, @run, @at, @kind, @text)",
  );
  const trim = db.prepare<[string, string, number]>(
    `DELETE FROM run_events WHERE run = ? AND seq <= coalesce(
       (SELECT seq FROM run_events WHERE run = ? ORDER BY seq DESC LIMIT 1 OFFSET ?), -1)`,
  );
  const addSteer = db.prepare<[string, string, string]>(
    "INSERT OR IGNORE INTO steers (run, prompt, text) VALUES (?, ?, ?)",
  );
  const takeSteers = db.prepare<[string], { id: number; prompt: string; text: string }>(
    "UPDATE steers SET taken = 1 WHERE run = ? AND taken = 0 RETURNING id, prompt, text",
  );
  const offerAgain = db.prepare<[string, string]>(
    "UPDATE steers SET taken = 0 WHERE run = ? AND taken = 1 AND prompt NOT IN (SELECT value FROM json_each(?))",
  );
  const dropSteers = db.prepare<[string]>("DELETE FROM steers WHERE run = ?");
  const anySteer = db
    .prepare<[string], number>("SELECT 1 FROM steers WHERE run = ? AND taken = 0 LIMIT 1")
    .pluck();

  return {
    /** Mirrors what the advance changed about runs. Returns the numbers of those that ended in it. */
    mirror(before: Facts | null, after: Facts, now: number): readonly number[] {
      const ended: number[] = [];
      for (const [index, run] of after.runs.entries()) {
        const old = before?.runs[index];
        if (old !== undefined && (old === run || JSON.stringify(old) === JSON.stringify(run))) continue;
        upsert.run(rowOf(after, run));
        if (run.state === "ended" && old?.state !== "ended") {
          ended.push(run.number);
          // What reached the agent is in the facts; nobody is left to hand the rest to.
          dropSteers.run(runId(after.id, run.number));
        }
        recordSpending(old, run, now);
      }
      return ended;
    },
    running: () => handle.all(),
    progress(id: string): Readonly<Record<string, unknown>> {
      return JSON.parse(progress.get(id) ?? "{}") as Record<string, unknown>;
    },
    saveProgress(id: string, whole: Readonly<Record<string, unknown>>): void {
      saveProgress.run(JSON.stringify(whole), id);
    },
    addEvents(
      run: string,
      events: readonly { readonly at: number; readonly kind: string; readonly text: string }[],
    ): readonly RunEventRow[] {
      const rows = events.map((event) => ({ seq: nextSeq(), run, ...event }));
      for (const row of rows) addEvent.run(row);
      trim.run(run, run, RUN_EVENTS_KEPT);
      return rows;
    },
    addSteer(run: string, prompt: string, text: string): void {
      addSteer.run(run, prompt, text);
    },
    /** What people said and nobody has taken yet, in order; it is taken with this. */
    takeSteers(run: string): readonly { readonly prompt: string; readonly text: string }[] {
      return takeSteers
        .all(run)
        .toSorted((a, b) => a.id - b.id)
        .map(({ prompt, text }) => ({ prompt, text }));
    },
    /** After a restart: what was taken but, as far as the facts know, never reached the agent. */
    offerAgain(run: string, delivered: readonly string[]): void {
      offerAgain.run(run, JSON.stringify(delivered));
    },
    anySteer: (run: string) => anySteer.get(run) !== undefined,
  };

  function recordSpending(old: Run | undefined, run: Run, now: number): void {
    const before = old?.spent ?? NOTHING_SPENT;
    const tokens = run.spent.input + run.spent.output - before.input - before.output;
    const usd = (run.spent.usd ?? 0) - (before.usd ?? 0);
    const begun = run.startedAt !== null && (old === undefined || old.startedAt === null) ? 1 : 0;
    if (tokens !== 0 || usd !== 0 || begun !== 0) spend.run(dayOf(now), begun, tokens, usd);
  }
}

/** A line of a run's log as people read it. */
export function runEventDocument(row: RunEventRow): RunEventDocument {
  return { seq: row.seq, run: row.run, at: iso(row.at), kind: row.kind, text: row.text };
}

function rowOf(facts: Facts, run: Run): Record<string, unknown> {
  return {
    id: runId(facts.id, run.number),
    issue: facts.id,
    number: run.number,
    project: facts.project?.id ?? null,
    type: run.type,
    state: run.state,
    fence: run.fence,
    outcome: run.end?.outcome ?? null,
    failure_class: run.end?.failureClass ?? null,
    queued_at: run.queuedAt,
    started_at: run.startedAt,
    ended_at: run.endedAt,
    head_before: run.headBefore,
    head_after: run.headAfter,
    thread: run.thread,
    turn: run.turn,
    input: run.spent.input,
    cached: run.spent.cached,
    output: run.spent.output,
    usd: run.spent.usd,
    why: run.end?.summary ?? run.stop?.reason ?? null,
  };
}
