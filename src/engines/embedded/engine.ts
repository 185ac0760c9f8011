import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { advance as factoryAdvance } from "../../factory/advance.ts";
import { messageOf } from "../../lib/assert.ts";
import { delay } from "../../lib/clock.ts";
import { failpoint } from "../../lib/failpoints.ts";
import { OBSERVATIONS } from "../engine.ts";
import type { Engine, EngineParts } from "../engine.ts";
import { assertDurable, examine, openWriter } from "./database/connection.ts";
import { deliveryRows } from "./rows/delivery.ts";
import { createDiscoveryLoop } from "./loops/discovery.ts";
import { createHealth } from "./views/health.ts";
import { createDeliveryWorker } from "./loops/delivery-worker.ts";
import { createIntake, diskLow } from "./intake.ts";
import { issueRows } from "./rows/issue.ts";
import { createSequence, journalRows } from "./rows/journal.ts";
import { takeLock } from "./database/lock.ts";
import { createLookup } from "./rows/lookup.ts";
import { createLoop } from "./loops/loop.ts";
import { createMeta } from "./database/meta.ts";
import { migrate, packagedMigrations, refuseOthers } from "./database/migrate.ts";
import { observationRows } from "./rows/observation.ts";
import { createRecord } from "./record.ts";
import { outboxRows } from "./rows/outbox.ts";
import { createEffectWorker } from "./loops/effect-worker.ts";
import { createRunWorker } from "./loops/run-worker.ts";
import { createBurstThrottle } from "./loops/burst-throttle.ts";
import { createRetentionLoop, keepings } from "./loops/retention.ts";
import { runRows } from "./rows/run.ts";
import { vaultRows } from "./rows/vault.ts";
import { dayOf, tallyRows } from "./rows/tally.ts";
import { createClockRollback } from "./loops/clock-rollback.ts";
import { sizeOf } from "./database/damage.ts";
import { watchFiles } from "./database/files.ts";
import { createStore, durably } from "./database/store.ts";
import type { Store } from "./database/store.ts";
import { createStream } from "./views/stream.ts";
import { createSweepLoop } from "./loops/sweep.ts";
import { afterKilled, mayRetry } from "../policy/effects.ts";
import { tickMs } from "../policy/sweep.ts";
import { createTimerLoop } from "./loops/timers.ts";
import { timerRows } from "./rows/timer.ts";
import { createAdvances } from "./advance.ts";
import type { AdvanceIssue } from "./advance.ts";
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
  readonly advance?: AdvanceIssue;
  /** The database grows to at most this many pages of 8 KiB; null = no limit of ours. */
  readonly maxPages?: number | null;
}

const PROBE_EVERY_MS = 5_000;
const SPENT_KEPT_MS = 5_000;

