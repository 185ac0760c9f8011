import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { turn as factoryTurn } from "../../factory/turn.ts";
import { messageOf } from "../../lib/assert.ts";
import { delay } from "../../lib/clock.ts";
import { reach } from "../../lib/failpoints.ts";
import type { Engine, EngineParts } from "../engine.ts";
import { assertDurable, examine, openWriter } from "./database/connection.ts";
import { deliveryRows } from "./rows/delivery.ts";
import { createDiscoveryLoop } from "./loops/discovery.ts";
import { createHealth } from "./views/health.ts";
import { createInboxLoop } from "./loops/delivery-worker.ts";
import { createIntake, diskLow } from "./intake.ts";
import { issueRows } from "./rows/issue.ts";
import { createSequence, journalRows } from "./rows/journal.ts";
import { takeLock } from "./database/lock.ts";
import { createLookup } from "./rows/lookup.ts";
import { createLoop } from "./loops/loop.ts";
import { createMeta } from "./database/meta.ts";
import { migrate, packagedMigrations, refuseNewer } from "./database/migrate.ts";
import { observationRows, TURN } from "./rows/observation.ts";
import { createObserve } from "./observe.ts";
import { outboxRows } from "./rows/outbox.ts";
import { createPerformingLoop } from "./loops/effect-worker.ts";
import { createPipelines } from "./loops/run-worker.ts";
import { createPress } from "./loops/burst-throttle.ts";
import { createRetentionLoop, keepings } from "./loops/retention.ts";
import { runRows } from "./rows/run.ts";
import { createSetBackLoop } from "./loops/clock-rollback.ts";
import { createStore } from "./database/store.ts";
import type { Store } from "./database/store.ts";
import { createStream } from "./views/stream.ts";
import { createSweepLoop, tickMs } from "./loops/sweep.ts";
import { createTimerLoop, timerRows } from "./loops/timers.ts";
import { createTurns } from "./turns.ts";
import type { Turn } from "./turns.ts";
import { createViews } from "./views/views.ts";
import type { KeptSettings } from "./views/views.ts";

export interface EmbeddedOptions {
  /** The database; its folder is made with mode 0700 when it is missing. */
  readonly file: string;
  readonly lockFile: string;
  readonly parts: EngineParts;
  /** This process, for the message of a second one. */
  readonly pid: number;
  /** The factory; another one only in tests of the engine itself. */
  readonly turn?: Turn;
  /** The database grows to at most this many pages of 8 KiB; null = no limit of ours. */
  readonly maxPages?: number | null;
}

const PROBE_EVERY_MS = 5_000;

/**
 * Opens the engine on SQLite: takes the folder's lock, judges and migrates the database. Throws
 * AlreadyRunning, DatabaseDamaged, DatabaseNewer; then nothing is left open and nothing was changed.
 */
