import { existsSync } from "node:fs";
import { messageOf } from "../../../src/lib/assert.ts";
import { delay, systemClock } from "../../../src/lib/clock.ts";
import type { Aim, Aims } from "./aims.ts";
import type { Posts } from "./posts.ts";
import type { Dice } from "../random.ts";
import { startProcess } from "../relay/relay-process.ts";
import type { End, RelayProcess } from "../relay/relay-process.ts";
import type { Stage } from "../stage.ts";
import type { Tasks } from "./tasks.ts";
import { Sqlite } from "../../../src/engines/embedded/database/sqlite.ts";

/** Issues that are under way at a time. */
const AT_ONCE = 4;
const POST_EVERY_MS = 40;
const POSTS_AT_ONCE = 8;
const REVIEW_EVERY_MS = 150;
/** How long an armed failpoint may take to be reached before the relay is killed anyway. */
const PATIENCE_MS = 6_000;
const START_MS = 30_000;
const STOP_MS = 20_000;
const REST_EVERY_MS = 300;
/** What has not come to rest by then never will. */
const REST_MS = 90_000;
const KEPT_FAULTS = 10;
/** A history that goes wrong so often is given up. */
const MOST_UNASKED = 5;
const DAY_MS = 86_400_000;

/** Reached only when the relay is asked to stop. */
const STOPPING = new Set(["shutdown.draining", "shutdown.drained", "checkpoint.mid"]);

interface HistoryParts {
  readonly program: string;
  readonly stage: Stage;
  readonly aims: Aims;
  readonly tasks: Tasks;
  readonly posts: Posts;
  readonly dice: Dice;
  readonly say: (line: string) => void;
}

/** One relay folder's life through many kills, with people and webhooks that do not wait. */
export class History {
  /** Milliseconds from each start to accepting webhooks. */
  readonly startedInMs: number[] = [];
  /** What a relay did of its own accord that it must not: end, or not start. */
  readonly unasked: string[] = [];
  kills = 0;
  randomKills = 0;
  readonly #parts: HistoryParts;
  readonly #stopping = new AbortController();
  #url: string | null = null;
  #relay: RelayProcess | null = null;
  #surroundings: Promise<void> = Promise.resolve();
  #backups = 0;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /** Kills `kills` times, then lets everything come to rest, at the latest at `until` (monotonic ms). */
  async play(kills: number, until: number): Promise<void> {
    const { aims, say, tasks, posts } = this.#parts;
    const over = (): boolean => systemClock.monotonic() > until || this.unasked.length >= MOST_UNASKED;
    let told = 0;
    this.#surroundings = this.#surround(kills);
    while (this.kills < kills && !over()) {
      await this.#life(aims.next());
      posts.note();
      if (this.kills < told + 10) continue;
      told = this.kills;
      say(
        `${this.kills} kills, ${tasks.all.length} issues, ${tasks.open().length} open, ${posts.acked.size} acked`,
      );
    }
    if (this.kills < kills)
      this.unasked.push(`only ${this.kills} of ${kills} kills were possible in the time given`);
    say(`${this.kills} kills are over; now everything may come to rest`);
    await this.#rest(until);
  }

  /** Ends what is still under way. Safe to repeat. */
  async end(): Promise<void> {
    this.#stopping.abort(new Error("the history is over"));
    await this.#surroundings;
    this.#parts.stage.sendWebhooks(null);
    const relay = this.#relay;
    this.#relay = null;
    if (relay === null) return;
    relay.signal("SIGKILL");
    await relay.ended;
  }

  /** One relay from start to kill. */
  async #life(aim: Aim): Promise<void> {
    const { aims } = this.#parts;
    const failpoint = "failpoint" in aim ? aim.failpoint : null;
    if (failpoint === "retention.mid") this.#age();
    const inRelay =
      failpoint !== null && failpoint !== "backup.mid"
        ? `${failpoint}:kill:${"nth" in aim ? aim.nth : 1}`
        : null;
    const relay = await this.#start(inRelay);
    if (failpoint === "backup.mid") aims.met(failpoint, await this.#backup());
    if (relay.url !== null) await this.#provoke(relay.process, aim);
    const end = await relay.process.ended;
    this.#parts.stage.sendWebhooks(null);
    this.#url = null;
    this.#relay = null;
    if (end !== "SIGKILL") {
      if (failpoint !== null && STOPPING.has(failpoint) && end === 0) aims.met(failpoint, false);
      else this.unasked.push(`a relay ended with ${end}: ${relay.process.errors().slice(-500)}`);
      return;
    }
    this.kills += 1;
    if (inRelay === null || relay.process.killedByUs) this.randomKills += 1;
    if (inRelay !== null && failpoint !== null) aims.met(failpoint, !relay.process.killedByUs);
  }

