import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { performersOf } from "../../src/effects/performers.ts";
import { isStorageFault } from "../../src/engines/embedded/database/store.ts";
import { Sqlite } from "../../src/engines/embedded/database/sqlite.ts";
import { openEmbeddedEngine } from "../../src/engines/embedded/engine.ts";
import { NotDurable, type Engine, type EngineParts } from "../../src/engines/engine.ts";
import type { Facts } from "../../src/factory/facts/facts.ts";
import type { VerifiedDelivery } from "../../src/lib/delivery.ts";
import { silentLog, type Log } from "../../src/lib/log.ts";
import type { Randomness } from "../../src/lib/ids.ts";
import { performRun } from "../../src/runs/pipeline.ts";
import type { RunParts } from "../../src/runs/parts.ts";
import { createFakeAgent } from "./outside/agent.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./chance.ts";
import { createProcessClock } from "./time/clock.ts";
import { Ledger } from "./oracle/ledger.ts";
import type { Life, Stage } from "./life.ts";
import type { Delivery } from "./outside/outside.ts";
import {
  plantAccept,
  plantAdvance,
  plantDiscovery,
  plantForge,
  plantHandle,
  plantPerformers,
  plantSettings,
  plantWorktrees,
  watchRuns,
  type Meddler,
} from "./planted.ts";
import { discovery, forgeSeam, interpret, trackerSeam, type Letter } from "./outside/seams.ts";
import { createFakeWorktrees, type Disk } from "./outside/worktrees.ts";

/** Memory, where there is a file system of it: every commit is synced, and a history has thousands. */
const ROOM = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const DATABASE = "patchrelay.db";

const PAGE_BYTES = 8_192;
/** What a full file system still has room for. */
const SPARE_PAGES = 4;

function pagesOf(file: string): number {
  return existsSync(file) ? Math.ceil(statSync(file).size / PAGE_BYTES) : 0;
}

interface Lived extends Life {
  alive: boolean;
  readonly engine: Engine;
  readonly meddler: Meddler & { close(): void };
}

/** Lets everything run that is due, until all of it waits for time or for the outside. */
export async function quiet(): Promise<void> {
  do {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  } while (process.getActiveResourcesInfo().includes("Immediate"));
}

/**
 * The real relay without its doors: engine, performers and pipeline around fakes of what is outside; started, killed
 * and started again on what the killed one had committed.
 */
export class Relay {
  private readonly stage: Stage;
  private readonly root: string;
  private readonly disk: Disk = { trees: new Map(), tips: new Map() };
  private folders = 0;
  /** How often the process was started. */
  lives = 0;
  private folder: string;
  private life: Lived | null = null;
  /** Dead, but its connections are still open. */
  private corpse: Lived | null = null;
  private starting = true;
  private stopping: Promise<void> | null = null;
  private ahead = 0;
  private isFull = false;

  constructor(stage: Stage) {
    this.stage = stage;
    this.root = mkdtempSync(join(ROOM, "patchrelay-simulation-"));
    this.folder = this.nextFolder();
    const { agenda, setting } = stage;
    for (const { at, orderly } of setting.kills) agenda.after(at, () => (orderly ? this.stop() : this.die()));
    const { full } = setting;
    // How much a database may grow is settled when it is opened.
    const become = (isFull: boolean) => (): void => {
      this.isFull = isFull;
      this.die();
    };
    if (full !== null) {
      agenda.after(full.from, become(true));
      agenda.after(full.from + full.forMs, become(false));
    }
    for (const { from, forMs, ahead } of setting.clock) {
      agenda.after(from, () => {
        this.ahead += ahead;
      });
      agenda.after(from + forMs, () => {
        this.ahead -= ahead;
      });
    }
  }

  /** Whether it runs and has room to keep what it is sent. */
  get up(): boolean {
    return this.life !== null && this.stopping === null && !this.isFull;
  }

