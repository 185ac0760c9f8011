import { existsSync } from "node:fs";
import type { Views } from "../../engines/engine.ts";
import { Bug } from "../../lib/assert.ts";
import { layoutOf } from "../../settings/load/layout.ts";
import { locate } from "../../settings/load/locate.ts";
import type { Sources } from "../../settings/load/locate.ts";
import type { Given } from "../usage/argv.ts";
import { quoted } from "../usage/argv.ts";
import type { Context } from "../usage/command.ts";
import { badSettings, Failure, notFound, wrongUsage } from "../usage/failure.ts";
import type { Host } from "./host.ts";
import { engineOf } from "./registry.ts";
import { createRelayApi } from "../reach/relay.ts";
import { nothingYet } from "../show/list.ts";
import { styleOf } from "../show/style.ts";

const MOST_ITEMS = 1_000_000;

/** Makes the context of one command; `close` gives back what the command opened. Throws Failure for a bad --limit. */
export function createContext(
  host: Host,
  given: Given,
): {
  readonly context: Context;
  /** Says so when the command may have looked in the wrong place, unless that was said. */
  readonly remark: () => Promise<void>;
  readonly close: () => Promise<void>;
} {
  const { stdout, stderr } = host;
  const json = given.flags.has("json");
  const terminal = stdout.terminal && !json;
  const color = terminal && wantsColor(host, given);
  let views: Promise<Views | null> | null = null;
  let opened: Views | null = null;
  const closing: (() => void)[] = [];
  const interrupted = once(() => {
    const stop = new AbortController();
    closing.push(host.onSignal((name) => stop.abort(new Error(name))));
    return stop.signal;
  });
  let doubtful = false;
  const located = once(() => {
    const found = locate(sourcesOf(host, given.values["config"] ?? null));
    if (!found.ok) throw badSettings(found.problems);
    doubtful = found.doubtful;
    return found;
  });
  const problems = once(async () => {
    // Apart, because it loads the whole check: most commands do without it.
    const { settingsOf } = await import("./settings.ts");
    const loaded = await settingsOf(host, given.values["config"] ?? null);
    return loaded.ok ? null : problemsText(loaded.problems.length);
  });
  const told = once(async () => {
    const text = await problems();
    if (text !== null) context.note(text);
  });
  const remark = async (): Promise<void> => {
    if (doubtful && !json) await told();
  };

  const context: Context = {
    host: host,
    json,
    terminal,
    color,
    style: styleOf(color),
    limit: limitOf(given.values["limit"]),
    cursor: given.values["cursor"] ?? null,
    configFlag: given.values["config"] ?? null,
    argument(name) {
      const value = given.arguments[name];
      if (value === undefined) throw new Bug(`the argument ${name} is missing`);
      return value;
    },
    optional: (name) => given.arguments[name] ?? null,
    flag: (name) => given.flags.has(name),
    value: (name) => given.values[name] ?? null,
    located,
    kept() {
      const location = located();
      views ??= remark()
        .then(() => openViews(host, location))
        .then((found) => (opened = found));
      return views;
    },
    async problems() {
      if (!json) await told();
      return await problems();
    },
    async views() {
      const found = await context.kept();
      if (found === null) throw notFound(nothingYet(context));
      return found;
    },
    relay: once(() => createRelayApi(host, located())),
    say: (line) => stdout.write(`${line}\n`),
    answer(document, lines) {
      if (json) stdout.write(`${JSON.stringify(document, null, 2)}\n`);
      else for (const line of lines()) stdout.write(`${line}\n`);
    },
    note(line) {
      if (!json) stderr.write(`${line}\n`);
    },
    interrupted,
    onClose: (act) => {
      closing.push(act);
    },
  };
  return {
    context,
    remark,
    async close() {
      await opened?.close();
      for (const end of closing) end();
    },
  };
}

/** Where settings are read from. */
export function sourcesOf({ env, cwd, readFile }: Host, configFlag: string | null): Sources {
  return { configFlag: configFlag ?? undefined, env, cwd, readFile };
}

/** Opens what the relay stores, afresh; null if nothing is stored yet. */
export async function openViews(host: Host, location: ReturnType<Context["located"]>): Promise<Views | null> {
  const layout = layoutOf(location.dataDir);
  const { row, instead } = await engineOf(host, location.engine);
  if (row === null) {
    throw new Failure(1, "engine", `engine "${location.engine}" is not supported yet`, {
      hint: `set engine to "${instead}"`,
    });
  }
  // Before the database library is loaded: on a new machine there is nothing to load it for.
  if (!existsSync(layout.root)) return null;
  try {
    return await row.views(layout, host.clock);
  } catch (error) {
    if (error instanceof Error && error.name === "NoDatabase") return null;
    throw error;
  }
}

function problemsText(count: number): string {
  const [has, them] = count === 1 ? ["1 problem", "it"] : [`${count} problems`, "them"];
  return `The configuration has ${has} (\`patchrelay config check\` lists ${them}); this is what could be read without ${them}.`;
}

function wantsColor({ env }: Host, given: Given): boolean {
  return !given.flags.has("no-color") && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

function limitOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const limit = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MOST_ITEMS) return limit;
  throw wrongUsage(`--limit is ${quoted(text)}; expected a whole number from 1 to ${MOST_ITEMS}`);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
