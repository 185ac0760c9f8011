import { onTestFinished, vi } from "vitest";
import type { IssueDocument, JournalDocument, RunDocument, StreamLine } from "../../src/engines/documents.ts";
import type { Engine } from "../../src/engines/engine.ts";
import { check } from "../../src/engines/embedded/database/maintenance.ts";
import type { Facts } from "../../src/factory/facts/facts.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Relay } from "../../src/relay.ts";
import type { CiResult, CiJob } from "../../world/github/model/model.ts";
import type { GitHubWorld } from "../../world/github/world.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import { createStoryClock, type StoryClock } from "./clock.ts";
import { isCalling } from "./calls.ts";
import { recorder, type Recorded } from "./log.ts";
import { personOf, type Person } from "./people.ts";
import { WORKS, type AgentRules } from "./script.ts";
import { setStage, type ConfigGroups, type Stage, type StageOptions } from "./stage.ts";
import { commentsOn, pushesIn, statesOf, toldInLinear } from "./transcript.ts";

// Real git, HTTP and SQLite on a machine that others use too: a limit for a story that hangs, not an expectation.
vi.setConfig({ testTimeout: 90_000 });

/** Longest real time that one wait may take before the story has failed. */
const LONGEST_WAIT_MS = 40_000;
/** Where the world has no stream to listen to, it is looked at this often. */
const LOOK_MS = 10;
/** Nothing has happened for this long: what is left waits for time to pass. Longer while an agent works. */
const REST_MS = 40;
const REST_WHILE_RUNNING_MS = 150;
/** What is done outside takes real time and has its deadline by the story's clock: who has not answered by then never will. */
const REST_WHILE_BUSY_MS = 500;
const FIRST_SKIP_MS = 2_000;
const RUNNING_SKIP_MS = 20_000;
const GREAT_SKIP_MS = 60_000;
const LONGEST_SKIP_MS = 900_000;
const PAGE = { limit: 200, cursor: null };
const FIRST = "APP-1";

export interface StoryOptions extends Partial<StageOptions> {
  readonly agent?: AgentRules;
  readonly config?: ConfigGroups;
  /** False = the relay is started by the story. */
  readonly up?: boolean;
}

/** What an issue has come to, or a question about it. */
export type Until = string | ((issue: IssueDocument) => boolean);

/** How time passes while something is waited for. */
type Passing = "real" | "gentle" | "great";

/** What a good story does not end with, unless it says so. */
export interface Expected {
  /** Faults of the stand-ins that the story provoked. */
  readonly problems?: RegExp;
  /** Kinds of effects that may have failed for good. */
  readonly failed?: readonly string[];
  /** Error lines of the log that belong to the story. */
  readonly errors?: RegExp;
  /** Deliveries may be quarantined. */
  readonly quarantined?: number;
}

/** Starts a story: both stand-ins, a repository, and a relay between them. It is cleared away when the test is over. */
export async function startStory(options: StoryOptions = {}): Promise<Story> {
  const clock = createStoryClock();
  const config = options.config ?? {};
  const project = options.project ?? {};
  const stage = await setStage(clock, {
    agent: options.agent ?? WORKS,
    config,
    project,
    files: options.files ?? {
      "README.md": "# shop\n",
      "src/price.txt": "100\n",
      "test/price.test.txt": "ok\n",
    },
    protection: options.protection === undefined ? { requiredChecks: ["test"] } : options.protection,
    people: options.people ?? { ada: "write", grace: "write", mallory: "read" },
    quick: options.quick ?? false,
  });
  const story = new Story(stage, clock, config, project);
  onTestFinished(() => story.close());
  if (options.up !== false) await story.startRelay();
  return story;
}

export class Story {
  readonly linear: LinearWorld;
  readonly github: GitHubWorld;
  readonly ada: Person;
  readonly grace: Person;
  /** Has accounts, but no rights at the repository. */
  readonly mallory: Person;
  readonly log: Recorded = recorder();
  /** Every line of the stream, of every relay of the story. */
  readonly lines: StreamLine[] = [];
  readonly clock: StoryClock;
  /** Results of CI by job name; a job counts for the kinds it is asked for. Replace it to judge otherwise. */
  ci: (job: CiJob) => Promise<readonly CiResult[]> = async () => [{ name: "test", conclusion: "success" }];
  readonly #stage: Stage;
  readonly #config: ConfigGroups;
  readonly #project: Readonly<Record<string, unknown>>;
  readonly #listeners = new Set<() => void>();
  #relay: Relay | null = null;
  #closed = false;

