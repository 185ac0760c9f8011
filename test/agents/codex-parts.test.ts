import { chmod, mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, property, string } from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findCodex } from "../../src/agents/codex/process/binary.ts";
import { codexConfig } from "../../src/agents/codex/home/config.ts";
import { scrubber } from "../../src/agents/codex/process/environment.ts";
import { failureOf } from "../../src/agents/codex/session/failure.ts";
import { makeHome, writeConfig } from "../../src/agents/codex/home/home.ts";
import { projectsOf } from "../../src/agents/codex/home/projects.ts";
import { readiness } from "../../src/agents/codex/ready.ts";
import { toToml } from "../../src/agents/codex/home/toml.ts";
import { parseReport } from "../../src/agents/report.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { bench } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { handClock } from "./hand-clock.ts";

let ours: Bench;
let folder: string;
beforeEach(async () => {
  ours = bench();
  folder = await ours.folder(tmpdir(), "patchrelay-parts");
});
afterEach(() => ours.close());

describe("config.toml", () => {
  test("what keeps the agent in its place cannot be changed by additions", () => {
    const config = codexConfig({
      additions: {
        approval_policy: "on-request",
        sandbox_mode: "danger-full-access",
        allow_login_shell: true,
        shell_environment_policy: { inherit: "all" },
        sandbox_workspace_write: { network_access: true },
        projects: { "/x": { trust_level: "trusted" } },
        features: { shell_snapshot: true, unbounded_connection_retries: true, goals: true },
        model: "mine",
      },
      catalog: null,
      untrusted: ["/repository"],
    });
    expect(config).toMatchObject({
      approval_policy: "never",
      sandbox_mode: "read-only",
      allow_login_shell: false,
      shell_environment_policy: { inherit: "core" },
      sandbox_workspace_write: {},
      features: { shell_snapshot: false, unbounded_connection_retries: false, goals: true, apps: false },
      model: "mine",
    });
    expect(config["projects"]).toEqual({ "/repository": { trust_level: "untrusted" } });
  });

  test("it is written for its owner only, and so are the folders", async () => {
    const parts = {
      home: join(folder, "home"),
      tmpDir: join(folder, "home", "tmp"),
      config: {},
      models: { models: [] },
      randomness: systemRandomness,
    };
    await makeHome(parts);
    await writeConfig(parts, []);
    await writeConfig(parts, ["/again"]);
    const modes = await Promise.all(
      ["", "tmp", "config.toml", "models.json"].map(async (name) => {
        const { mode } = await stat(join(parts.home, name));
        return mode & 0o777;
      }),
    );
    expect(modes).toEqual([0o700, 0o700, 0o600, 0o600]);
  });

  test("TOML is written so that keys and texts of any kind stay what they are", () => {
    const text = toToml({ plain: 1, list: ["a", 2, true], "odd key": { 'with "quotes"': "a\nb\\\u007f" } });
    expect(text).toBe(
      'plain = 1\nlist = ["a", 2, true]\n\n["odd key"]\n"with \\"quotes\\"" = "a\\nb\\\\\\u007f"\n',
    );
  });

  test("a value that TOML does not know is an error that names its key", () => {
    expect(() => toToml({ a: { b: null } })).toThrow("a.b: null cannot be written as TOML");
    expect(() => toToml({ a: Number.NaN })).toThrow("a: NaN");
  });

  test("the folders of a worktree that must stay untrusted include its main checkout or mirror", async () => {
    const main = join(folder, "main");
    const gitDirectory = join(main, ".git", "worktrees", "w");
    await mkdir(gitDirectory, { recursive: true });
    expect(await projectsOf([gitDirectory])).toEqual(
      expect.arrayContaining([gitDirectory, join(main, ".git"), main]),
    );
    const mirror = join(folder, "mirror.git");
    await mkdir(join(mirror, "worktrees", "w"), { recursive: true });
    expect(await projectsOf([join(mirror, "worktrees", "w")])).toContain(mirror);
  });
});