  /** What is committed; null while the process is down. */
  get ledger(): Ledger | null {
    return this.life?.ledger ?? null;
  }

  /** To be called whenever all is quiet: does what takes more than one turn of the event loop. */
  async settle(): Promise<void> {
    if (this.corpse !== null) {
      const { engine, ledger, meddler } = this.corpse;
      const stopped = engine.stop(0).then(() => "stopped");
      await quiet();
      if ((await Promise.race([stopped, Promise.resolve("late")])) === "late")
        throw new Error("a relay that was told to stop did not");
      ledger.close();
      meddler.close();
      this.corpse = null;
    }
    if (this.starting) {
      this.starting = false;
      await this.start();
      await quiet();
    }
  }

  /** A webhook arrives; true = it is answered with success. */
  async receive(delivery: Delivery): Promise<boolean> {
    const { life } = this;
    if (life === null || this.stopping !== null) return false;
    const { id, source, issue, observations } = delivery;
    const letter: Letter = { id: `${source}:${id}`, issue, observations };
    const verified: VerifiedDelivery = {
      verified: true,
      source,
      deliveryId: id,
      event: "said",
      action: null,
      body: Buffer.from(JSON.stringify(letter)),
      quarantine: null,
    };
    life.boundary();
    if (!life.alive) return false;
    try {
      const { engine } = life;
      return await plantAccept(life, delivery, life.meddler, {
        accept: () => engine.accept(verified),
        replay: () => engine.replay(source, id),
      });
    } catch (error) {
      if (error instanceof NotDurable) return false;
      throw error;
    }
  }

  /** Ends everything and removes what it has written. */
  async remove(): Promise<void> {
    this.starting = false;
    if (this.life !== null) this.bury(this.life);
    await this.settle();
    rmSync(this.root, { recursive: true, force: true });
  }

  private nextFolder(): string {
    this.folders += 1;
    const folder = join(this.root, String(this.folders));
    mkdirSync(folder);
    return folder;
  }

  /** The process is killed: what is on the disk at this very moment is all that is left of it. */
  private die(): void {
    const { life } = this;
    if (life === null || this.stopping !== null) return;
    const before = this.folder;
    this.folder = this.nextFolder();
    for (const name of [DATABASE, `${DATABASE}-wal`])
      if (existsSync(join(before, name))) copyFileSync(join(before, name), join(this.folder, name));
    this.bury(life);
    this.again();
  }

  private bury(life: Lived): void {
    life.alive = false;
    life.clock.die();
    this.life = null;
    this.corpse = life;
  }

  private again(): void {
    const { agenda, chance } = this.stage;
    agenda.after(chance.between(1, 180) * SECOND, () => {
      this.starting = true;
    });
  }

  /** The process is told to stop, and ends in order. */
  private stop(): void {
    const { life } = this;
    if (life === null || this.stopping !== null) return;
    const end = (): void => {
      life.alive = false;
      life.clock.die();
      life.ledger.close();
      life.meddler.close();
      this.life = null;
      this.stopping = null;
      this.again();
    };
    this.stopping = life.engine.stop(10 * SECOND).then(end, (error: unknown) => {
      this.stage.outside.fault ??= error;
    });
  }

  private async start(): Promise<void> {
    const file = join(this.folder, DATABASE);
    if (existsSync(file)) {
      const ledger = new Ledger(file);
      this.stage.oracle.restarted(this.stage, ledger);
      ledger.close();
    }
    let life: Lived;
    try {
      life = this.open(file);
    } catch (error) {
      if (!this.isFull || !isStorageFault(error)) throw error;
      this.again();
      return;
    }
    this.life = life;
    life.engine.subscribe(() => life.boundary());
    this.lives += 1;
    await life.engine.start();
  }