  constructor(
    stage: Stage,
    clock: StoryClock,
    config: ConfigGroups,
    project: Readonly<Record<string, unknown>>,
  ) {
    this.#stage = stage;
    this.clock = clock;
    this.#config = config;
    this.#project = project;
    this.linear = stage.linear;
    this.github = stage.github;
    this.github.ci = (job) => this.ci(job);
    this.ada = personOf("Ada", this.linear, this.github);
    this.grace = personOf("Grace", this.linear, this.github);
    this.mallory = personOf("Mallory", this.linear, this.github);
  }

  // ── the relay ──

  get relay(): Relay {
    if (this.#relay === null) throw new Error("the relay of the story is down");
    return this.#relay;
  }

  get engine(): Engine {
    return this.relay.engine;
  }

  async startRelay(): Promise<void> {
    if (this.#relay !== null) throw new Error("the relay of the story is up already");
    this.#relay = await this.#stage.startRelay(this.log.log);
    this.#relay.engine.subscribe((line) => {
      this.lines.push(line);
      for (const listen of this.#listeners) listen();
    });
  }

  async stopRelay(): Promise<void> {
    const relay = this.#relay;
    this.#relay = null;
    await relay?.stop();
  }

  async restart(): Promise<void> {
    await this.stopRelay();
    await this.startRelay();
  }

  /** Changes config groups, or keys of the project, from the next start of the relay on. */
  async configure(config: ConfigGroups, project: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.#stage.configure({ ...this.#config, ...config }, { ...this.#project, ...project });
  }

  async agentPlays(rules: AgentRules): Promise<void> {
    await this.#stage.plays(rules);
  }

  /** An operator's command by the API. Gives the status. */
  async operator(command: string, body: object | null = null, key = FIRST): Promise<number> {
    const response = await fetch(`${this.relay.url}/api/issues/${key}/${command}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      ...(body === null ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    return response.status;
  }

  // ── looking ──

  async issue(key = FIRST): Promise<IssueDocument | null> {
    return await this.engine.views.issue(key);
  }

  async facts(key = FIRST): Promise<Facts> {
    const id = await this.engine.views.issueId(key);
    const facts = id === null ? null : await this.engine.facts(id);
    if (facts === null) throw new Error(`the relay does not keep ${key}`);
    return facts;
  }

  async runs(key = FIRST): Promise<readonly RunDocument[]> {
    return (await this.engine.views.runs({ issue: key }, PAGE)).items.toSorted((a, b) => a.number - b.number);
  }

  /** Type and outcome of every run, in order. */
  async ran(key = FIRST): Promise<readonly string[]> {
    return (await this.runs(key)).map(({ type, outcome, failureClass }) =>
      [type, outcome ?? "under way", ...(failureClass === null ? [] : [failureClass])].join(" "),
    );
  }

  async states(key = FIRST): Promise<readonly string[]> {
    const id = await this.engine.views.issueId(key);
    return id === null ? [] : statesOf(this.lines, id);
  }

  told(key = FIRST): readonly string[] {
    return toldInLinear(this.linear, key);
  }

  /** Activities of one type that Linear shows for the issue. */
  toldAs(type: string, key = FIRST): readonly string[] {
    return this.told(key).filter((line) => line.startsWith(`${type}: `));
  }

  pushes(): readonly string[] {
    return pushesIn(this.github);
  }

  commentsOn(number = 1): readonly string[] {
    return commentsOn(this.github, number);
  }

  /** The text of a file at the tip of a branch; null when it is not there. */
  async file(branch: string, path: string): Promise<string | null> {
    return this.#stage.read(branch, path);
  }

  /** The message of the commit at the tip of a branch; null when it is not there. */
  async message(branch: string): Promise<string | null> {
    return this.#stage.message(branch);
  }

  /** The commits of a branch, newest last. */
  async history(branch: string): Promise<Awaited<ReturnType<Stage["history"]>>> {
    return this.#stage.history(branch);
  }

  // ── waiting ──

  /** Waits until the issue is in a state, or until something holds, while nothing but real time passes. */
  async until(what: Until, key = FIRST): Promise<void> {
    await this.#wait(what, key, "real");
  }

  /** Like `until`; but whenever everything rests, the clock is turned forward. */
  async inTime(what: Until, key = FIRST): Promise<void> {
    await this.#wait(what, key, "gentle");
  }

  /** Like `inTime` in greater steps: for a run that itself only waits. */
  async outwaits(what: Until, key = FIRST): Promise<void> {
    await this.#wait(what, key, "great");
  }

  /** Waits until the agent has begun its turn. */
  async works(key = FIRST): Promise<void> {
    await this.#look(
      async () => (await this.issue(key))?.run != null && (await this.runs(key)).at(-1)?.turn != null,
      "real",
      () => `no agent works on ${key}`,
    );
  }

  /** Waits until something of the world holds; the clock is turned forward when `passing`. */
  async sees(holds: () => boolean | Promise<boolean>, passing = false): Promise<void> {
    await this.#look(holds, passing ? "gentle" : "real", () => `it does not hold: ${holds.toString()}`);
  }

  /** Waits until the relay rests: nothing under way, nothing to be carried out, every webhook delivered. */
  async rests(): Promise<void> {
    await this.#look(
      async () => (await this.#pending()) === null,
      "gentle",
      async () => `it does not rest: ${await this.#pending()}`,
    );
    await this.github.settled();
    await this.linear.settled();
    await this.#look(
      async () => (await this.#pending()) === null,
      "gentle",
      async () => `it does not rest: ${await this.#pending()}`,
    );
  }

  /** Time passes, in steps that let everybody act in between. */
  async passes(seconds: number): Promise<void> {
    const end = this.clock.now() + seconds * 1_000;
    const step = Math.max(20_000, seconds * 100);
    while (this.clock.now() < end) {
      await this.#rest();
      this.clock.skip(Math.max(1, Math.min(step, end - this.clock.now())));
    }
    await this.#rest();
  }

  /** The sweep looks at everything so many times. */
  async sweeps(times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) await this.passes(1_900);
  }

  // ── the end ──

  /** Ends the story: everything comes to rest, nobody found fault, and what the relay keeps is sound. */
  async end(expected: Expected = {}): Promise<void> {
    await this.rests();
    const { views } = this.engine;
    const wrong: string[] = [];
    for (const problem of [...this.linear.problems, ...this.github.problems])
      if (expected.problems?.test(problem) !== true) wrong.push(`stand-in: ${problem}`);
    for (const row of (await views.outbox({ state: "failed", issue: null }, PAGE)).items)
      if (!(expected.failed ?? []).includes(row.kind))
        wrong.push(`failed: ${row.kind} ${row.key}: ${row.error}`);
    const aside = (await views.deliveries({ state: "quarantined", source: null }, PAGE)).items;
    if (aside.length !== (expected.quarantined ?? 0))
      wrong.push(`quarantined: ${aside.map((row) => `${row.event} ${row.why}`).join("; ")}`);
    for (const line of this.log.errors) if (expected.errors?.test(line) !== true) wrong.push(`log: ${line}`);
    for (const { event, answers } of [...this.linear.sent, ...this.github.sent])
      for (const status of answers)
        if (status !== 200 && status !== 0) wrong.push(`${event} was answered ${status}`);
    await this.stopRelay();
    for (const line of this.log.warnings)
      if (line.includes("the relay is stopping")) wrong.push(`a stop is no failure: ${line}`);
    for (const { invariant, detail } of check(this.#stage.database, this.clock.now()))
      wrong.push(`${invariant}: ${detail}`);
    if (wrong.length > 0) throw new Error(`the story does not end well:\n- ${wrong.join("\n- ")}`);
  }

  /** Clears everything away; safe to repeat. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.stopRelay();
    } finally {
      await this.#stage.close();
    }
  }

  async #wait(what: Until, key: string, passing: Passing): Promise<void> {
    const holds = async (): Promise<boolean> => {
      const issue = this.#relay === null ? null : await this.issue(key);
      if (issue === null) return false;
      return typeof what === "string" ? issue.state === what : what(issue);
    };
    await this.#look(holds, passing, () => `${key} did not come to ${what.toString()}`);
  }

  async #look(
    holds: () => boolean | Promise<boolean>,
    passing: Passing,
    failure: () => string | Promise<string>,
  ): Promise<void> {
    const began = systemClock.monotonic();
    let skip = FIRST_SKIP_MS;
    let mark = "";
    let since = began;
    while (!(await holds())) {
      const now = systemClock.monotonic();
      if (now - began > LONGEST_WAIT_MS) throw new Error(`${await failure()}\n${await this.#progress()}`);
      const next = await this.#mark();
      if (next !== mark || isProcessAlive()) {
        mark = next;
        since = now;
      } else if (passing !== "real") {
        const careful = passing === "gentle" && this.#running();
        if (now - since > Math.max(careful ? REST_WHILE_RUNNING_MS : 0, await this.#restMs())) {
          this.clock.skip(skip);
          const longest = passing === "great" ? GREAT_SKIP_MS : LONGEST_SKIP_MS;
          skip = careful ? RUNNING_SKIP_MS : Math.min(longest, skip * 1.5);
          since = now;
        }
      }
      await this.#tick();
    }
  }

  /** Until nothing has happened for a little while. */
  async #rest(): Promise<void> {
    let mark = "";
    let since = systemClock.monotonic();
    for (;;) {
      const now = systemClock.monotonic();
      const next = await this.#mark();
      if (next !== mark || isProcessAlive()) {
        mark = next;
        since = now;
      } else if (now - since > (await this.#restMs())) return;
      await this.#tick();
    }
  }

  /** The next line of the stream, or the time for another look. */
  async #tick(): Promise<void> {
    await new Promise<void>((resolve) => {
      const cancel = systemClock.after(LOOK_MS, done);
      const listeners = this.#listeners;
      listeners.add(done);
      function done(): void {
        cancel();
        listeners.delete(done);
        resolve();
      }
    });
  }

  /** Changes whenever something happens anywhere. */
  async #mark(): Promise<string> {
    const counts = this.#relay === null ? null : await this.engine.views.counts();
    return JSON.stringify([
      counts,
      this.lines.length,
      this.linear.calls.length,
      this.linear.sent.reduce((sum, { answers }) => sum + answers.length, this.linear.sent.length),
      this.github.sent.reduce((sum, { answers }) => sum + answers.length, this.github.sent.length),
      this.github.requests.length,
    ]);
  }

  #running(): boolean {
    return this.#runs() > 0;
  }

  #runs(): number {
    return this.#relay === null ? 0 : (this.engine.health().slots.used ?? 0);
  }

