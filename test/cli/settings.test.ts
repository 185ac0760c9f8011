import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { startLinearWorld } from "../../world/linear/world.ts";
import { cli, json } from "./fake-host.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "patchrelay-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PROJECT = { id: "app", linear: { teams: ["APP"] }, repository: { name: "example/app" } };
const write = (content: unknown): string => {
  const file = join(folder, "patchrelay.json");
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
};
const ALL = {
  LINEAR_WEBHOOK_SECRET: "lin_wh_q7Vt2mZc9RkX4bNd",
  GITHUB_WEBHOOK_SECRET: "5f1c0e8ab94d27366c2be0d1",
  LINEAR_API_KEY: "lin_api_value",
  GITHUB_TOKEN: "ghp_value",
};

test("config check of a sound file tells a summary, found in the working directory", async () => {
  write({ dataDir: "data", projects: [PROJECT] });
  const { code, out } = await cli(["config", "check"], { cwd: folder });
  expect(code).toBe(0);
  expect(out).toContain("no problems");
  expect(out).toMatch(/^from Linear +APP$/m);
  expect(out).toMatch(/^merge +when_approved with an App, person with a token \(default\), squash$/m);
  expect(out).not.toContain("null");
  const starts = out.split("\n").flatMap((line) => /^.+? {2,}(?=\S)/.exec(line)?.[0].length ?? []);
  expect(new Set(starts).size).toBe(1);
  const document = json((await cli(["config", "check", "--json"], { cwd: folder })).out);
  expect(document).toMatchObject({ ok: true, projects: [{ id: "app", repository: "example/app" }] });
});

test("config check refuses an engine that this version does not have", async () => {
  const file = write({ dataDir: "data", engine: "temporal", projects: [PROJECT] });
  const { code, out, err } = await cli(["config", "check", "--config", file]);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toContain('engine: "temporal" is not supported yet (write "embedded")');
});

test.each([["config check"], ["serve"]])(
  "%s tells every mistake of the file at once, exit 1",
  async (name) => {
    const file = write({ dataDirr: "x", runs: { slots: "many" }, projects: [{ id: "app" }] });
    const { code, out, err } = await cli([...name.split(" "), "--config", file], { env: ALL });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain("dataDir");
    expect(err).toContain("runs.slots");
    expect(err).toContain("projects[0].repository");
    const document = json((await cli([...name.split(" "), "--config", file, "--json"], { env: ALL })).err);
    expect(document).toMatchObject({ status: 500, type: "urn:patchrelay:problem:bad_settings" });
  },
);

test.each([["config check"], ["serve"], ["issue list"], ["status"], ["db check"], ["issue stop APP-1"]])(
  "%s without a config file says where it looked, exit 1",
  async (name) => {
    const { code, out, err } = await cli(name.split(" "), { cwd: folder, env: { HOME: folder, ...ALL } });
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(`no configuration found; looked for ${folder}`);
  },
);

test("a named config file that is not there is never replaced by another", async () => {
  write({ projects: [PROJECT] });
  const { code, err } = await cli(["config", "check", "--config", "nope.json"], { cwd: folder });
  expect(code).toBe(1);
  expect(err).toContain("nope.json");
});

test("serve names each missing credential, what for and where to get it, and touches nothing", async () => {
  const file = write({ dataDir: "data", projects: [PROJECT] });
  const { code, out, err } = await cli(["serve", "--config", file]);
  expect([code, out]).toEqual([1, ""]);
  for (const name of ["LINEAR_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET", "LINEAR_API_KEY", "GITHUB_TOKEN"])
    expect(err).toContain(name);
  expect(err.trimEnd().split("\n")).toHaveLength(4);
  for (const line of err.trimEnd().split("\n"))
    expect(line).toMatch(
      /^\S+( is missing: it| and \S+ are missing: the pair| .*, are missing: either) .*\. (Get|The) /,
    );
  expect(readdirSync(folder)).toEqual(["patchrelay.json"]);
});

test("serve on another address than loopback asks for PATCHRELAY_API_TOKEN", async () => {
  const file = write({ dataDir: "data", http: { host: "0.0.0.0" }, projects: [PROJECT] });
  const { code, err } = await cli(["serve", "--config", file], { env: ALL });
  expect(code).toBe(1);
  expect(err).toMatch(/^PATCHRELAY_API_TOKEN is missing/);
});

test("serve tells malformed credentials by name and never by value, beside the config's mistakes", async () => {
  const file = write({ nonsense: 1, projects: [PROJECT] });
  const env = { ...ALL, PATCHRELAY_API_TOKEN: "short-value", LINEAR_API_KEY_FILE: "/somewhere" };
  const { code, err } = await cli(["serve", "--config", file], { env });
  expect(code).toBe(1);
  for (const part of ["nonsense", "PATCHRELAY_API_TOKEN", "LINEAR_API_KEY"]) expect(err).toContain(part);
  for (const value of [...Object.values(ALL), "short-value", "/somewhere"]) expect(err).not.toContain(value);
});