describe("the report in the last words", () => {
  const report = { outcome: "done", summary: "s", question: null, threads: [] };
  test("it is found as the whole text, fenced, and after other fences", () => {
    const json = JSON.stringify(report);
    for (const text of [
      json,
      `  ${json}\n`,
      `Done.\n\`\`\`json\n${json}\n\`\`\``,
      `\`\`\`\n{"a":1}\n\`\`\`\nand\n\`\`\`\n${json}\n\`\`\`\nBye`,
    ]) {
      expect(parseReport(text)).toEqual(report);
    }
  });

  test("question and threads may be left out", () => {
    expect(parseReport('{"outcome":"no_change","summary":"fine"}')).toEqual({
      ...report,
      outcome: "no_change",
      summary: "fine",
    });
  });

  test("anything else is no report, and nothing makes it throw", () => {
    for (const text of [
      "",
      "done",
      "{}",
      '{"outcome":"maybe","summary":""}',
      "{not json}",
      "```json\n{\n```",
    ]) {
      expect(parseReport(text)).toBeNull();
    }
    assert(
      property(string(), (text) => {
        parseReport(`{${text}}`);
      }),
    );
  });
});

describe("why a turn failed", () => {
  const now = Date.UTC(2026, 0, 1);
  const seconds = now / 1_000;
  const failure = (codexErrorInfo: string | Record<string, unknown> | null, message = "words") =>
    failureOf({ message, codexErrorInfo }, null, now);

  test.each([
    ["usageLimitExceeded", "capacity"],
    ["rateLimitExceeded", "capacity"],
    ["serverOverloaded", "capacity"],
    [{ responseTooManyFailedAttempts: { httpStatusCode: 429 } }, "capacity"],
    [{ httpConnectionFailed: { httpStatusCode: 503 } }, "capacity"],
    [{ httpConnectionFailed: { httpStatusCode: 401 } }, "infrastructure"],
    [{ httpConnectionFailed: { httpStatusCode: 502 } }, "infrastructure"],
    [{ httpConnectionFailed: { httpStatusCode: null } }, "infrastructure"],
    ["unauthorized", "infrastructure"],
    ["internalServerError", "infrastructure"],
    ["modelNotFound", "agent"],
    ["contextWindowExceeded", "agent"],
    ["cyberPolicy", "policy"],
    ["somethingNew", "unknown"],
    [{ somethingNew: null }, "unknown"],
  ] as const)("%j is %s", (info, expected) => {
    expect(failure(info).failureClass).toBe(expected);
  });

  test("a broken stream is the provider's fault, another unknown one the agent's", () => {
    expect(failure("other", "stream disconnected before completion: x").failureClass).toBe("infrastructure");
    expect(failure("other", "idle timeout waiting for SSE").failureClass).toBe("infrastructure");
    expect(failure("other", "Invalid schema").failureClass).toBe("agent");
  });

  test("of two used-up windows the one that opens last decides; one that has opened says nothing", () => {
    const at = (primary: number, secondary: number) =>
      failureOf(
        { message: "", codexErrorInfo: "usageLimitExceeded" },
        {
          primary: { usedPercent: 100, resetsAt: seconds + primary },
          secondary: { usedPercent: 100, resetsAt: seconds + secondary },
        },
        now,
      ).retryAt;
    expect(at(60, 3_600)).toBe(now + 3_600_000);
    expect(at(-60, -30)).toBeNull();
  });

  test("a window that is not used up does not delay", () => {
    const limits = {
      primary: { usedPercent: 100, resetsAt: seconds + 60 },
      secondary: { usedPercent: 20, resetsAt: seconds + 600_000 },
    };
    const { retryAt } = failureOf({ message: "", codexErrorInfo: "usageLimitExceeded" }, limits, now);
    expect(retryAt).toBe(now + 60_000);
  });
});

