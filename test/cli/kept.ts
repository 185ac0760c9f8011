import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedEngine } from "../../src/engines/embedded/engine.ts";
import type { Engine } from "../../src/engines/engine.ts";
import { delay, systemClock } from "../../src/lib/clock.ts";
import { ExternalError } from "../../src/lib/external.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { delivery, engineParts, issueOf } from "../engines/parts.ts";
import { script, scriptedAdvance } from "../engines/scripted-factory.ts";
import type { Script } from "../engines/scripted-factory.ts";

/** A title that would rewrite the line it stands in. */
export const HOSTILE = "Add \u202esubtraction\u001b[2J\u200b now";
export const HOSTILE_SHOWN = "Add \\u{202e}subtraction\\u{1b}[2J\\u{200b} now";

export const FIRST = "11111111-1111-4111-8111-111111111111";
export const SECOND = "22222222-2222-4222-8222-222222222222";
const THIRD = "33333333-3333-4333-8333-333333333333";
export const RUN = `linear-${FIRST}.1`;

/** A folder with a config file, whose data folder is `data` in it. */
export interface Place {
  readonly folder: string;
  readonly config: string;
  readonly dataDir: string;
  readonly remove: () => void;
}

const PROJECT = { id: "app", repository: { name: "example/app" } };

/** Makes the folder; `changes` go over the config's keys. */
export function makePlace(changes: object = {}): Place {
  const folder = mkdtempSync(join(tmpdir(), "patchrelay-cli-"));
  const config = join(folder, "patchrelay.json");
  const agent = { default: "scripted", scripted: { file: "agent.json" } };
  const content = { dataDir: "data", http: { port: 0 }, agent, projects: [PROJECT] };
  writeFileSync(join(folder, "agent.json"), JSON.stringify({ rules: [] }));
  writeFileSync(config, JSON.stringify({ ...content, ...changes }));
  return {
    folder,
    config,
    dataDir: join(folder, "data"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Opens the real engine in the place, with the scripted factory; run 1 of APP-1 goes on until the engine stops. */
export function openEngine({ dataDir }: Place): Engine {
  const parts = engineParts(systemClock, {
    async perform(effect) {
      if (effect.kind === "comment") throw new ExternalError("refused", "GitHub said no: \u001b[31mlocked");
      return [];
    },
    async performRun(handle) {
      handle.event("message", "I look around.");
      handle.event("command", "npm test\u0007\nexit 0");
      if (handle.signal.aborted) return;
      await new Promise<void>((resolve) => {
        handle.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    },
  });
  const { test } = parts.interpreters;
  if (test === undefined) throw new Error("the engine tests' interpreter is gone");
  return openEmbeddedEngine({
    file: join(dataDir, "patchrelay.db"),
    lockFile: join(dataDir, "patchrelay.lock"),
    pid: process.pid,
    parts: { ...parts, interpreters: { test, other: test } },
    advance: scriptedAdvance,
  });
}

/** Fills the place: three issues, a run with a log, deliveries of two sources, a failed effect. The engine is stopped. */
export async function fill(place: Place): Promise<void> {
  const engine = openEngine(place);
  await engine.start();
  try {
    await told(engine, FIRST, "APP-1", HOSTILE, { run: "implementation", project: "app" });
    await told(engine, SECOND, "APP-2", "Ask me", { state: "awaiting_input", project: "app" });
    await told(engine, THIRD, "APP-3", "Over", {
      state: "done",
      project: "app",
      effects: [{ kind: "comment", key: "comment-1", number: 7, text: "hello" }],
    });
    await engine.accept(delivery("same", { issue: FIRST, ignored: "nothing in it" }));
    await engine.accept({ ...delivery("same", { issue: SECOND, ignored: "neither" }), source: "other" });
    await engine.accept(delivery("body", { ignored: "no use", text: "a\u202eb" }));
    await until(
      async () =>
        (await engine.views.runEvents(RUN, { limit: 5, cursor: null }))?.items.length === 2 &&
        engine.health().inbox.pending === 0 &&
        ((await engine.views.counts()).outbox["failed"] ?? 0) === 1,
    );
  } finally {
    await engine.stop(5_000);
  }
}

/** Observes a ticket and a script about one issue. */
export async function told(engine: Engine, id: string, key: string, title: string, content: Script) {
  const core = {
    key,
    title,
    description: "",
    url: `https://linear.app/acme/issue/${key}`,
    workspace: null,
    team: "APP",
    project: null,
    labels: [],
    creator: null,
  };
  const read = { kind: "ticket_read", at: 1, core } as unknown as Observation;
  return await engine.record(issueOf(id), [read, script(content)], { source: "test", delivery: null });
}

const LOOKS = 2_000;

/** Waits for something that the engine does by itself, within a bound. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    if (await holds()) return;
    await delay(systemClock, 5);
  }
  throw new Error("it did not come to hold");
}