test("doctor tells each finding with what to do, exit 1 when one fails", async () => {
  const file = write({ dataDir: "data", projects: [PROJECT] });
  const { code, out } = await cli(["doctor", "--offline", "--json", "--config", file], {
    cwd: folder,
    env: { ...ALL, PATH: "/nowhere" },
  });
  expect(code).toBe(1);
  const { findings } = json<{ findings: { check: string; state: string; todo: string | null }[] }>(out);
  const stateOf = (check: string) => findings.find((finding) => finding.check === check)?.state;
  expect(stateOf("node")).toBe("ok");
  expect(stateOf("git")).toBe("fail");
  expect(stateOf("credentials")).toBe("ok");
  expect(stateOf("public URL")).toBe("warn");
  expect(stateOf("data folder")).toBe("ok");
  expect(stateOf("agent codex")).toBe("fail");
  expect(stateOf("Linear, GitHub")).toBe("skipped");
  for (const { state, todo } of findings) if (state === "fail") expect(todo ?? "in says").not.toBe("");
});

test("doctor asks for no public URL and no webhook secrets where webhooks are off", async () => {
  const file = write({ dataDir: "data", webhooks: "off", projects: [PROJECT] });
  const env = { LINEAR_API_KEY: "lin_api_value", GITHUB_TOKEN: "ghp_value" };
  const { out } = await cli(["doctor", "--offline", "--json", "--config", file], { cwd: folder, env });
  const { findings } = json<{ findings: object[] }>(out);
  expect(findings).toContainEqual(expect.objectContaining({ check: "credentials", state: "ok" }));
  expect(findings).toContainEqual({
    check: "public URL",
    state: "ok",
    says: "not needed: webhooks are off, and Linear and GitHub are asked for news every 15 s",
    todo: null,
  });
});

test("doctor says who merges where that follows from the credentials, and why", async () => {
  const told = async (merge: object): Promise<unknown> => {
    const file = write({ dataDir: "data", webhooks: "off", merge, projects: [PROJECT] });
    const env = { LINEAR_API_KEY: "lin_api_value", GITHUB_TOKEN: "ghp_value" };
    const { out } = await cli(["doctor", "--offline", "--json", "--config", file], { cwd: folder, env });
    return json<{ findings: { check: string }[] }>(out).findings.find(({ check }) => check === "merging");
  };
  expect(await told({})).toEqual({
    check: "merging",
    state: "ok",
    says: "merge.policy is person for app: GitHub does not let authors approve their own pull requests, and without an App it belongs to the owner of the token",
    todo: "set merge.policy if it should be another, or use an App",
  });
  expect(await told({ policy: "when_approved" })).toBeUndefined();
});

test("doctor with all in order ends with exit 0 and leaves nothing in the data folder", async () => {
  mkdirSync(join(folder, "data"), { mode: 0o700 });
  writeFileSync(join(folder, "agent.json"), JSON.stringify({ rules: [] }));
  const file = write({
    dataDir: "data",
    agent: { default: "scripted", scripted: { file: "agent.json" } },
    storage: { minFreeMiB: 0, stopRunsBelowMiB: 0 },
    projects: [PROJECT],
  });
  const { code, out } = await cli(["doctor", "--offline", "--config", file], { cwd: folder, env: ALL });
  expect(out).not.toMatch(/^fail/m);
  expect(code).toBe(0);
  expect(out).toMatch(/^ok +storage: it can hold a database with a write-ahead log/m);
  expect(readdirSync(join(folder, "data"))).toEqual([]);
});

test("doctor tells credentials that are missing and a folder that others may read", async () => {
  mkdirSync(join(folder, "data"), { mode: 0o755 });
  const file = write({ dataDir: "data", projects: [PROJECT] });
  const { code, out } = await cli(["doctor", "--offline", "--config", file], { cwd: folder });
  expect(code).toBe(1);
  expect(out).toMatch(/^fail +credentials: LINEAR_WEBHOOK_SECRET is missing/m);
  expect(out).toMatch(/^warn +data folder: .* other accounts\n +→ chmod 700 /m);
});