describe("finding and asking the program", () => {
  const program = async (path: string, text = "exit 0"): Promise<string> => {
    await writeFile(path, `#!/bin/sh\n${text}\n`);
    await chmod(path, 0o755);
    return path;
  };

  test("a name is looked up on the given PATH only; a path is taken as it is", async () => {
    const path = await program(join(folder, "my-codex"));
    expect(await findCodex("my-codex", `/nowhere:${folder}`)).toBe(path);
    expect(await findCodex("my-codex", "/nowhere")).toBeNull();
    expect(await findCodex(path, "")).toBe(path);
    await chmod(path, 0o644);
    expect(await findCodex(path, "")).toBeNull();
  });

  test("a launcher installed by npm is passed by for the native program beside it", async () => {
    const platform = `${process.platform}-${process.arch}`;
    const triple = { "linux-x64": "x86_64-unknown-linux-musl", "linux-arm64": "aarch64-unknown-linux-musl" }[
      platform
    ];
    if (triple === undefined) return;
    const modules = join(folder, "node_modules", "@openai");
    const native = join(modules, `codex-${platform}`, "vendor", triple, "bin");
    await mkdir(native, { recursive: true });
    await mkdir(join(modules, "codex", "bin"), { recursive: true });
    await writeFile(join(modules, `codex-${platform}`, "package.json"), "{}");
    await program(join(native, "codex"));
    await symlink(await program(join(modules, "codex", "bin", "codex.js")), join(folder, "codex"));
    expect(await findCodex("codex", folder)).toBe(join(native, "codex"));
  });

  const ready = (bin: string, config: Record<string, unknown>, env: Record<string, string> = {}) => {
    const clock = handClock();
    const home = {
      home: join(folder, "home"),
      tmpDir: join(folder, "home", "tmp"),
      config,
      models: null,
      randomness: systemRandomness,
    };
    return { clock, ask: readiness({ bin, path: "/usr/bin:/bin", env, home, clock }) };
  };
  const signal = new AbortController().signal;

  test("the version is asked for once in five minutes", async () => {
    const bin = await program(join(folder, "codex"), `echo asked >> ${folder}/asked`);
    const { clock, ask } = ready(bin, { model_provider: "x" });
    const asked = async (): Promise<number> => (await stat(join(folder, "asked"))).size / 6;
    expect(await ask(signal)).toBeNull();
    expect(await ask(signal)).toBeNull();
    expect(await asked()).toBe(1);
    clock.advance(5 * 60_000 + 1);
    expect(await ask(signal)).toBeNull();
    expect(await asked()).toBe(2);
  });

  test("each thing that is missing is named with what to do", async () => {
    const bin = await program(join(folder, "codex"));
    const broken = await program(join(folder, "broken"), "exit 3");
    expect(await ready(join(folder, "none"), {}).ask(signal)).toContain("set agent.codex.bin");
    expect(await ready(broken, { model_provider: "x" }).ask(signal)).toContain("exited with 3");
    expect(await ready(bin, {}).ask(signal)).toContain("codex login");
    const config = { model_provider: "x", model_providers: { x: { env_key: "X_KEY" } } };
    expect(await ready(bin, config).ask(signal)).toContain("needs the variable X_KEY");
    expect(await ready(bin, config, { X_KEY: "k" }).ask(signal)).toBeNull();
    await writeFile(join(folder, "home", "auth.json"), "{}");
    expect(await ready(bin, {}).ask(signal)).toBeNull();
  });

  test("a home that cannot be made is said with its path", async () => {
    const bin = await program(join(folder, "codex"));
    await writeFile(join(folder, "home"), "a file");
    expect(await ready(bin, {}).ask(signal)).toContain(join(folder, "home"));
  });
});

test("credentials are taken out of text by value: Secrets, and variables named like one", () => {
  const scrub = scrubber({ PATH: "/usr/bin", A: new Secret("secret-value"), MY_TOKEN: "token-value" });
  expect(scrub("a secret-value, a token-value, /usr/bin")).toBe("a [secret], a [secret], /usr/bin");
});
