import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { findConfig, locate, TOP_KEYS } from "../../src/settings/load/locate.ts";
import { loadSettings } from "../../src/settings/load/load.ts";
import { configSchemaWith } from "../../src/settings/schema/schema.ts";
import { SOURCE_SETTINGS } from "../../src/settings/sources/sources.ts";
import { problemText } from "../../src/settings/load/problem.ts";
import { HOME, PROJECT, sources } from "./sources.ts";

const XDG = `${HOME}/.config/patchrelay/patchrelay.json`;

function foundFile(...args: Parameters<typeof sources>): string {
  const found = findConfig(sources(...args));
  return found.ok ? found.file : found.problems.map(problemText).join("\n");
}

describe("findConfig", () => {
  const all = { "/work/a.json": "{}", "/work/b.json": "{}", "/work/patchrelay.json": "{}", [XDG]: "{}" };

  test("takes --config first, then PATCHRELAY_CONFIG, then the working directory, then the XDG directory", () => {
    expect(foundFile(all, { PATCHRELAY_CONFIG: "b.json" }, "a.json")).toBe("/work/a.json");
    expect(foundFile(all, { PATCHRELAY_CONFIG: "b.json" })).toBe("/work/b.json");
    expect(foundFile(all)).toBe("/work/patchrelay.json");
    expect(foundFile({ [XDG]: "{}" })).toBe(XDG);
    expect(foundFile({ "/etc/x/patchrelay/patchrelay.json": "{}" }, { XDG_CONFIG_HOME: "/etc/x" })).toBe(
      "/etc/x/patchrelay/patchrelay.json",
    );
  });

  test("treats a blank PATCHRELAY_CONFIG and a relative XDG_CONFIG_HOME as unset", () => {
    expect(foundFile({ [XDG]: "{}" }, { PATCHRELAY_CONFIG: " ", XDG_CONFIG_HOME: "conf" })).toBe(XDG);
  });

  test("does not fall back when the named file is not there", () => {
    expect(foundFile(all, {}, "c.json")).toContain("/work/c.json: no such file (named by --config)");
    expect(foundFile(all, { PATCHRELAY_CONFIG: "~/c.json" })).toContain(
      `${HOME}/c.json: no such file (named by PATCHRELAY_CONFIG)`,
    );
  });

  test("says where it looked and what to do when there is no file at all", () => {
    const text = foundFile({});
    for (const part of [
      "/work/patchrelay.json",
      XDG,
      "patchrelay.example.json",
      "--config",
      "PATCHRELAY_CONFIG",
    ]) {
      expect(text).toContain(part);
    }
  });

  test("tells that a file is there and cannot be read instead of taking the next", () => {
    const found = findConfig({
      ...sources({ [XDG]: "{}" }),
      readFile: (path) => {
        if (path === "/work/patchrelay.json") throw new Error("permission denied");
        return "{}";
      },
    });
    expect(found.ok).toBe(false);
    if (!found.ok)
      expect(found.problems.map(problemText).join()).toContain("cannot be read: permission denied");
  });
});

describe("locate", () => {
  test("gives the same data directory and engine as the full check", () => {
    for (const [config, env] of [
      [{}, {}],
      [{}, { XDG_DATA_HOME: "/var/data" }],
      [{}, { XDG_DATA_HOME: "relative" }],
      [{ dataDir: "state" }, {}],
      [{ dataDir: "~/state", engine: "temporal" }, {}],
      [{ dataDir: "/srv/relay/" }, {}],
    ] as const) {
      const given = sources(
        { "/work/patchrelay.json": JSON.stringify({ ...config, projects: [PROJECT] }) },
        env,
      );
      const near = locate(given);
      const full = loadSettings(given);
      if (!near.ok || !full.ok) throw new Error("expected both to accept it");
      expect({ dataDir: near.dataDir, engine: near.engine, file: near.file }).toEqual({
        dataDir: full.settings.dataDir,
        engine: full.settings.engine,
        file: full.settings.file,
      });
    }
  });

  test("puts the data into the XDG data directory by default", () => {
    const near = locate(sources({ "/work/patchrelay.json": "{}" }));
    expect(near).toMatchObject({ ok: true, dataDir: `${HOME}/.local/share/patchrelay`, engine: "embedded" });
  });

  test("knows the keys of the full check, and doubts what may have been meant for where data and relay are", () => {
    expect(TOP_KEYS.toSorted()).toEqual(
      Object.keys(configSchemaWith(SOURCE_SETTINGS).shape as object).toSorted(),
    );
    const doubtful = (config: object): unknown => {
      const near = locate(sources({ "/work/patchrelay.json": JSON.stringify(config) }));
      return near.ok ? near.doubtful : null;
    };
    for (const config of [
      { dataDirr: "x" },
      { http: 1 },
      { http: { port: "8931" } },
      { http: { Host: "x" } },
    ])
      expect([config, doubtful(config)]).toEqual([config, true]);
    for (const config of [
      {},
      { dataDir: "x", runs: { slots: "many" } },
      { http: { host: "::1", port: 0, publicUrl: 3 } },
    ])
      expect([config, doubtful(config)]).toEqual([config, false]);
  });

  test("accepts a config that only the full check refuses, so that inspection works with it", () => {
    expect(locate(sources({ "/work/patchrelay.json": '{"dataDir":"d","nonsense":1}' }))).toMatchObject({
      ok: true,
      dataDir: "/work/d",
    });
  });

  test("refuses a data directory or engine that the full check refuses too", () => {
    for (const text of ['{"dataDir":3,"engine":"temporl"}', '{"dataDir":"~bob/x","engine":null}']) {
      const given = sources({ "/work/patchrelay.json": text });
      const near = locate(given);
      const full = loadSettings(given);
      if (near.ok || full.ok) throw new Error("expected both to refuse it");
      expect(near.problems.map(({ path }) => path)).toEqual(["dataDir", "engine"]);
      expect(full.problems.map(({ path }) => path)).toEqual(expect.arrayContaining(["dataDir", "engine"]));
    }
  });

  test("brings no package into a command that only looks", async () => {
    const built = await build({
      entryPoints: [new URL("../../src/settings/load/locate.ts", import.meta.url).pathname],
      bundle: true,
      write: false,
      metafile: true,
      packages: "external",
      platform: "node",
      format: "esm",
      logLevel: "silent",
    });
    const imports = Object.values(built.metafile.outputs).flatMap((output) =>
      output.imports.map(({ path }) => path),
    );
    expect(imports.filter((path) => !path.startsWith("node:"))).toEqual([]);
    expect(imports).not.toEqual([]);
  });
});