test("doctor and serve warn of secrets that are weak or the same, by their names only", async () => {
  const file = write({ dataDir: "data", projects: [PROJECT], engine: "temporal" });
  const env = {
    ...ALL,
    GITHUB_WEBHOOK_SECRET: "hunter-canary",
    GITHUB_WEBHOOK_SECRET_PREVIOUS: "hunter-canary",
  };
  const doctor = await cli(["doctor", "--offline", "--config", file], { cwd: folder, env });
  expect(doctor.out).toMatch(
    /^warn +credentials: GITHUB_WEBHOOK_SECRET: is shorter than 16 .*\n +→ make one with `openssl rand -hex 32`, and change it at both ends/m,
  );
  expect(doctor.out).toMatch(
    /^warn +credentials: GITHUB_WEBHOOK_SECRET_PREVIOUS: is the same as GITHUB_WEBHOOK_SECRET: .*\n +→ unset/m,
  );
  const serve = await cli(["serve", "--config", file], { cwd: folder, env });
  expect(serve.err).toContain("GITHUB_WEBHOOK_SECRET: is shorter than 16");
  for (const { out, err } of [doctor, serve]) expect(out + err).not.toContain("canary");
});

test("doctor says which credential is set and not used, since another wins", async () => {
  const file = write({ dataDir: "data", projects: [PROJECT] });
  const env = {
    ...ALL,
    LINEAR_API_KEY: "lin_api_value",
    LINEAR_OAUTH_CLIENT_ID: "id-of-app",
    LINEAR_OAUTH_CLIENT_SECRET: "secret-of-app",
  };
  const { out } = await cli(["doctor", "--offline", "--config", file], { cwd: folder, env });
  expect(out).toMatch(/^warn +credentials: LINEAR_API_KEY is set and not used: the application wins/m);
});

test("a folder that is named as the configuration is told which file to name", async () => {
  const { code, err } = await cli(["config", "check", "--config", folder], { cwd: folder });
  expect(code).toBe(1);
  expect(err).toContain(`name the file in it: ${join(folder, "patchrelay.json")}`);
});

test("doctor with a config that is wrong tells that and what can be looked at without it", async () => {
  const { code, out } = await cli(["doctor", "--config", write("{")], { cwd: folder, env: ALL });
  expect(code).toBe(1);
  expect(out).toMatch(/^fail +config: /m);
  expect(out).toMatch(/^ok +node: /m);
});

test("doctor says so when Linear and GitHub do not answer, within its deadline", async () => {
  writeFileSync(join(folder, "agent.json"), JSON.stringify({ rules: [] }));
  // Port 9 is discard: nothing listens there.
  const nowhere = { apiUrl: "http://127.0.0.1:9" };
  const file = write({
    dataDir: "data",
    agent: { default: "scripted", scripted: { file: "agent.json" } },
    linear: nowhere,
    github: { ...nowhere, webUrl: "http://127.0.0.1:9" },
    projects: [PROJECT],
  });
  const { code, out } = await cli(["doctor", "--config", file], { cwd: folder, env: ALL });
  expect(code).toBe(1);
  for (const check of ["Linear", "GitHub", "repository example/app"])
    expect(out).toMatch(new RegExp(`^fail +${check}: `, "m"));
  // Nobody looked at the credential.
  expect(out).toMatch(
    /^fail +Linear: 127\.0\.0\.1:9 cannot be reached \(ECONNREFUSED\)\n +→ check its address/m,
  );
  expect(out).not.toContain("check the credential");
  for (const value of Object.values(ALL)) expect(out).not.toContain(value);
});