  async #start(
    failpoints: string | null,
  ): Promise<{ readonly process: Victim; readonly url: string | null }> {
    const { stage, posts, program, dice } = this.#parts;
    const env = failpoints === null ? stage.env : { ...stage.env, PATCHRELAY_FAILPOINTS: failpoints };
    const victim = new Victim(startProcess(program, ["serve", stage.configFile], env));
    this.#relay = victim.process;
    const listening = await within(victim.process.listening, START_MS);
    if (listening === undefined) {
      this.unasked.push(`a relay did not listen within ${START_MS} ms: ${victim.errors().slice(-500)}`);
      victim.kill();
      return { process: victim, url: null };
    }
    if (listening === null) return { process: victim, url: null };
    this.startedInMs.push(listening.afterMs);
    stage.sendWebhooks(listening.url);
    this.#url = listening.url;
    if (dice.chance(0.7)) this.#surroundings = joined(this.#surroundings, posts.redeliver(0.6));
    return { process: victim, url: listening.url };
  }

  /** Lets the relay live until it dies at its failpoint, or kills it. */
  async #provoke(victim: Victim, aim: Aim): Promise<void> {
    const { dice } = this.#parts;
    if ("afterMs" in aim) {
      await within(victim.ended, aim.afterMs);
      victim.kill();
      return;
    }
    if (STOPPING.has(aim.failpoint)) {
      await within(victim.ended, dice.between(100, 1_500));
      victim.process.signal("SIGTERM");
      if ((await within(victim.ended, STOP_MS)) !== undefined) return;
      this.unasked.push(`a relay did not end within ${STOP_MS} ms of SIGTERM`);
    } else if (aim.failpoint === "backup.mid") {
      await within(victim.ended, dice.between(20, 500));
    } else {
      await within(victim.ended, PATIENCE_MS);
    }
    victim.kill();
  }

  /** Kills a backup half-way; the next one must succeed and be sound. True = it died there. */
  async #backup(): Promise<boolean> {
    const { program, stage } = this.#parts;
    const copy = (env: Readonly<Record<string, string>>): RelayProcess =>
      startProcess(program, ["backup", stage.configFile, `${(this.#backups += 1)}.db`], env);
    const end = await copy({ ...stage.env, PATCHRELAY_FAILPOINTS: "backup.mid:kill" }).ended;
    const broken = `${stage.layout.backups}/${this.#backups}.db`;
    if (end === "SIGKILL" && existsSync(broken))
      this.unasked.push("half a backup has the name of a whole one");
    const whole = copy(stage.env);
    if ((await whole.ended) !== 0) this.unasked.push(`a backup did not succeed: ${whole.errors()}`);
    else {
      const db = new Sqlite(`${stage.layout.backups}/${this.#backups}.db`, { readonly: true });
      const verdict = db.pragma("integrity_check", { simple: true });
      db.close();
      if (verdict !== "ok") this.unasked.push(`a backup is not sound: ${String(verdict)}`);
    }
    if (end === "SIGKILL") this.kills += 1;
    return end === "SIGKILL";
  }

  /** Makes what is kept look old while nobody runs, so that there is something to prune. */
  #age(): void {
    const db = new Sqlite(this.#parts.stage.layout.database);
    try {
      db.pragma("synchronous = FULL");
      db.prepare(
        "UPDATE deliveries SET received_at = received_at - ? WHERE state <> 'pending' AND seq IN (SELECT seq FROM deliveries ORDER BY seq LIMIT 20)",
      ).run(3 * DAY_MS);
    } finally {
      db.close();
    }
  }

  /** The world around the relay, until `end`: deliveries, reviews, and new issues while there are kills to come. */
  async #surround(kills: number): Promise<void> {
    const { signal } = this.#stopping;
    const { posts, tasks, dice } = this.#parts;
    let underWay = 0;
    const posting = every(POST_EVERY_MS, signal, async () => {
      const url = this.#url;
      if (url === null || underWay >= POSTS_AT_ONCE || this.kills >= kills) return;
      underWay += 1;
      try {
        await posts.post(url);
      } finally {
        underWay -= 1;
      }
    });
    const reviewing = every(REVIEW_EVERY_MS, signal, async () => {
      if (this.kills < kills && tasks.open().length < AT_ONCE && dice.chance(0.5)) tasks.begin();
      await tasks.review();
    });
    await Promise.all([posting, reviewing]);
  }

  /** No more kills: a last relay runs until nothing is left to do, then is told to stop. */
  async #rest(until: number): Promise<void> {
    const { stage, posts, tasks, say } = this.#parts;
    const { process, url } = await this.#start(null);
    if (url === null) {
      this.unasked.push(`the last relay did not start: ${process.errors().slice(-500)}`);
      return;
    }
    let calm = 0;
    const end = Math.min(until, systemClock.monotonic() + REST_MS);
    while (calm < 5 && systemClock.monotonic() < end) {
      await within(process.ended, REST_EVERY_MS);
      posts.note();
      const idle = tasks.open().length === 0 && this.#isIdle();
      calm = idle ? calm + 1 : 0;
    }
    if (calm < 5)
      this.unasked.push(
        `it did not come to rest: ${tasks
          .open()
          .map(({ key }) => key)
          .join(", ")}`,
      );
    say(calm < 5 ? "it did not come to rest" : "it came to rest");
    this.#stopping.abort(new Error("the history is over"));
    await this.#surroundings;
    await Promise.all([stage.github.settled(), stage.linear.settled()]);
    posts.note();
    await within(process.ended, REST_EVERY_MS * 3);
    process.process.signal("SIGTERM");
    const ended = await within(process.ended, STOP_MS);
    if (ended !== 0)
      this.unasked.push(
        `the last relay ended with ${ended ?? "nothing"} on SIGTERM: ${process.errors().slice(-500)}`,
      );
    if (ended !== undefined) this.#relay = null;
  }

  // An issue that Linear does not have, from a sample that came before the relay knew who it was, ends as failed; that those
  // it has are done is the verdict's to say.
  #isIdle(): boolean {
    const db = new Sqlite(this.#parts.stage.layout.database, { readonly: true });
    try {
      const waiting = db
        .prepare<[], number>(
          `SELECT (SELECT count(*) FROM deliveries WHERE state = 'pending')
                + (SELECT count(*) FROM outbox WHERE state IN ('pending', 'doing'))
                + (SELECT count(*) FROM issues WHERE state NOT IN ('done', 'failed'))`,
        )
        .pluck()
        .get();
      return waiting === 0;
    } finally {
      db.close();
    }
  }
}

