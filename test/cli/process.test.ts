import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { buildBundle, ended, firstLine } from "./bundle.ts";
import type { Bundle } from "./bundle.ts";
import { json } from "./fake-host.ts";
import { fill, makePlace } from "./kept.ts";
import type { Place } from "./kept.ts";

let bundle: Bundle;
let place: Place;
beforeAll(async () => {
  bundle = await buildBundle();
  place = makePlace();
  await fill(place);
});
afterAll(() => {
  bundle.remove();
  place.remove();
});

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).toReversed()) step();
});

const run = async (line: string, where: Place = place) =>
  await bundle.run([...line.split(" "), "--config", where.config], {});

test("command.cjs carries what issue list needs, and no package but the database's", () => {
  const { inputs, outputs } = bundle.main;
  const carried = Object.keys(inputs);
  for (const file of [
    "src/cli/issue/look/list.ts",
    "src/registry.ts",
    "src/engines/embedded/views/open-views.ts",
  ])
    expect(carried).toContain(file);
  const packages = carried.filter((file) => !file.startsWith("src/") && !file.startsWith("late:node:"));
  const others = packages.filter((file) => !file.startsWith("node_modules/better-sqlite3/"));
  expect(others).toEqual(["bindings:bindings"]);
  const atStart = Object.values(outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ kind }) => kind === "import-statement");
  expect(atStart.every(({ path }) => path.startsWith("node:"))).toBe(true);
});

/** The files that cannot be loaded without `name`, or that load it themselves when they want it. */
function needing(name: string): readonly string[] {
  const { outputs } = bundle.parts;
  const direct = Object.keys(outputs).filter((file) =>
    outputs[file]?.imports.some(({ path, external }) => external === true && path === name),
  );
  const closure = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const { path, kind, external } of outputs[file]?.imports ?? [])
      if (kind === "import-statement" && external !== true) closure(path, seen);
    return seen;
  };
  return Object.entries(outputs)
    .flatMap(([file, { entryPoint }]) =>
      entryPoint !== undefined && direct.some((part) => closure(file).has(part)) ? [entryPoint] : [],
    )
    .toSorted();
}

test("a package is loaded by what needs it, and by nothing else", () => {
  const expected: Readonly<Record<string, readonly string[]>> = {
    "@linear/sdk": ["src/trackers/linear/set-up.ts"],
    "@octokit/rest": ["src/forges/github/forge.ts"],
    "@octokit/webhooks": ["src/demo/demo.ts"],
    "better-sqlite3": [
      "src/engines/embedded/database/maintenance.ts",
      "src/engines/embedded/database/probe.ts",
      "src/engines/embedded/engine.ts",
      "src/engines/embedded/views/open-views.ts",
    ],
    fastify: ["src/http/http.ts"],
    pino: ["src/cli/serve.ts"],
    "simple-git": ["src/cli/doctor.ts", "src/demo/demo.ts"],
  };
  expect(Object.fromEntries(Object.keys(expected).map((name) => [name, needing(name)]))).toEqual(expected);
});

test("it starts from what was compiled before; compiled by another Node or gone, it starts all the same", async () => {
  const cache = join(bundle.folder, "command.cache");
  const made = readFileSync(cache);
  const refused = async (): Promise<unknown> => {
    const code = `process.argv = [process.argv[0], "", "--version"];
      console.error(require(${JSON.stringify(join(bundle.folder, "main.cjs"))}).cachedDataRejected);`;
    const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "pipe"] });
    const { out, err } = await ended(child);
    expect(out).toMatch(/^\d+\.\d+\.\d+/);
    return err.trim();
  };
  expect(await refused()).toBe("false");
  const foreign = Buffer.from(made);
  foreign.writeUInt32LE((foreign.readUInt32LE(4) ^ 1) >>> 0, 4);
  writeFileSync(cache, foreign);
  expect(await refused()).toBe("true");
  rmSync(cache);
  expect(await refused()).toBe("undefined");
  writeFileSync(cache, made);
});