describe("doctor in a folder", () => {
  const git = (...args: readonly string[]): string =>
    execFileSync("git", args, { cwd: folder, encoding: "utf8", stdio: "pipe" });
  const checkout = async (env: Readonly<Record<string, string>> = {}, cwd = folder) => {
    const file = write({ dataDir: "data", projects: [PROJECT] });
    const { out } = await cli(["doctor", "--offline", "--json", "--config", file], {
      cwd,
      env: { ...ALL, ...env },
    });
    const { findings } = json<{ findings: { check: string; state: string; says: string }[] }>(out);
    return findings.filter(({ check }) => check === "checkout" || check === "git");
  };
  const says = (text: string) => expect.objectContaining({ check: "checkout", says: text });

  test("that is no checkout says so", async () => {
    expect(await checkout()).toContainEqual(expect.objectContaining({ check: "checkout", state: "skipped" }));
  });

  test("that is one tells of which repository, whose project it is, and no credential", async () => {
    git("init", "--quiet");
    expect(await checkout()).toContainEqual(
      says(`current folder: a checkout of ${realpathSync(folder)}, without a remote`),
    );
    git("remote", "add", "upstream", "https://user:canary@github.example/Example/App.git?token=canary");
    expect(await checkout()).toContainEqual(
      says("current folder: a checkout of Example/App, which project app uses"),
    );
    git("remote", "add", "origin", "git@github.com:somebody/else.git");
    expect(await checkout()).toContainEqual(
      says("current folder: a checkout of somebody/else, which no project uses"),
    );
  });

  test("hands git nothing of the environment that could run something else", async () => {
    git("init", "--quiet");
    const unsafe = { GIT_SSH_COMMAND: "canary", EDITOR: "canary", GIT_DIR: "/nowhere" };
    expect(await checkout(unsafe)).toEqual([
      expect.objectContaining({ check: "git", state: "ok" }),
      says(`current folder: a checkout of ${realpathSync(folder)}, without a remote`),
    ]);
  });

  test("where git is missing or broken says so in one line", async () => {
    const programs = join(folder, "programs");
    mkdirSync(programs);
    const env = { PATH: programs };
    const told = async () => (await checkout(env)).map(({ check, says: line }) => `${check}: ${line}`);
    expect(await told()).toEqual(["git: it is not on PATH", expect.stringContaining("git is not on PATH")]);
    writeFileSync(join(programs, "git"), "#!/bin/sh\necho 'fatal: boom' >&2\nexit 3\n", { mode: 0o755 });
    for (const line of await told()) expect(line).not.toMatch(/\n| at /);
    expect((await told())[0]).toBe("git: fatal: boom");
    writeFileSync(join(programs, "git"), "#!/bin/sh\necho git of another kind\n");
    expect((await told())[0]).toBe("git: it does not say which version it is");
  });

  test("that belongs to the relay is left alone", async () => {
    const inside = join(folder, "data", "worktrees", "x");
    mkdirSync(inside, { recursive: true });
    git("init", "--quiet", inside);
    expect(await checkout({}, inside)).toContainEqual(
      expect.objectContaining({ check: "checkout", state: "skipped" }),
    );
  });
});

describe("doctor and the teams of a workspace", () => {
  const asked = async (names: Readonly<Record<string, unknown>>) => {
    const linear = await startLinearWorld({
      clock: systemClock,
      randomness: systemRandomness,
      teams: { APP: "Shop", OPS: "Operations" },
    });
    try {
      writeFileSync(join(folder, "agent.json"), JSON.stringify({ rules: [] }));
      const file = write({
        dataDir: "data",
        agent: { default: "scripted", scripted: { file: "agent.json" } },
        linear: { apiUrl: linear.url, webUrl: linear.url },
        github: { apiUrl: "http://127.0.0.1:9", webUrl: "http://127.0.0.1:9" },
        projects: [{ ...PROJECT, linear: names }],
      });
      const { out } = await cli(["doctor", "--json", "--config", file], {
        cwd: folder,
        env: { ...ALL, LINEAR_API_KEY: linear.accessToken },
      });
      return json<{ findings: { check: string; state: string; says: string; todo: string | null }[] }>(out)
        .findings;
    } finally {
      await linear.close();
    }
  };
  const teams = async (keys: readonly string[]) =>
    (await asked({ teams: keys })).find(({ check }) => check === "Linear teams");

  test("names those that are there when a project's is not", async () => {
    const found = await teams(["APPX", "ops"]);
    expect(found?.state).toBe("fail");
    expect(found?.says).toMatch(/: APPX of project app; there are APP, OPS$/);
  });

  test("is content when they are, in whatever case", async () => {
    expect(await teams(["app"])).toMatchObject({ state: "ok", says: "APP, OPS" });
  });

  test("names the labels, projects and statuses that are not there, with the nearest that is", async () => {
    const found = await asked({
      teams: ["APP", "OPS"],
      projects: ["9d0b3a52-6f6c-4a0e-8a63-4d1f0f9d3d11", "Website"],
      labels: ["relay"],
      statuses: {
        started: "In Reviw",
        completed: "Done",
        teams: { ops: { started: "in progress" }, OPSS: { completed: "Done" } },
      },
    });
    const lines = found.filter(({ check }) => /^Linear (label|project|status)$/.test(check));
    expect(lines.every(({ state }) => state === "warn")).toBe(true);
    expect(lines.map(({ check, says, todo }) => `${check}: ${says} → ${todo}`)).toMatchInlineSnapshot(`
      [
        "Linear label: project app: there is no label "relay", so no issue has it → make it in Linear",
        "Linear project: project app: there is no Linear project "Website", or it is not shown to this credential → correct the project's projects",
        "Linear status: project app: team APP has no status "In Reviw"; its first of type started is set → write "In Review", or write one of Triage, Backlog, Todo, In Progress, In Review, Done, Canceled, Duplicate",
        "Linear status: project app: there is no team OPSS to set the status "Done" in → write "OPS", or correct the key in statuses.teams",
      ]
    `);
  });

  test("has nothing to say of names that are there", async () => {
    const found = await asked({ teams: ["APP"], statuses: { started: "In Review", completed: "done" } });
    expect(found.filter(({ check }) => /^Linear (label|project|status)$/.test(check))).toEqual([]);
  });
});