export function openEmbeddedEngine(options: EmbeddedOptions): Engine {
  const { file, parts, pid } = options;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const lock = takeLock(options.lockFile, { pid, at: parts.clock.now() });
  try {
    const store = openStore(options);
    try {
      return assemble(options, store, () => {
        store.close();
        lock.release();
      });
    } catch (error) {
      store.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openStore({ file, parts, maxPages }: EmbeddedOptions): Store {
  const migrations = packagedMigrations();
  examine(file, (db) => refuseNewer(db, file, migrations));
  const db = openWriter(file, maxPages ?? null);
  try {
    const taken = migrate(db, file, migrations, parts.clock.now());
    if (taken.length > 0) parts.log.info("the database was brought forward", { steps: taken.join(", ") });
    const store = createStore(db);
    const { slots } = parts.settings;
    const kept: KeptSettings = { slots, policy: parts.policy };
    store.write(() => createMeta(store).set("settings", JSON.stringify(kept)));
    assertDurable(db);
    return store;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Wires the parts to each other; they find one another only through what is passed here. */
function assemble(options: EmbeddedOptions, store: Store, close: () => void): Engine {
  const { parts: engine, file } = options;
  const { clock, log, settings } = engine;
  const minFree = settings.storage.minFreeBytes;
  const nextSeq = createSequence(store);
  const stream = createStream(store, log);
  const deliveries = deliveryRows(store);
  const observations = observationRows(store);
  const outbox = outboxRows(store);
  const runs = runRows(store, nextSeq);
  const meta = createMeta(store);
  const timers = timerRows(store, () => timerLoop.wake());
  const turns = createTurns({
    store,
    issues: issueRows(store),
    journal: journalRows(store, nextSeq),
    outbox,
    runs,
    timers,
    observations,
    stream,
    turn: options.turn ?? factoryTurn,
    engine,
    committed(issue, facts) {
      pipelines.committed(issue, facts);
      performing.wake();
      pipelines.wake();
    },
  });
  const pipelines = createPipelines({ store, outbox, runs, turns, stream, engine });
  const performing = createPerformingLoop({ store, outbox, turns, pipelines, engine });
  const press = createPress(clock);
  const inbox = createInboxLoop({
    store,
    deliveries,
    observations,
    turns,
    lookup: createLookup(store),
    press,
    engine,
  });
  const timerLoop = createTimerLoop({ store, timers, turns, clock, log });
  const added = (): void => performing.wake();
  const sweep = createSweepLoop({ store, outbox, engine, added });
  const discovery = createDiscoveryLoop({ store, outbox, meta, engine, added });
  const retention = createRetentionLoop(keepings(store, settings.storage), clock, log);
  const setBack = createSetBackLoop({
    store,
    engine,
    changed() {
      inbox.wake();
      performing.wake();
      sweep.wake();
    },
  });
  // After a failed commit nobody may come any more to find out that the disk has recovered.
  const probe = createLoop({
    name: "database probe",
    clock,
    log,
    round() {
      if (store.fault() !== null) store.write(() => meta.set("probed_at", String(clock.now())));
      return PROBE_EVERY_MS;
    },
  });
  const intake = createIntake({
    store,
    deliveries,
    clock,
    log,
    diskLow: () => diskLow(file, minFree),
    arrived(count) {
      press.came(count);
      inbox.wake();
    },
  });
  const views = createViews(
    store,
    () => clock.now(),
    { queue: () => pipelines.queue(), slotsUsed: () => pipelines.used().length },
    () => undefined,
  );
  const loops = [inbox, timerLoop, performing, pipelines, sweep, discovery, retention, probe, setBack];
  let life: "new" | "running" | "stopped" = "new";

  const recover = (): void => {
    reach("recover.start");
    store.write(() => {
      for (const row of outbox.doing()) {
        if (row.class !== "start") outbox.postpone(row, row.attempts, row.next_at, row.error);
      }
      reach("recover.mid");
    });
    pipelines.resume();
    reach("recover.done");
  };

  return {
    async start() {
      if (life !== "new") throw new Error(`the engine is ${life}; open another one`);
      life = "running";
      recover();
      for (const loop of loops) loop.start();
    },
    async stop(graceMs) {
      if (life === "stopped") return;
      life = "stopped";
      reach("shutdown.draining");
      intake.close();
      discovery.interrupt();
      const ended = Promise.all([
        pipelines.interrupt(),
        performing.interrupt(),
        ...loops.map((loop) => loop.stop()),
      ]);
      const late = new AbortController();
      await Promise.race([ended, delay(clock, graceMs, late.signal).catch(() => undefined)]);
      late.abort(new Error("stopped in time"));
      try {
        store.db.pragma("wal_checkpoint(TRUNCATE)");
        reach("checkpoint.mid");
      } catch (error) {
        log.warn("the log could not be folded in at the end; the next start does it", {
          why: messageOf(error),
        });
      }
      close();
      reach("shutdown.drained");
    },
    accept: (delivery) => intake.accept(delivery),
    observe: createObserve({ store, turns, observations, clock, log }),
    facts: (issue) => turns.facts(issue),
    async replay(source, deliveryId) {
      if (source === TURN) {
        const parked = observations.parked(deliveryId);
        const put = parked !== undefined && store.write(() => observations.again(parked.id));
        inbox.wake();
        return put;
      }
      const row = deliveries.one(source, deliveryId);
      if (row === undefined) return false;
      store.write(() => deliveries.again(row.seq));
      inbox.wake();
      return true;
    },
    async retryEffect(id) {
      const row = /^\d{1,15}$/.test(id) ? outbox.one(Number(id)) : undefined;
      if (row === undefined || (row.state !== "failed" && row.state !== "dropped")) return false;
      store.write(() => outbox.again(row));
      performing.wake();
      pipelines.wake();
      return true;
    },
    views,
    health: createHealth({
      store,
      deliveries,
      observations,
      outbox,
      views,
      clock,
      diskLow: () => diskLow(file, minFree),
      lastSweep: () => sweep.lastRound(),
      sweepEveryMs: tickMs(settings.sweep.activeMs),
      mismatches: () => intake.mismatches(),
      slots: () => ({ total: settings.slots, used: pipelines.used().length }),
    }),
    subscribe: (listen) => stream.subscribe(listen),
    breakdown: store.breaking,
  };
}