  /** How long nothing may happen before time is let pass: longer while a call or an effect is under way. */
  async #restMs(): Promise<number> {
    const doing = this.#relay === null ? 0 : ((await this.engine.views.counts()).outbox["doing"] ?? 0);
    return isCalling() || doing > this.#runs() ? REST_WHILE_BUSY_MS : REST_MS;
  }

  /** What is not over yet, in words; null = nothing. */
  async #pending(): Promise<string | null> {
    if (this.#relay === null) return null;
    const { views } = this.engine;
    const open = [
      ...(await views.outbox({ state: "pending", issue: null }, PAGE)).items,
      ...(await views.outbox({ state: "doing", issue: null }, PAGE)).items,
    ].map(({ kind, key, state, error }) => `${state} ${kind} ${key}${error === null ? "" : `: ${error}`}`);
    const deliveries = (await views.deliveries({ state: "pending", source: null }, PAGE)).items.map(
      ({ event, why }) => `pending ${event} ${why ?? ""}`,
    );
    const all = [...open, ...deliveries];
    return all.length === 0 ? null : all.join("; ");
  }

  /** For a failure: where everything stands. */
  async #progress(): Promise<string> {
    if (this.#relay === null) return "the relay is down";
    const issues = (await this.engine.views.issues({ state: null, repo: null, q: null }, PAGE)).items;
    const told = issues.map(async ({ key, state, rule, why, waitsFor }) => {
      const [were, ran, runs] = [await this.states(key), await this.ran(key), await this.runs(key)];
      return `${key}: ${state} (${rule}) ${why} It waits for ${waitsFor ?? "nothing"}.\n  was: ${were.join(" → ")}\n  runs: ${ran.join(", ")}\n  ${runs.map(({ why: text }) => text ?? "").join("\n  ")}`;
    });
    return [
      ...(await Promise.all(told)),
      `pending: ${(await this.#pending()) ?? "nothing"}`,
      ...(await this.engine.views.deliveries({ state: null, source: null }, PAGE)).items
        .slice(-6)
        .map(({ event, action, state, why }) => `delivery: ${event} ${action ?? ""} ${state} ${why ?? ""}`),
      ...this.lines
        .filter(({ kind }) => kind === "journal")
        .slice(-6)
        .map(({ line }) => {
          const { observation, rule, to, effects } = line as JournalDocument;
          return `journal: ${observation.kind} (${observation.source}) → ${to} ${rule} [${effects.map((effect) => effect.key).join(", ")}]`;
        }),
      ...this.log.errors.slice(-5).map((line) => `error: ${line}`),
      ...this.log.warnings.slice(-8).map((line) => `warning: ${line}`),
      ...[...this.linear.problems, ...this.github.problems].slice(0, 5).map((line) => `stand-in: ${line}`),
    ].join("\n");
  }
}

/** Git and hooks take real time, but have deadlines by the story's clock: it must not be turned meanwhile. */
function isProcessAlive(): boolean {
  return process.getActiveResourcesInfo().includes("ProcessWrap");
}
