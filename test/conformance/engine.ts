import { afterEach, beforeEach, describe as vitestDescribe, expect, test as vitestTest } from "vitest";
import type { Effect, EffectOf } from "../../src/factory/effects/effect.ts";
import { NOBODY } from "../../src/factory/facts/actor.ts";
import { activeRun } from "../../src/factory/facts/facts.ts";
import type { RunEnd } from "../../src/factory/facts/run.ts";
import type { advance as factoryAdvance } from "../../src/factory/advance.ts";
import { BadCursor, Fenced, NotDurable } from "../../src/engines/engine.ts";
import type { Engine, EngineParts, PlaceInList, RunHandle } from "../../src/engines/engine.ts";
import type { StreamLine } from "../../src/engines/documents.ts";
import { freePlaces } from "../../src/engines/policy/effects.ts";
import { iso } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import { ExternalError } from "../../src/lib/external.ts";
import { createVirtualClock } from "../virtual-clock.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import { delivery, engineParts, issueOf } from "../engines/parts.ts";
import type { PartsChanges } from "../engines/parts.ts";
import { mended, script, scriptedAdvance, wokenAt } from "../engines/scripted-factory.ts";
import { T0, ticketReading } from "../factory/world.ts";

const ENDED = { branch: "patchrelay/app-1", base: "main" } as const;

/** A place for one engine's state, so that a test can open it again as after a restart. */
export interface EngineSite {
  open(parts: EngineParts, advance: typeof factoryAdvance): Engine | Promise<Engine>;
  /** What is opened from now on finds what was durable at this moment, and nothing that the engine open now does after it. */
  kill(): Promise<void>;
  /** Ends what is left and removes the place. */
  remove(): Promise<void>;
}

const ORIGIN = { source: "test", delivery: null };

/** A call that no answer comes to. */
async function unending(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason as Error)),
  );
}

const CORE = {
  key: "APP-1",
  title: "Title",
  description: "",
  url: "https://tracker.example/APP-1",
  workspace: null,
  team: null,
  project: null,
  labels: [],
  creator: null,
};
const PAGE = { limit: 50, cursor: null };
/** As it is where no webhook brings news. */
const POLLED = { activeMs: 60_000, waitingMs: 300_000, idleMs: 1_800_000, pollMs: 15_000 };

/** One case alone, which has to fail: between `begin` and `end` something that it rests on is altered. */
interface FailingCase {
  readonly title: string;
  readonly begin: () => void;
  readonly end: () => void;
}