/** A relay that remembers whether it was we who killed it. */
class Victim {
  readonly process: RelayProcess;
  killedByUs = false;

  constructor(process: RelayProcess) {
    this.process = process;
  }

  get ended(): Promise<End> {
    return this.process.ended;
  }

  errors(): string {
    return this.process.errors();
  }

  kill(): void {
    if (this.process.gone()) return;
    this.killedByUs = true;
    this.process.signal("SIGKILL");
  }
}

/** The value, or undefined after `ms`. */
async function within<T>(value: Promise<T>, ms: number): Promise<T | undefined> {
  const late = new AbortController();
  try {
    return await Promise.race([value, delay(systemClock, ms, late.signal).then(() => undefined)]);
  } finally {
    late.abort(new Error("decided"));
  }
}

/** Does `act` again and again, without waiting for it to end, until the signal; resolves when the last one has ended. */
async function every(ms: number, signal: AbortSignal, act: () => Promise<void>): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const faults: string[] = [];
  while (!signal.aborted) {
    const one = act().catch((error: unknown) => {
      if (faults.length < KEPT_FAULTS) faults.push(messageOf(error));
    });
    underWay.add(one);
    one.finally(() => underWay.delete(one)).catch(() => undefined);
    await delay(systemClock, ms, signal).catch(() => undefined);
  }
  await Promise.all(underWay);
  if (faults.length > 0)
    throw new Error(`the world around the relay failed: ${faults.slice(0, 3).join("; ")}`);
}

async function joined(first: Promise<void>, second: Promise<void>): Promise<void> {
  await Promise.all([first, second]);
}