  private open(file: string): Lived {
    const { stage, disk } = this;
    const { agenda, chance, setting, outside, oracle } = stage;
    let ledger: Ledger | null = null;
    let engine: Engine | null = null;
    let writer: Database.Database | null = null;
    const life: Lived = {
      ...stage,
      clock: createProcessClock(agenda, () => this.ahead, setting.tickMs),
      alive: true,
      get ledger() {
        return (ledger ??= new Ledger(file));
      },
      get engine() {
        if (engine === null) throw new Error("asked for before it was open");
        return engine;
      },
      meddler: {
        run(sql, ...values) {
          (writer ??= new Sqlite(file)).prepare(sql).run(...values);
        },
        close() {
          writer?.close();
        },
      },
      has: (mistake) => setting.mistakes.has(mistake),
      boundary: () => {
        if (life.alive && this.life === life && chance.that(setting.crash)) this.die();
      },
    };
    const { clock } = life;
    const randomness: Randomness = {
      fraction: () => chance.fraction(),
      uuid: () => `00000000-0000-4000-8000-${String(chance.between(0, 999_999_999_999)).padStart(12, "0")}`,
      bytes: (count) => Buffer.from(Array.from({ length: count }, () => chance.between(0, 255))),
    };
    const isFull = (): boolean => this.isFull;
    const log: Log = {
      ...silentLog,
      error(message, fields) {
        if (life.alive && !isFull()) oracle.logged(life, `${message}: ${JSON.stringify(fields ?? {})}`);
      },
      with: () => log,
    };
    const tracker = trackerSeam(life);
    const forge = plantForge(life, forgeSeam(life));
    const worktrees = plantWorktrees(life, createFakeWorktrees(life, disk));
    const agent = createFakeAgent(life, disk);
    const runParts: RunParts = {
      worktrees,
      forge,
      agent: () => agent,
      policy: setting.policy,
      cloneUrl: (repository) => `https://forge.test/${repository}.git`,
      model: () => null,
      workflow: () => "Do the work.",
      scrub: (text) => text,
      limits: {
        stallMs: 10 * MINUTE,
        prepareMs: 10 * MINUTE,
        verifyMs: 10 * MINUTE,
        hookMs: MINUTE,
        maxChangedFiles: 100,
        maxChangedBytes: 1_000_000,
      },
      clock,
      randomness,
      log,
    };
    const wanted = new Map<string, Facts>();
    const performers = performersOf({
      tracker: (_issue, workspace) => tracker.in(workspace),
      forge,
      worktrees,
      policy: setting.policy,
      clock,
      statusName: () => null,
      hookMs: MINUTE,
    });
    const parts: EngineParts = {
      clock,
      randomness,
      log,
      policy: setting.policy,
      conditions: () => outside.conditions(),
      interpreters: {
        tracker: (body) => interpret(oracle, body),
        forge: (body) => interpret(oracle, body),
      },
      performers: plantPerformers(life, performers, wanted),
      performRun: watchRuns(life, async (handle) =>
        performRun(plantHandle(life, handle, life.meddler), runParts),
      ),
      discover: plantDiscovery(life, discovery(tracker)),
      settings: plantSettings(life, {
        slots: setting.slots,
        slotsPerProject: setting.slots,
        inboxAttempts: 5,
        outboxAttempts: 20,
        outboxFirstRetryMs: 2 * SECOND,
        outboxMaxRetryMs: 15 * MINUTE,
        sweep: { activeMs: 15 * MINUTE, waitingMs: 30 * MINUTE, idleMs: 2 * HOUR, pollMs: null },
        storage: {
          minFreeBytes: 0,
          keepDeliveriesMs: 14 * DAY,
          keepDigestsMs: 90 * DAY,
          keepRunEventsMs: 30 * DAY,
          keepJournalMs: 90 * DAY,
        },
      }),
    };
    engine = openEmbeddedEngine({
      file,
      lockFile: join(this.folder, "patchrelay.lock"),
      pid: process.pid,
      parts,
      advance: plantAdvance(life, wanted),
      maxPages: this.isFull ? pagesOf(file) + SPARE_PAGES : null,
    });
    return life;
  }
}