test.each(["18.20.0", "20.18.3"])("Node %s is refused in a sentence", async (version) => {
  const code = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });
    require(${JSON.stringify(join(bundle.folder, "main.cjs"))});`;
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "pipe"] });
  const { code: exit, out, err } = await ended(child);
  expect([exit, out]).toEqual([1, ""]);
  expect(err).toMatch(/^patchrelay needs Node 20\.19 or newer; this is Node .*Install Node 22 or 24.*\n$/);
  expect(err).toContain(version);
});

test("issue list really loads nothing heavy", async () => {
  // Tells every package that is asked for, by import or by require.
  const hook = `export async function resolve(name, context, next) {
    if (!/^(node:|[./]|file:|data:)/.test(name)) process._rawDebug("LOADED " + name);
    return next(name, context);
  }`;
  const preload = `import Module, { register } from "node:module";
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
    const load = Module._load;
    Module._load = function (name, ...rest) {
      if (!/^(node:|[./])/.test(name) && !Module.isBuiltin(name)) process._rawDebug("LOADED " + name);
      if (name.endsWith(".node")) process._rawDebug("LOADED FILE " + name.split("/").pop());
      return load.call(this, name, ...rest);
    };`;
  const args = ["issue", "list", "--config", place.config];
  const { code, out, err } = await bundle.run(args, {}, [
    "--import",
    `data:text/javascript,${encodeURIComponent(preload)}`,
  ]);
  expect(code).toBe(0);
  expect(out).toContain("APP-1");
  const packages = new Set([...err.matchAll(/^LOADED (?!FILE )(.*)$/gm)].map(([, name]) => name));
  // Not even the database's, but from Node 24 on: its code is carried, and only its compiled part is loaded.
  expect([...packages].filter((name) => name !== "better-sqlite3-napi")).toEqual([]);
  expect(err).toMatch(/LOADED FILE (better_sqlite3|linux\w*-\w+|darwin-\w+|win32-\w+)\.node/);
});

test("help loads not even the database", async () => {
  const { err } = await bundle.run(["--help"], { NODE_DEBUG: "module" });
  expect(err).not.toContain("better-sqlite3");
});

test("a failure of a part that is loaded apart is told as any other", async () => {
  const { code, err } = await run("serve --json");
  expect(code).toBe(1);
  expect(json(err)).toMatchObject({ type: "urn:patchrelay:problem:bad_settings", title: "Failed" });
});

test.each([
  ["issue list", 0],
  ["APP-1", 0],
  ["status", 0],
  ["issue list --limit x", 2],
  ["issue lisst", 2],
  ["NOPE-1", 3],
  ["issue stop NOPE-1", 4],
  ["serve", 1],
  ["db check --nonsense", 2],
])("as a process %s exits with %i", async (line, exit) => {
  const { code, err } = await run(line);
  expect(code, err).toBe(exit);
});

test("a reader that stops reading is no failure", async () => {
  const child = bundle.start(["machine", "--config", place.config], {});
  child.stdout?.destroy();
  const { code, err } = await ended(child);
  expect([code, err]).toEqual([0, ""]);
});

const SECRETS = {
  LINEAR_WEBHOOK_SECRET: "lin_wh_q7Vt2mZc9RkX4bNd",
  GITHUB_WEBHOOK_SECRET: "5f1c0e8ab94d27366c2be0d1",
  LINEAR_API_KEY: "lin_api_value",
  GITHUB_TOKEN: "ghp_value",
};

/** A place for a relay whose Linear and GitHub are out of reach. */
function servingPlace(): Place {
  const apiUrl = "http://127.0.0.1:9";
  const storage = { minFreeMiB: 0, stopRunsBelowMiB: 0 };
  const made = makePlace({ linear: { apiUrl }, github: { apiUrl, webUrl: apiUrl }, storage });
  undo.push(made.remove);
  return made;
}

function serve(where: Place, more: readonly string[] = []): ChildProcess {
  const child = bundle.start(["serve", "--config", where.config, ...more], SECRETS);
  undo.push(() => child.kill("SIGKILL"));
  return child;
}

test("serve tells its URL, answers, is found by the other commands, and ends with exit 0 on SIGTERM", async () => {
  const where = servingPlace();
  const child = serve(where, ["--json"]);
  const told = ended(child);
  const { url, pid } = json<{ url: string; pid: number }>(await firstLine(child));
  expect(pid).toBe(child.pid);
  expect((await fetch(`${url}/health`)).status).toBe(200);

  const status = await run("status --json", where);
  expect(json(status.out)).toMatchObject({ relay: "up", url, ready: { parts: { database: { ok: true } } } });
  expect((await run("issue stop NOPE-1", where)).code).toBe(3);
  expect((await run("outbox retry 99", where)).code).toBe(3);
  expect(json((await run("agents --json", where)).out)).toMatchObject({ items: [{ name: "scripted" }] });

  // What a running relay keeps sealed is read beside it: its lock is held, and that is no fault of the database.
  const doctor = await bundle.run(["doctor", "--offline", "--config", where.config], SECRETS);
  expect(`${doctor.out}${doctor.err}`).not.toMatch(/cannot be read|locked/);
  const second = await ended(serve(where));
  expect([second.code, second.out]).toEqual([1, ""]);
  expect(second.err).toContain(`process ${pid}`);

  child.kill("SIGTERM");
  const { code, out, err } = await told;
  expect(code, err).toBe(0);
  expect(out.trimEnd().split("\n")).toHaveLength(1);
  for (const line of err.trimEnd().split("\n")) expect(json(line)).toHaveProperty("level");
  for (const value of Object.values(SECRETS)) expect(out + err).not.toContain(value);

  const after = await run("status --json", where);
  expect([after.code, json(after.out)["relay"]]).toEqual([0, "down"]);
});

test("serve goes on when nobody reads its log any more, and ends with exit 0 on SIGTERM", async () => {
  const child = serve(servingPlace(), ["--json"]);
  const { url } = json<{ url: string }>(await firstLine(child));
  child.stdout?.destroy();
  child.stderr?.destroy();
  // Each is logged as a webhook that was refused.
  for (let count = 0; count < 3; count += 1)
    expect((await fetch(`${url}/webhooks/github`, { method: "POST", body: "{}" })).status).toBe(401);
  expect(
    await new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill("SIGHUP");
      fetch(`${url}/health`).then(
        () => child.kill("SIGTERM"),
        (error: unknown) => resolve(error),
      );
    }),
  ).toBe(0);
});

// Left out where there is no /dev/full, a device that is always out of space: only Linux has it.
test.skipIf(process.platform !== "linux")("serve goes on when its log's disk is full", async () => {
  const full = openSync("/dev/full", "w");
  undo.push(() => closeSync(full));
  const where = servingPlace();
  const child = bundle.start(["serve", "--config", where.config, "--json"], SECRETS, [], full);
  undo.push(() => child.kill("SIGKILL"));
  const { url } = json<{ url: string }>(await firstLine(child));
  expect((await fetch(`${url}/webhooks/github`, { method: "POST", body: "{}" })).status).toBe(401);
  expect((await fetch(`${url}/health`)).status).toBe(200);
  const told = ended(child);
  child.kill("SIGTERM");
  expect((await told).code).toBe(0);
});

test("serve refuses a database that a newer program wrote, and touches nothing", async () => {
  const where = servingPlace();
  await fill(where);
  const { Sqlite } = await import("../../src/engines/embedded/database/sqlite.ts");
  const db = new Sqlite(join(where.dataDir, "patchrelay.db"));
  db.pragma("user_version = 9999");
  db.close();
  const { code, err } = await ended(serve(where));
  expect(code).toBe(1);
  expect(err).toContain("9999");
  const list = await run("issue list", where);
  expect([list.code, list.out]).toEqual([1, ""]);
});

test("serve refuses a damaged database and says what to restore", async () => {
  const where = servingPlace();
  mkdirSync(where.dataDir, { mode: 0o700 });
  writeFileSync(join(where.dataDir, "patchrelay.db"), "this is not a database\n".repeat(100));
  const { code, out, err } = await ended(serve(where));
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(/damaged.*patchrelay db backup/s);
});

test("serve says who else could have its port", async () => {
  const where = servingPlace();
  const child = serve(where, ["--json"]);
  const { url } = json<{ url: string }>(await firstLine(child));
  const other = servingPlace();
  const taken = json(readFileSync(other.config, "utf8"));
  writeFileSync(other.config, JSON.stringify({ ...taken, http: { port: Number(new URL(url).port) } }));
  const { code, err } = await ended(serve(other));
  expect(code).toBe(1);
  expect(err).toContain("something else already listens on 127.0.0.1:");
});

test("no way of debugging a library prints a credential, whatever the command", async () => {
  const standIns = createServer((_, response) => {
    response.setHeader("content-type", "application/json");
    response.end('{"message":"no"}');
  });
  await new Promise<void>((resolve) => standIns.listen(0, "127.0.0.1", resolve));
  undo.push(() => standIns.close());
  const url = `http://127.0.0.1:${(standIns.address() as AddressInfo).port}`;
  const where = makePlace();
  undo.push(() => where.remove());
  const sources = { linear: { apiUrl: url, webUrl: url }, github: { apiUrl: url, webUrl: url } };
  const config = join(dirname(where.config), "debug.json");
  writeFileSync(
    config,
    JSON.stringify({
      dataDir: "data",
      webhooks: "off",
      ...sources,
      projects: [{ id: "a", repository: { name: "o/r" } }],
    }),
  );
  const secrets = { LINEAR_API_KEY: "lin_api_canary0123456789", GITHUB_TOKEN: "ghp_canary0123456789" };
  for (const debug of [
    { DEBUG: "*" },
    { DEBUG_FD: "2", DEBUG: "*" },
    { NODE_DEBUG: "*" },
    { NODE_DEBUG: "http" },
  ]) {
    for (const line of ["doctor", "status", "linear sync", "serve"]) {
      const { code, out, err } = await bundle.run([...line.split(" "), "--config", config], {
        ...secrets,
        ...debug,
        ...(line === "serve" ? { LINEAR_API_KEY: "" } : {}),
      });
      expect(`${out}${err}`, `${line} with ${JSON.stringify(debug)}`).not.toContain("canary");
      if ("NODE_DEBUG" in debug)
        expect([code, err]).toEqual([1, expect.stringContaining("NODE_DEBUG is set")]);
    }
  }
});