/**
 * Opens the engine on SQLite: takes the folder's lock, judges and migrates the database. Throws
 * AlreadyRunning, DatabaseDamaged, DatabaseNewer, DatabaseForeign; then nothing is left open and nothing was changed.
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

function openStore({ file, lockFile, parts, maxPages }: EmbeddedOptions): Store {
  const migrations = packagedMigrations();
  examine(file, (db) => refuseOthers(db, file, migrations));
  const isNew = sizeOf(file) === 0;
  const db = openWriter(file, maxPages ?? null);
  try {
    const taken = migrate(db, file, migrations, parts.clock.now());
    // Who expected another one, on a disk that is not mounted say, has to find this line.
    if (isNew) parts.log.info("no database found; created a new one", { file });
    else if (taken.length > 0) parts.log.info("database migrated", { steps: taken.join(", ") });
    const store = createStore(db, watchFiles(file, lockFile));
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
  const tallies = tallyRows(store);
  let spent = { at: -Infinity, usd: 0 };
  // Asked for in every advance; a reading some seconds old is near enough to a daily limit.
  const usdToday = (): number => {
    if (clock.monotonic() - spent.at > SPENT_KEPT_MS)
      spent = { at: clock.monotonic(), usd: tallies.spent(dayOf(clock.now())).usd };
    return spent.usd;
  };
  const timers = timerRows(store, () => timerLoop.wake());
  const advances = createAdvances({
    store,
    issues: issueRows(store),
    journal: journalRows(store, nextSeq),
    outbox,
    runs,
    timers,
    observations,
    stream,
    advance: options.advance ?? factoryAdvance,
    engine,
    usdToday,
    committed(issue, facts) {
      runWorker.committed(issue, facts);
      effectWorker.wake();
      runWorker.wake();
    },
  });
  const runWorker = createRunWorker({ store, outbox, runs, advances: advances, stream, engine });
  const effectWorker = createEffectWorker({
    store,
    outbox,
    advances: advances,
    runWorker: runWorker,
    engine,
  });
  const throttle = createBurstThrottle(clock);
  const deliveryWorker = createDeliveryWorker({
    store,
    deliveries,
    observations,
    advances: advances,
    lookup: createLookup(store),
    throttle: throttle,
    engine,
  });
  const timerLoop = createTimerLoop({ store, timers, advances: advances, clock, log });
  const added = (): void => effectWorker.wake();
  const sweep = createSweepLoop({ store, outbox, engine, added });
  const discovery = createDiscoveryLoop({ store, outbox, meta, engine, added });
  const retention = createRetentionLoop(keepings(store, settings.storage), clock, log);
  const clockRollback = createClockRollback({
    store,
    engine,
    changed() {
      deliveryWorker.wake();
      effectWorker.wake();
      sweep.wake();
    },
  });
  // After a failed commit nobody may come any more to find out that the disk has recovered.
  const probe = createLoop({
    name: "database probe",
    clock,
    log,
    round() {
      if (store.fault() !== null) {
        store.write(() => meta.set("probed_at", String(clock.now())));
        log.info("the database takes writes again");
      }
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
      throttle.stored(count);
      deliveryWorker.wake();
    },
  });
  const views = createViews(
    store,
    () => clock.now(),
    { queue: () => runWorker.queue(), slotsUsed: () => runWorker.used().length },
    () => undefined,
  );
  const loops = [
    deliveryWorker,
    timerLoop,
    effectWorker,
    runWorker,
    sweep,
    discovery,
    retention,
    probe,
    clockRollback,
  ];
  let life: "new" | "running" | "stopped" = "new";

  const recover = (): void => {
    failpoint("recover.start");
    store.write(() => {
      for (const row of outbox.doing()) {
        if (row.class === "start") continue;
        // The attempt under way was counted when the row was claimed.
        const killed = { class: row.class, attempts: row.attempts - 1, now: clock.now() };
        const next = afterKilled(killed, settings);
        outbox.postpone(row, next.attempts, next.at, row.error);
      }
      failpoint("recover.mid");
    });
    runWorker.resume();
    failpoint("recover.done");
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
      failpoint("shutdown.draining");
      intake.close();
      const ended = Promise.all([
        runWorker.interrupt(),
        effectWorker.interrupt(),
        ...loops.map((loop) => loop.stop()),
      ]);
      const late = new AbortController();
      await Promise.race([ended, delay(clock, graceMs, late.signal).catch(() => undefined)]);
      late.abort(new Error("stopped in time"));
      try {
        store.db.pragma("wal_checkpoint(TRUNCATE)");
        failpoint("checkpoint.mid");
      } catch (error) {
        log.warn("WAL checkpoint failed at shutdown; will retry at next start", {
          why: messageOf(error),
        });
      }
      close();
      failpoint("shutdown.drained");
    },
    accept: (delivery) => intake.accept(delivery),
    record: createRecord({ store, advances }),
    facts: async (issue) => advances.facts(issue),
    async replay(source, deliveryId) {
      if (source === OBSERVATIONS) {
        const failed = observations.withFailedAdvance(deliveryId);
        const put = failed !== undefined && durably(() => store.write(() => observations.again(failed.id)));
        deliveryWorker.wake();
        return put;
      }
      const row = deliveries.one(source, deliveryId);
      if (row === undefined) return false;
      durably(() => store.write(() => deliveries.again(row.seq)));
      deliveryWorker.wake();
      return true;
    },
    async retryEffect(id) {
      const row = /^\d{1,15}$/.test(id) ? outbox.one(Number(id)) : undefined;
      if (row === undefined) return null;
      if (!mayRetry(row.state)) return row.state;
      durably(() => store.write(() => outbox.again(row)));
      effectWorker.wake();
      runWorker.wake();
      return row.state;
    },
    views,
    vault: vaultRows(store, clock),
    health: createHealth({
      store,
      deliveries,
      observations,
      outbox,
      tallies,
      clock,
      diskLow: () => diskLow(file, minFree),
      lastSweep: () => sweep.lastRound(),
      sweepEveryMs: tickMs(settings.sweep),
      mismatches: () => intake.mismatches(),
      totalSlots: settings.slots,
      usedSlots: () => runWorker.used().length,
    }),
    subscribe: (listen) => stream.subscribe(listen),
    breakdown: store.breaking,
  };
}