/** What every engine promises through the seam. `site` makes a fresh place. */
export function engineConformance(
  name: string,
  site: () => Promise<EngineSite>,
  failing: FailingCase | null = null,
): void {
  const test = (title: string, run: () => Promise<void>): void => {
    if (failing === null) vitestTest(title, run);
    else if (failing.title === title) vitestTest.fails(title, run);
  };
  const describe = (title: string, cases: () => void): void => {
    if (failing === null) vitestDescribe(title, cases);
    else cases();
  };
  describe(`engine ${name}`, () => {
    let clock: VirtualClock;
    let place: EngineSite;
    let engine: Engine;
    let performed: Effect[];
    /** Faults of the engine's own background work: there must be none, whatever the outside does. */
    let broken: string[];
    /** Every warning and error. */
    let logged: string[];

    const open = async (changes: PartsChanges = {}): Promise<Engine> => {
      const { perform, ...rest } = changes;
      engine = await place.open(
        engineParts(clock, {
          ...rest,
          log: {
            ...silentLog,
            warn: (message) => logged.push(message),
            error(message) {
              logged.push(message);
              if (
                /^(deliveries|timers|effects|runs|sweep|retention|database probe|clock rollback): /.test(
                  message,
                )
              )
                broken.push(message);
            },
          },
          async perform(effect, context) {
            performed.push(effect);
            return (await perform?.(effect, context)) ?? [];
          },
        }),
        scriptedAdvance,
      );
      await engine.start();
      return engine;
    };
    const stop = async (): Promise<void> => {
      const stopped = engine.stop(1_000);
      await clock.advance(1_000);
      await stopped;
    };
    const restart = async (changes: PartsChanges = {}): Promise<Engine> => {
      await stop();
      return await open(changes);
    };
    /** Accepts deliveries and waits until each has been answered. */
    const accept = async (...sent: ReturnType<typeof delivery>[]): Promise<string[]> => {
      const answers = Promise.all(sent.map((one) => engine.accept(one)));
      await clock.settle();
      return await answers;
    };
    const stateOf = async (id: string): Promise<string | undefined> =>
      (await engine.views.delivery(id))[0]?.state;
    const tell = (issue: string, key: string): Effect => ({
      kind: "tell",
      key,
      issue: issueOf(issue),
      session: "s",
      activity: { type: "thought", body: key },
      acknowledges: false,
    });
    const keys = (): string[] => performed.map(({ key }) => key);
    const effectOf = async (key: string, issue: string | null = null) =>
      (await engine.views.outbox({ state: null, issue }, PAGE)).items.find((item) => item.key === key);

    beforeEach(async () => {
      failing?.begin();
      clock = createVirtualClock();
      place = await site();
      performed = [];
      broken = [];
      logged = [];
    });
    afterEach(async () => {
      failing?.end();
      await stop();
      await place.remove();
      if (failing === null) expect(broken).toEqual([]);
    });

    describe("sealed records", () => {
      const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
      const kept = async (owner: string): Promise<Record<string, string>> =>
        Object.fromEntries(
          (await engine.vault.list(owner)).map(({ name, sealed }) => [
            name,
            new TextDecoder().decode(sealed),
          ]),
        );

      test("are kept per owner over a restart, replaced by name, and taken once", async () => {
        await open();
        await engine.vault.put("linear", "one", bytes("first"));
        await engine.vault.put("linear", "one", bytes("second"));
        await engine.vault.put("other", "one", bytes("third"));
        await restart();
        expect(await kept("linear")).toEqual({ one: "second" });
        expect((await engine.views.sealed("other")).map(({ name }) => name)).toEqual(["one"]);
        const taken = await Promise.all([1, 2, 3].map(() => engine.vault.take("linear", "one")));
        expect(taken.filter((sealed) => sealed !== null)).toHaveLength(1);
        expect(await kept("linear")).toEqual({});
        expect(await kept("other")).toEqual({ one: "third" });
      });
    });

    describe("deliveries", () => {
      test("a delivery changes its issue once, however often it comes", async () => {
        await open();
        const one = delivery("d1", { issue: "a", observations: [script({ effects: [tell("a", "hello")] })] });
        expect(await accept(one, one)).toEqual(["accepted", "duplicate"]);
        expect(await accept(one)).toEqual(["duplicate"]);
        expect((await engine.views.journal(issueOf("a"), PAGE))?.items).toHaveLength(1);
        expect(keys()).toEqual(["hello"]);
        expect(await stateOf("d1")).toBe("applied");
        expect((await engine.views.delivery("test:d1"))[0]).toMatchObject({
          issues: [issueOf("a")],
          action: "said",
        });
      });

      test("a known id with another body is a duplicate and the first body stays", async () => {
        await open();
        await accept(delivery("d1", { ignored: "first" }));
        expect(await accept(delivery("d1", { ignored: "second" }))).toEqual(["duplicate"]);
        expect((await engine.views.deliveryBody("test", "d1"))?.toString()).toBe('{"ignored":"first"}');
        expect(engine.health().inbox.mismatches ?? 1).toBe(1);
      });

      test("what was accepted is there after a restart and is applied then", async () => {
        await open();
        const answer = engine.accept(delivery("d1", { issue: "a", observations: [script({})] }));
        await stop();
        expect(await answer).toBe("accepted");
        await open();
        await clock.settle();
        expect(await stateOf("d1")).toBe("applied");
        expect(await engine.facts(issueOf("a"))).not.toBeNull();
      });

      test("an event of no use is ignored with its reason", async () => {
        await open();
        await accept(delivery("d1", { ignored: "a star was given" }));
        expect((await engine.views.delivery("d1"))[0]).toMatchObject({
          state: "ignored",
          why: "a star was given",
        });
      });

      test("a body that is no JSON object is quarantined and stops nobody", async () => {
        await open();
        await accept(
          delivery("d1", Buffer.from("not json")),
          delivery("d2", Buffer.from("[]"), "the body is not a JSON object"),
          delivery("d3", { issue: "a", observations: [script({})] }),
        );
        expect([await stateOf("d1"), await stateOf("d2"), await stateOf("d3")]).toEqual([
          "quarantined",
          "quarantined",
          "applied",
        ]);
      });

      test("a poisonous delivery is tried five times with growing pauses and then quarantined; others go on", async () => {
        await open();
        await accept(
          delivery("bad", { issue: "a", observations: [script({ fault: "bug in a rule" })] }),
          delivery("good", { issue: "b", observations: [script({})] }),
        );
        expect(await stateOf("good")).toBe("applied");
        expect((await engine.views.delivery("bad"))[0]).toMatchObject({ state: "pending", attempts: 1 });
        await clock.advance(1_000);
        expect((await engine.views.delivery("bad"))[0]?.attempts).toBe(1);
        await clock.advance(120_000);
        expect((await engine.views.delivery("bad"))[0]).toMatchObject({
          state: "quarantined",
          attempts: 5,
          why: "bug in a rule",
        });
        expect(await engine.facts(issueOf("a"))).toBeNull();
      });

      test("a quarantined delivery can be applied once more by hand", async () => {
        await open({ settings: { inboxAttempts: 1 } });
        await accept(delivery("bad", { fault: "no rule yet" }));
        expect(await stateOf("bad")).toBe("quarantined");
        expect(await engine.replay("test", "bad")).toBe(true);
        expect(await stateOf("bad")).toBe("pending");
        await clock.settle();
        expect(await stateOf("bad")).toBe("quarantined");
        expect(await engine.replay("test", "unknown")).toBe(false);
      });

      test("when the disk is too full the delivery is refused and nothing is remembered of it", async () => {
        await open({
          settings: { storage: { ...engineParts(clock).settings.storage, minFreeBytes: 2 ** 60 } },
        });
        const refused = expect(engine.accept(delivery("d1", {}))).rejects.toBeInstanceOf(NotDurable);
        await clock.settle();
        await refused;
        expect(engine.health().database.ok).toBe(false);
        await restart();
        expect(await stateOf("d1")).toBeUndefined();
        expect(await accept(delivery("d1", {}))).toEqual(["accepted"]);
        expect(engine.health().database.ok).toBe(true);
      });

      test("after the engine has stopped a delivery is refused", async () => {
        await open();
        await stop();
        await expect(engine.accept(delivery("d1", {}))).rejects.toBeInstanceOf(NotDurable);
      });
    });

    describe("observations", () => {
      test("record resolves with the journal's seq and the facts are there at once", async () => {
        await open();
        const { seq } = await engine.record(issueOf("a"), [script({})], ORIGIN);
        expect((await engine.views.journal(issueOf("a"), PAGE))?.items[0]?.seq).toBe(seq);
        expect(Object.keys((await engine.facts(issueOf("a")))?.prompts ?? {})).toHaveLength(1);
      });

      test("the same key again gives the earlier answer and changes nothing, also after a restart", async () => {
        await open();
        const first = await engine.record(issueOf("a"), [script({})], ORIGIN, "command-1");
        await restart();
        const second = await engine.record(issueOf("a"), [script({})], ORIGIN, "command-1");
        expect(second).toEqual(first);
        expect(Object.keys((await engine.facts(issueOf("a")))?.prompts ?? {})).toHaveLength(1);
      });

      test("what changes nothing leaves no line, but a command always does", async () => {
        await open();
        const prompt = script({});
        await engine.record(issueOf("a"), [prompt], ORIGIN);
        await engine.record(issueOf("a"), [prompt], ORIGIN);
        expect((await engine.views.journal(issueOf("a"), PAGE))?.items).toHaveLength(1);
        const by = { kind: "operator" as const, id: "x", name: "x", association: null, permission: null };
        await engine.record(
          issueOf("a"),
          [{ kind: "commanded", at: 1, command: "retry", id: "c", by, text: null, question: null }],
          ORIGIN,
        );
        expect((await engine.views.journal(issueOf("a"), PAGE))?.items).toHaveLength(2);
      });

      test("a reading that finds nothing new leaves no line and no new version, and when it was is kept", async () => {
        await open();
        const reading = (at: number, title = "Title") => ticketReading({ core: { ...CORE, title } }, at);
        await engine.record(issueOf("a"), [reading(1)], ORIGIN);
        const line = (await engine.views.journal(issueOf("a"), PAGE))?.items[0]?.seq;
        const before = await engine.views.issue(issueOf("a"));
        const heard: StreamLine[] = [];
        const end = engine.subscribe((one) => heard.push(one));
        await clock.advance(60_000);
        expect(await engine.record(issueOf("a"), [reading(60)], ORIGIN)).toEqual({ seq: line });
        await engine.record(issueOf("a"), [reading(30, "Late and old")], ORIGIN);
        await restart();
        const { core } = (await engine.facts(issueOf("a")))?.ticket ?? { core: null };
        expect(core).toMatchObject({ at: T0 + 60_000, value: { title: "Title" } });
        expect(await engine.views.issue(issueOf("a"))).toEqual(before);
        expect((await engine.views.journal(issueOf("a"), PAGE))?.items).toHaveLength(1);
        await engine.record(issueOf("a"), [reading(61, "Newer")], ORIGIN);
        expect(await engine.views.issue(issueOf("a"))).toMatchObject({
          title: "Newer",
          version: (before?.version ?? 0) + 1,
        });
        end();
        expect(heard).toEqual([]);
      });

      test("quarantined observations are seen, and can be applied once more by hand", async () => {
        await open();
        await engine.record(issueOf("a"), [script({ fault: "a bug in a rule" })], ORIGIN, "k");
        expect(engine.health().inbox.quarantined ?? 0).toBe(0);
        await clock.advance(300_000);
        expect(engine.health().inbox.quarantined).toBe(1);
        const quarantined = { state: "quarantined", source: "observation" };
        const [aside, ...others] = (await engine.views.deliveries(quarantined, PAGE)).items;
        expect(others).toEqual([]);
        expect(aside).toMatchObject({
          source: "observation",
          event: "prompted",
          state: "quarantined",
          why: "a bug in a rule",
          attempts: 5,
          issues: [issueOf("a")],
        });
        const { source, deliveryId } = aside ?? { source: "", deliveryId: "" };
        expect(await engine.views.delivery(`observation:${deliveryId}`)).toEqual([aside]);
        expect((await engine.views.deliveryBody(source, deliveryId))?.toString()).toContain(
          "a bug in a rule",
        );
        expect((await engine.views.deliveries({ state: null, source: null }, PAGE)).items).toEqual([]);
        mended.add("a bug in a rule");
        expect(await engine.replay(source, deliveryId)).toBe(true);
        await clock.settle();
        expect(await engine.facts(issueOf("a"))).not.toBeNull();
        expect(engine.health().inbox.quarantined).toBe(0);
        expect((await engine.views.deliveries(quarantined, PAGE)).items).toEqual([]);
        expect((await engine.views.delivery(`observation:${deliveryId}`))[0]).toMatchObject({
          state: "applied",
          why: `applied at ${iso(clock.now())}`,
        });
        expect(await engine.replay(source, deliveryId)).toBe(false);
        expect(await engine.replay("observation", "999")).toBe(false);
        const journal = (await engine.views.journal(issueOf("a"), PAGE))?.items;
        const again = await engine.record(issueOf("a"), [script({})], ORIGIN, "k");
        expect(again).toEqual({ seq: journal?.[0]?.seq });
        mended.clear();
      });

      test("observations whose advance fails are kept and tried again, then quarantined", async () => {
        await open();
        await engine.record(issueOf("a"), [script({ fault: "bug" })], ORIGIN, "k");
        expect(await engine.facts(issueOf("a"))).toBeNull();
        await clock.advance(300_000);
        await engine.record(issueOf("a"), [script({})], ORIGIN);
        expect(await engine.facts(issueOf("a"))).not.toBeNull();
      });
    });

    describe("effects", () => {
      const ask = async (issue: string, ...effects: Effect[]): Promise<void> => {
        await engine.record(issueOf(issue), [script({ effects })], ORIGIN);
        await clock.settle();
      };

      test("effects of one lane go in order, and one that waits holds back only its own lane and issue", async () => {
        await open({
          async perform(effect) {
            if (effect.key === "a1" && performed.length < 5)
              throw new ExternalError("unavailable", "no answer");
            return [];
          },
        });
        await ask("a", tell("a", "a1"), tell("a", "a2"), {
          kind: "comment",
          key: "a-forge",
          issue: issueOf("a"),
          number: 1,
          text: "x",
        });
        await ask("b", tell("b", "b1"));
        expect(keys()).toEqual(["a1", "a-forge", "b1"]);
        await clock.advance(10_000);
        expect(keys()).toEqual(["a1", "a-forge", "b1", "a1", "a1", "a2"]);
      });

      test("of one class no more effects are under way at once than it has places", async () => {
        const places = freePlaces("tracker", []);
        expect(places).toBeLessThan(100);
        await open({ perform: async (_, { signal }) => await unending(signal) });
        for (let number = 0; number < places + 3; number += 1)
          await ask(`i${number}`, tell(`i${number}`, `t${number}`));
        expect(performed).toHaveLength(places);
      });

      const acknowledge = (issue: string, key: string): Effect => ({
        ...(tell(issue, key) as EffectOf<"tell">),
        session: key,
        acknowledges: true,
      });

      test("an acknowledgement waits for nothing of its issue: not for what is under way, not for what is to be tried again", async () => {
        let down = true;
        await open({
          async perform(effect, { signal }) {
            if (effect.key === "b1") return await unending(signal);
            if (effect.key === "a1" && down) throw new ExternalError("unavailable", "no answer");
            return [];
          },
        });
        await ask("a", tell("a", "a1"), tell("a", "a2"));
        await ask("b", tell("b", "b1"), tell("b", "b2"));
        await clock.advance(590_000);
        down = false;
        performed.length = 0;
        await ask("a", acknowledge("a", "a-ack"));
        await ask("b", acknowledge("b", "b-ack"));
        expect(keys()).toEqual(["a-ack", "b-ack"]);
        await clock.advance(900_000);
        expect(keys().filter((key) => key.startsWith("a"))).toEqual(["a-ack", "a1", "a2"]);
      });

      test("an acknowledgement waits for no other issue, however many slow calls and removals there are", async () => {
        await open({
          perform: async ({ key }, { signal }) => (key.endsWith("ack") ? [] : await unending(signal)),
        });
        for (let busy = 0; busy < 20; busy += 1) {
          const issue = `busy-${busy}`;
          await ask(issue, tell(issue, `${issue}:said`), {
            kind: "remove_worktree",
            key: `${issue}:worktree`,
            issue: issueOf(issue),
            ...ENDED,
          });
        }
        await ask("a", acknowledge("a", "ack"));
        expect(keys().at(-1)).toBe("ack");
      });

      test("worktrees that are slow to go keep nobody from being told", async () => {
        await open({
          perform: async ({ kind }, { signal }) => (kind === "remove_worktree" ? await unending(signal) : []),
        });
        for (let gone = 0; gone < 20; gone += 1) {
          const issue = `gone-${gone}`;
          await ask(issue, {
            kind: "remove_worktree",
            key: `${issue}:worktree`,
            issue: issueOf(issue),
            ...ENDED,
          });
        }
        await ask("a", tell("a", "told"));
        expect(keys().at(-1)).toBe("told");
      });

      test("nothing else is said to the tracker before what acknowledges, and that is tried again soon", async () => {
        let failures = 0;
        await open({
          async perform(effect) {
            if (effect.key === "ack" && failures < 12) {
              failures += 1;
              throw new ExternalError("unavailable", "no answer");
            }
            return [];
          },
        });
        await ask("a", acknowledge("a", "ack"), tell("a", "a1"));
        await ask("a", tell("a", "a2"));
        expect(new Set(keys())).toEqual(new Set(["ack"]));
        await clock.advance(12 * 30_000);
        const said = keys().filter((key) => !key.startsWith("sweep:"));
        expect(said.slice(-3)).toEqual(["ack", "a1", "a2"]);
        expect(failures).toBe(12);
      });

      test("a key that is known is not carried out again", async () => {
        await open();
        await ask("a", tell("a", "once"));
        await ask("a", tell("a", "once"));
        expect(keys()).toEqual(["once"]);
      });

      test("of a coalescing kind only the newest that has not begun is carried out, with the wait of the older", async () => {
        await open({
          async perform(effect) {
            if (effect.key === "plan-1")
              throw new ExternalError("rate_limited", "later", { retryAt: clock.now() + 60_000 });
            return [];
          },
        });
        const plan = (key: string): Effect => ({
          kind: "show_plan",
          key,
          issue: issueOf("a"),
          session: "s",
          items: [],
        });
        await ask("a", plan("plan-1"));
        await ask("a", plan("plan-2"));
        await ask("a", plan("plan-3"));
        expect(keys()).toEqual(["plan-1"]);
        await clock.advance(61_000);
        expect(keys()).toEqual(["plan-1", "plan-3"]);
        expect((await effectOf("plan-2"))?.state).toBe("dropped");
      });

      test("of two readings the one that is waited for stays, and it takes over no wait of one that is not", async () => {
        const limited = new Set(["later", "awaited"]);
        await open({
          async perform({ key }) {
            if (limited.delete(key))
              throw new ExternalError("rate_limited", "later", { retryAt: clock.now() + 60_000 });
            return [];
          },
        });
        const read = (issue: string, key: string, background: boolean): Effect => ({
          kind: "read_ticket",
          key,
          issue: issueOf(issue),
          background,
          workspace: null,
        });
        await ask("a", read("a", "later", true));
        await ask("a", read("a", "at once", false));
        expect(keys()).toEqual(["later", "at once"]);
        await ask("b", read("b", "awaited", false));
        await ask("b", read("b", "sweep", true));
        expect((await effectOf("sweep"))?.state).toBe("dropped");
        await clock.advance(61_000);
        expect(keys().filter((key) => key === "awaited")).toHaveLength(2);
      });

      test("an outage is outlasted: growing pauses up to the longest, and nothing is given up", async () => {
        const times: number[] = [];
        await open({
          async perform() {
            times.push(clock.now());
            if (times.length < 9) throw new ExternalError("unavailable", "no answer");
            return [];
          },
        });
        await ask("a", tell("a", "x"));
        await clock.advance(10 * 60_000);
        const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
        expect(pauses.slice(0, 4)).toEqual([1_500, 3_000, 6_000, 12_000]);
        expect((await effectOf("x"))?.state).toBe("done");
      });

      test("a fault that is not the world's is tried again a few times, then the effect has failed", async () => {
        let calls = 0;
        await open({
          async perform() {
            calls += 1;
            throw new Error("a bug");
          },
        });
        await ask("a", tell("a", "x"));
        await clock.advance(120_000);
        expect(calls).toBe(4);
        expect(await effectOf("x")).toMatchObject({ state: "failed", attempts: 4, error: "a bug" });
        expect(engine.health().outbox.failed).toBe(1);
      });

      test("being told to wait is no attempt, and the told time is kept", async () => {
        let calls = 0;
        await open({
          async perform() {
            calls += 1;
            if (calls <= 10)
              throw new ExternalError("rate_limited", "wait", { retryAt: clock.now() + 60_000 });
            return [];
          },
        });
        await ask("a", tell("a", "x"));
        await clock.advance(59_000);
        expect(calls).toBe(1);
        await clock.advance(600_000);
        expect((await effectOf("x"))?.state).toBe("done");
      });

      test("a refusal is not tried again, the factory hears of it, and the operator may", async () => {
        let refuse = true;
        await open({
          async perform() {
            if (refuse) throw new ExternalError("refused", "the branch is protected");
            return [];
          },
        });
        const merge: Effect = {
          kind: "merge",
          key: "merge-1",
          issue: issueOf("a"),
          number: 1,
          head: "h",
          method: "squash",
          policy: "person",
          label: null,
          basis: { round: "r", reading: "e", attempt: 1 },
        };
        await ask("a", merge);
        expect(await effectOf("merge-1")).toMatchObject({ state: "failed", attempts: 1 });
        expect((await engine.facts(issueOf("a")))?.merges[0]).toMatchObject({
          key: "merge-1",
          ok: false,
          detail: "the branch is protected",
        });
        refuse = false;
        expect(await engine.retryEffect((await effectOf("merge-1"))?.id ?? "")).toBe("failed");
        await clock.settle();
        expect((await effectOf("merge-1"))?.state).toBe("done");
        expect(await engine.retryEffect((await effectOf("merge-1"))?.id ?? "")).toBe("done");
        await clock.settle();
        expect((await effectOf("merge-1"))?.state).toBe("done");
        expect(await engine.retryEffect("999")).toBeNull();
      });

      test("what was not carried out, since it was no longer wanted, is not told as done", async () => {
        await open({ perform: async () => [] });
        await ask("a", {
          kind: "rerun_checks",
          key: "rerun-1",
          issue: issueOf("a"),
          head: "h",
          failure: "f",
          workflowRuns: [],
        });
        expect((await effectOf("rerun-1"))?.state).toBe("done");
        expect((await engine.facts(issueOf("a")))?.reruns[0]).toMatchObject({ key: "rerun-1", ok: false });
      });

      test("what a performer learns is in the facts together with the effect's end", async () => {
        await open({
          async perform(effect, context) {
            await context.record([script({})]);
            expect(Object.keys((await engine.facts(effect.issue))?.prompts ?? {})).toHaveLength(2);
            return [script({})];
          },
        });
        await ask("a", tell("a", "x"));
        expect((await effectOf("x"))?.state).toBe("done");
        expect(Object.keys((await engine.facts(issueOf("a")))?.prompts ?? {})).toHaveLength(3);
      });

      test("an effect that was under way when the relay stopped is carried out after the restart", async () => {
        await open({ perform: async () => await new Promise<never>(() => undefined) });
        await ask("a", tell("a", "x"));
        expect((await effectOf("x"))?.state).toBe("doing");
        await restart();
        await clock.settle();
        expect(keys()).toEqual(["x", "x"]);
        expect((await effectOf("x"))?.state).toBe("done");
      });

      test("killed while it was being carried out costs an attempt, and what kills each time waits the longest", async () => {
        const unfinished = { perform: async () => await new Promise<never>(() => undefined) };
        await open(unfinished);
        await ask("a", tell("a", "x"));
        // The four attempts that there are go at once.
        for (const attempts of [2, 3, 4]) {
          await place.kill();
          await restart(unfinished);
          await clock.settle();
          expect(await effectOf("x")).toMatchObject({ state: "doing", attempts });
        }
        await place.kill();
        await restart();
        await ask("b", tell("b", "y"));
        const told = () => keys().filter((key) => ["x", "y"].includes(key));
        await clock.advance(899_000);
        expect(told()).toEqual(["x", "x", "x", "x", "y"]);
        expect(await effectOf("x")).toMatchObject({ state: "pending", attempts: 4, error: null });
        await clock.advance(20_000);
        expect(told().at(-1)).toBe("x");
        expect((await effectOf("x"))?.state).toBe("done");
      });
    });

    describe("runs", () => {
      const end = (handle: RunHandle, outcome: RunEnd["outcome"] = "published") => ({
        kind: "run_ended" as const,
        at: clock.now(),
        run: handle.run,
        fence: handle.fence,
        question: null,
        spent: { input: 10, cached: 0, output: 5, usd: 0.5 },
        end: { outcome, failureClass: null, summary: outcome, retryAt: null, replies: [] },
      });
      const queue = async (
        issue: string,
        run: "implementation" | "ci_repair" = "implementation",
        project = "app",
      ) => {
        await engine.record(issueOf(issue), [script({ run, project })], ORIGIN);
      };
      /** Runs that wait for the test to let them continue. */
      const held = () => {
        const begun: RunHandle[] = [];
        const release = new Map<string, () => void>();
        const performRun = async (handle: RunHandle): Promise<void> => {
          begun.push(handle);
          await new Promise<void>((resolve, reject) => {
            release.set(handle.issue, resolve);
            handle.signal.addEventListener("abort", () => reject(handle.signal.reason as Error), {
              once: true,
            });
          });
          await handle.record([end(handle)]);
        };
        return { begun, performRun, release: (issue: string) => release.get(issueOf(issue))?.() };
      };

      test("a run gets a slot, its fence and its end; the money is counted", async () => {
        const { begun, performRun, release } = held();
        await open({ performRun });
        await queue("a");
        await clock.settle();
        expect(begun).toHaveLength(1);
        expect((await engine.views.issue(issueOf("a")))?.run).toMatchObject({ type: "implementation" });
        expect(engine.health().slots.used).toBe(1);
        release("a");
        await clock.settle();
        expect((await engine.views.runs({ issue: null }, PAGE)).items[0]).toMatchObject({
          state: "ended",
          outcome: "published",
          tokens: { input: 10, cached: 0, output: 5 },
        });
        expect((await engine.views.issue(issueOf("a")))?.spent).toEqual({ runs: 1, tokens: 15, usd: 0.5 });
        expect(await engine.views.budget()).toMatchObject({ usdToday: 0.5, tokensToday: 15, runsToday: 1 });
        expect(engine.health().slots.used).toBe(0);
      });

      test("slots are limited in all and per project, rework goes before new work, then the older", async () => {
        const { begun, performRun, release } = held();
        await open({ performRun, settings: { slots: 3, slotsPerProject: 2 } });
        for (const issue of ["a", "b", "c"]) await queue(issue);
        await queue("d", "ci_repair");
        await queue("e", "implementation", "web");
        await clock.settle();
        const issues = (): string[] => begun.map(({ issue }) => issue);
        expect(issues().toSorted()).toEqual([issueOf("a"), issueOf("d"), issueOf("e")].toSorted());
        expect(await engine.views.queue()).toMatchObject({
          slots: { total: 3, used: 3 },
          items: [
            { issue: issueOf("b"), position: 1, class: "backlog", reason: "all 3 slots are in use" },
            { issue: issueOf("c"), position: 2 },
          ],
        });
        release("d");
        await clock.settle();
        expect(issues().at(-1)).toBe(issueOf("b"));
      });

      test("without room on the disk no run starts, and with room again it does", async () => {
        let disk: string | null = "free disk is low";
        const { begun, performRun } = held();
        await open({ performRun, disk: () => disk });
        await queue("a");
        await clock.settle();
        expect(begun).toHaveLength(0);
        expect((await engine.views.queue()).items[0]?.reason).toBe("free disk is low");
        disk = null;
        await clock.advance(30_000);
        expect(begun).toHaveLength(1);
      });

      test("a run under way goes on after a restart with its saved progress, and its slot is kept", async () => {
        const first = held();
        await open({ performRun: first.performRun });
        await queue("a");
        await clock.settle();
        await first.begun[0]?.saveProgress({ worktree: { path: "/w/a" }, step: 1 });
        await first.begun[0]?.saveProgress({ step: 2 });
        first.begun[0]?.event("log", "one line");
        const second = held();
        await restart({ performRun: second.performRun });
        await clock.settle();
        expect(await second.begun[0]?.progress()).toEqual({ worktree: { path: "/w/a" }, step: 2 });
        expect(second.begun[0]?.run).toBe(1);
        expect((await engine.views.issue(issueOf("a")))?.worktree).toBe("/w/a");
        expect((await engine.views.runEvents("linear-a.1", PAGE))?.items.map(({ text }) => text)).toEqual([
          "one line",
        ]);
      });

      test("a run that somebody else has ended can do nothing more", async () => {
        const { begun, performRun } = held();
        await open({ performRun });
        await queue("a");
        await clock.settle();
        const handle = begun[0];
        if (handle === undefined) throw new Error("no run began");
        await engine.record(issueOf("a"), [end(handle, "superseded")], ORIGIN);
        expect(await handle.stopped).toBe("superseded");
        await expect(handle.facts()).rejects.toBeInstanceOf(Fenced);
        await expect(handle.saveProgress({ x: 1 })).rejects.toBeInstanceOf(Fenced);
        await expect(handle.record([end(handle)])).rejects.toBeInstanceOf(Fenced);
      });

      test("a run that cannot be started again and again ends, free of charge, and holds nothing up", async () => {
        await open({ performRun: held().performRun, settings: { outboxAttempts: 3 } });
        const asked = script({ startFault: "a bug in a rule", run: "implementation", project: "app" });
        await engine.record(issueOf("a"), [asked], ORIGIN);
        for (let look = 0; look < 40; look += 1) await clock.advance(15_000);
        expect((await engine.facts(issueOf("a")))?.runs[0]).toMatchObject({
          state: "ended",
          startedAt: null,
          end: { outcome: "failed", failureClass: "infrastructure", charged: false },
        });
        expect((await engine.facts(issueOf("a")))?.runs[0]?.end?.summary).toContain("a bug in a rule");
        expect((await engine.views.queue()).items).toEqual([]);
        expect((await engine.views.issue(issueOf("a")))?.run).toBeNull();
      });

      test("a new run of the issue waits until the pipeline before it has let go", async () => {
        const { begun, performRun, release } = held();
        await open({ performRun });
        await queue("a");
        await clock.settle();
        const handle = begun[0];
        if (handle === undefined) throw new Error("no run began");
        await engine.record(issueOf("a"), [end(handle, "superseded")], ORIGIN);
        await queue("a");
        await clock.settle();
        expect(begun).toHaveLength(1);
        expect((await engine.views.queue()).items[0]?.reason).toBe("the previous run is still finishing");
        release("a");
        await clock.settle();
        expect(begun.map(({ run }) => run)).toEqual([1, 2]);
      });

      test("a stop reaches the run, also one that still waits for a slot", async () => {
        const { begun, performRun } = held();
        await open({ performRun, settings: { slots: 1 } });
        await queue("a");
        await clock.settle();
        await queue("b");
        for (const issue of ["a", "b"]) {
          await engine.record(
            issueOf(issue),
            [
              {
                kind: "stop_requested",
                at: 5,
                prompt: "p",
                session: null,
                by: { kind: "person", id: "1", name: null, association: null, permission: null },
              },
            ],
            ORIGIN,
          );
        }
        await clock.settle();
        expect(await begun[0]?.stopped).toBe("stopped");
        expect(begun[0]?.stopReason()).toBe("stopped");
        expect((await engine.facts(issueOf("b")))?.runs[0]).toMatchObject({
          state: "ended",
          end: { outcome: "stopped", charged: false },
        });
        expect((await engine.views.queue()).items).toEqual([]);
      });

      test("messages to a run arrive once and in order, and one that was not delivered comes again after a restart", async () => {
        const { begun, performRun } = held();
        await open({ performRun });
        await queue("a");
        await clock.settle();
        let arrivals = 0;
        begun[0]?.steers.onArrival(() => {
          arrivals += 1;
        });
        const steer = (prompt: string): Partial<Effect> => ({
          kind: "steer_run",
          key: `steer-${prompt}`,
          run: 1,
          prompt,
          text: prompt,
        });
        await engine.record(issueOf("a"), [script({ effects: [steer("p1"), steer("p2")] })], ORIGIN);
        await clock.settle();
        expect(arrivals).toBe(2);
        expect((await begun[0]?.steers.take())?.map(({ prompt }) => prompt)).toEqual(["p1", "p2"]);
        expect(await begun[0]?.steers.take()).toEqual([]);
        const second = held();
        await restart({ performRun: second.performRun });
        await clock.settle();
        expect((await second.begun[0]?.steers.take())?.map(({ prompt }) => prompt)).toEqual(["p1", "p2"]);
      });

      test("a pipeline that breaks is settled as an uncharged infrastructure failure with a time to try again", async () => {
        await open({
          async performRun() {
            throw new Error("the agent's process is gone");
          },
        });
        await queue("a");
        await clock.settle();
        const run = (await engine.facts(issueOf("a")))?.runs[0];
        expect(run?.end).toMatchObject({ outcome: "failed", failureClass: "infrastructure", charged: false });
        expect(run?.end?.retryAt).toBeGreaterThan(clock.now());
      });

      test("a pipeline that returns without an end is settled too", async () => {
        await open({ performRun: async () => undefined });
        await queue("a");
        await clock.settle();
        expect(activeRun((await engine.facts(issueOf("a"))) ?? expect.fail("no facts"))).toBeNull();
      });
    });

    describe("time", () => {
      test("a timer fires at its time and not before, also when its time passed while the relay was down", async () => {
        await open();
        const until = clock.now() + 3_600_000;
        await engine.record(issueOf("a"), [script({ until })], ORIGIN);
        await clock.advance(3_599_000);
        expect(wokenAt(await engine.facts(issueOf("a")))).toBeNull();
        await clock.advance(1_000);
        expect(wokenAt(await engine.facts(issueOf("a")))).toBe(until);
        await engine.record(issueOf("b"), [script({ until: until + 1_000 })], ORIGIN);
        await stop();
        clock.jump(86_400_000);
        await open();
        await clock.settle();
        expect(wokenAt(await engine.facts(issueOf("b")))).not.toBeNull();
      });

      test("a jump of the wall clock delays a timer by seconds and loses none", async () => {
        await open();
        await engine.record(issueOf("a"), [script({ until: clock.now() + 3_600_000 })], ORIGIN);
        clock.jump(86_400_000);
        await clock.advance(20_000);
        expect(wokenAt(await engine.facts(issueOf("a")))).not.toBeNull();
      });
    });

    describe("the sweep", () => {
      const reads = (issue: string): number =>
        performed.filter((effect) => effect.kind === "read_ticket" && effect.issue === issueOf(issue)).length;

      test("each issue is read at the pace of its state, and an ended one once more and never again", async () => {
        await open();
        await engine.record(issueOf("active"), [script({ state: "pr_open" })], ORIGIN);
        await engine.record(issueOf("waiting"), [script({ state: "awaiting_review" })], ORIGIN);
        await engine.record(issueOf("ended"), [script({ state: "done" })], ORIGIN);
        await clock.advance(620_000);
        expect(reads("active")).toBe(10);
        expect(reads("waiting")).toBe(2);
        expect(reads("ended")).toBe(1);
        expect(engine.health().sweep.ageMs).toBeLessThanOrEqual(15_000);
      });

      test("it goes on although reading fails and although looking for lost issues never answers", async () => {
        let looks = 0;
        await open({
          async discover() {
            looks += 1;
            return await new Promise<never>(() => undefined);
          },
          async perform() {
            throw new ExternalError("unavailable", "no answer");
          },
        });
        await engine.record(issueOf("a"), [script({ state: "pr_open" })], ORIGIN);
        await clock.advance(600_000);
        expect(reads("a")).toBeGreaterThan(3);
        // Each look is cut off at its deadline, by the engine's clock, and made again.
        expect(looks).toBeGreaterThan(3);
        expect(engine.health().sweep.ageMs).toBeLessThanOrEqual(15_000);
      });

      test("an issue that no webhook reported is found and kept", async () => {
        const by = { kind: "person" as const, id: "1", name: null, association: null, permission: null };
        await open({
          discover: async () => ({
            issues: [{ issue: issueOf("lost"), workspace: "w", by, at: 0, isOurs: true }],
            rest: null,
          }),
          async perform(effect) {
            return effect.kind === "read_ticket" ? [script({ state: "delegated" })] : [];
          },
        });
        await clock.settle();
        expect((await engine.views.issue(issueOf("lost")))?.state).toBe("delegated");
      });

      const lost = (...names: string[]) =>
        names.map((name) => ({
          issue: issueOf(name),
          workspace: "w",
          by: NOBODY,
          at: clock.now() - 60_000,
          isOurs: true,
        }));

      test("without webhooks what changed is read at once, each change once, and only of what is kept or ours", async () => {
        const [kept, ours, foreign] = lost("kept", "ours", "foreign").map((found, index) => ({
          ...found,
          isOurs: index === 1,
        }));
        if (kept === undefined || ours === undefined || foreign === undefined) expect.fail("three of them");
        let found: readonly (typeof kept)[] = [];
        await open({ settings: { sweep: POLLED }, discover: async () => ({ issues: found, rest: null }) });
        await engine.record(issueOf("kept"), [script({ state: "awaiting_input" })], ORIGIN);
        found = [kept, ours, foreign];
        await clock.advance(60_000);
        expect(performed.map(({ key }) => key)).toEqual(
          [kept, ours].map(({ issue, at }) => `discover:${issue}:${at}`),
        );
        found = [{ ...kept, at: kept.at + 1 }];
        await clock.advance(15_000);
        expect(reads("kept")).toBe(2);
      });

      test("without webhooks a pull request is read as often as news is looked for while the forge is awaited", async () => {
        await open({ settings: { sweep: POLLED } });
        const begun = script({ state: "pr_open", project: "app", run: "implementation" });
        await engine.record(issueOf("a"), [begun], ORIGIN);
        await clock.advance(300_000);
        const pulls = performed.filter(({ kind }) => kind === "read_pull_request").length;
        expect(pulls).toBeGreaterThanOrEqual(14);
        expect(pulls).toBeLessThanOrEqual(20);
        expect(reads("a")).toBe(1);
      });

      test("of many issues that no webhook reported each is read once, also over a restart", async () => {
        const all = lost(...Array.from({ length: 450 }, (_, index) => `lost-${index}`));
        const discover: EngineParts["discover"] = async (since) => ({
          issues: all.filter(({ at }) => at >= since),
          rest: null,
        });
        await open({ discover });
        await clock.settle();
        await restart({ discover });
        await clock.advance(1_000_000);
        const read = performed.filter(({ key }) => key.startsWith("discover:")).map(({ issue }) => issue);
        expect(new Set(read).size).toBe(450);
        expect(read.length).toBe(450);
      });

      test("a list that goes on is followed to its end, and a place in it that is refused starts over", async () => {
        const asked: { since: number; rest: PlaceInList | null }[] = [];
        const discover: EngineParts["discover"] = async (since, rest) => {
          asked.push({ since, rest });
          if (rest === null) return { issues: lost("first"), rest: { tracker: "linear", rest: "page 2" } };
          if (asked.length === 2) throw new ExternalError("refused", "no such place");
          return { issues: lost("last"), rest: null };
        };
        await open({ discover });
        await clock.advance(600_000);
        expect(asked.map(({ rest }) => rest?.rest ?? null)).toEqual([null, "page 2", null, "page 2"]);
        expect(asked[2]?.since).toBeLessThanOrEqual((asked[0]?.since ?? 0) + 600_000);
        await clock.advance(1_800_000);
        expect(asked[4]?.rest).toBeNull();
        expect(asked[4]?.since).toBeGreaterThan(asked[0]?.since ?? Infinity);
        expect(reads("last")).toBeGreaterThan(0);
      });

      test("a wall clock that was ahead and is set back halts neither the sweep, nor a retry, nor a delivery, nor the look for lost issues", async () => {
        const since: number[] = [];
        let down = true;
        await open({
          async discover(from) {
            since.push(clock.now() - from);
            return { issues: [], rest: null };
          },
          async perform(effect) {
            if (effect.kind === "tell" && down) throw new ExternalError("unavailable", "no answer");
            return [];
          },
        });
        clock.jump(86_400_000);
        await engine.record(issueOf("a"), [script({ state: "pr_open" })], ORIGIN);
        await engine.record(issueOf("b"), [script({ effects: [tell("b", "told")] })], ORIGIN);
        await accept(delivery("bad", { fault: "no rule yet" }));
        await engine.record(issueOf("c"), [script({ fault: "bug" })], ORIGIN, "command");
        await clock.advance(1_900_000);
        await accept(delivery("worse", { fault: "no rule yet" }));
        const before = reads("a");
        clock.jump(-86_400_000);
        down = false;
        await clock.advance(600_000);
        expect(reads("a")).toBeGreaterThan(before + 5);
        expect((await effectOf("told", issueOf("b")))?.state).toBe("done");
        expect(await stateOf("worse")).toBe("quarantined");
        await clock.advance(1_800_000);
        expect(since.length).toBeGreaterThan(2);
        // What was lost between the true time and the time that was believed must be found too.
        expect(Math.max(...since.slice(2))).toBeGreaterThan(86_400_000);
      });
    });

    describe("a stop", () => {
      test("is no failure of what it interrupts: nothing is logged as one, and the next start takes it up", async () => {
        const begun: string[] = [];
        const changes: PartsChanges = {
          async discover(_since, _rest, signal) {
            begun.push("discovery");
            return await unending(signal);
          },
          async perform({ key }, { signal }) {
            begun.push(key);
            return await unending(signal);
          },
          async performRun({ signal }) {
            begun.push("run");
            return await unending(signal);
          },
        };
        const all = ["discovery", "hello", "run"];
        await open(changes);
        await engine.record(issueOf("a"), [script({ effects: [tell("a", "hello")] })], ORIGIN);
        await engine.record(issueOf("b"), [script({ run: "implementation", project: "app" })], ORIGIN);
        await clock.settle();
        expect(begun.toSorted()).toEqual(all);
        await restart(changes);
        await clock.settle();
        expect(begun.toSorted()).toEqual([...all, ...all].toSorted());
        expect(logged).toEqual([]);
        expect(await effectOf("hello")).toMatchObject({ state: "doing", attempts: 1, error: null });
      });
    });

    describe("reading", () => {
      test("pages go on where the page before ended, without gaps or doubles", async () => {
        await open();
        await accept(...Array.from({ length: 7 }, (_, index) => delivery(`d${index}`, { ignored: "x" })));
        const seen: string[] = [];
        let cursor: string | null = null;
        do {
          const page = await engine.views.deliveries({ state: null, source: null }, { limit: 3, cursor });
          seen.push(...page.items.map(({ deliveryId }) => deliveryId));
          ({ nextCursor: cursor } = page);
        } while (cursor !== null);
        expect(seen).toEqual(["d6", "d5", "d4", "d3", "d2", "d1", "d0"]);
      });

      test("a cursor that no page gave is refused by name", async () => {
        await open();
        await expect(
          engine.views.deliveries({ state: null, source: null }, { limit: 3, cursor: "x'; DROP" }),
        ).rejects.toBeInstanceOf(BadCursor);
      });

      test("why is told for now and for a moment of the past", async () => {
        await open();
        const first = await engine.record(issueOf("a"), [script({ state: "preparing" })], ORIGIN);
        const before = clock.now();
        await clock.advance(60_000);
        await engine.record(issueOf("a"), [script({ state: "pr_open" })], ORIGIN);
        expect((await engine.views.why(issueOf("a"), null))?.state).toBe("pr_open");
        expect((await engine.views.why(issueOf("a"), { seq: first.seq }))?.state).toBe("preparing");
        expect((await engine.views.why(issueOf("a"), { time: before }))?.state).toBe("preparing");
        expect(await engine.views.why(issueOf("a"), { time: before - 1 })).toBeNull();
        expect(await engine.views.why("nobody", null)).toBeNull();
      });

      test("the stream is one growing sequence that can be resumed, and listeners hear it after the commit", async () => {
        await open();
        const heard: StreamLine[] = [];
        const shown: Promise<readonly StreamLine[]>[] = [];
        const end = engine.subscribe((line) => {
          shown.push(engine.views.stream(line.seq - 1, 1));
          heard.push(line);
        });
        await engine.record(issueOf("a"), [script({})], ORIGIN);
        await engine.record(issueOf("b"), [script({})], ORIGIN);
        end();
        for (const [index, lines] of (await Promise.all(shown)).entries())
          expect(lines[0]?.seq).toBe(heard[index]?.seq);
        await engine.record(issueOf("c"), [script({})], ORIGIN);
        const all = await engine.views.stream(0, 100);
        expect(heard.map(({ seq }) => seq)).toEqual(all.slice(0, 2).map(({ seq }) => seq));
        expect(all).toHaveLength(3);
        expect(await engine.views.stream(all[0]?.seq ?? 0, 100)).toEqual(all.slice(1));
      });
    });
  });
}
