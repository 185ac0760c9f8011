import { describe, expect, test } from "vitest";
import { HOME, PROJECT, problemsOf, settingsOf, warningsOf } from "./sources.ts";

describe("a config that is wrong", () => {
  test("tells every problem at once, of all kinds", () => {
    const problems = problemsOf({
      http: { prot: 1, port: "8787", requireToken: "true" },
      engine: "temporl",
      runs: { slots: 0 },
      outbox: { firstRetrySeconds: 1000 },
      agent: { default: "scripted" },
      projects: [
        { ...PROJECT, merge: { policy: "when_aproved" } },
        { id: "app", repository: {}, budgets: { ciRepair: 1 } },
      ],
    });
    expect(new Set(problems)).toEqual(
      new Set([
        "http.prot: unknown key (did you mean http.port?)",
        'http.port: expected a whole number from 0 to 65535, found "8787" (write it without quotes)',
        'http.requireToken: expected true or false, found "true" (write it without quotes)',
        'engine: expected one of "embedded", "temporal", found "temporl" (did you mean "temporal"?)',
        "runs.slots: expected a whole number from 1 to 64, found 0",
        "outbox.firstRetrySeconds: expected at most outbox.maxRetrySeconds (900), found 1000",
        'agent.scripted.file: is missing: the agent "scripted" plays a file (name the script to play)',
        'projects[0].merge.policy: expected one of "when_approved", "when_rules_allow", "external", "person" or null, found "when_aproved" (did you mean "when_approved"?)',
        "projects[1].repository.name: is missing: expected a string (owner/name on GitHub.)",
        "projects[1].budgets.ciRepair: unknown key (did you mean projects[1].budgets.ciRepairs?)",
        'projects[1].id: "app" is already the id of projects[0] (each project needs an id of its own)',
      ]),
    );
  });

  test("takes an author for commits as git can write it", () => {
    const author = { name: "Robot 7", email: "robot@example.com" };
    expect(settingsOf({ github: { author } }).github.author).toEqual(author);
    expect(settingsOf({}).github.author).toBeNull();
    const wrong = [
      { name: "Robot <x>", email: "robot@example.com" },
      { name: "...", email: "robot" },
      { name: "Robot", email: "robot@example.com>\n" },
      { name: "Robot" },
    ];
    for (const each of wrong) expect(problemsOf({ github: { author: each } })).not.toEqual([]);
    expect(problemsOf({ github: { author: { name: "R", email: "robot" } } })).toEqual([
      'github.author.email: expected an e-mail address, found "robot"',
    ]);
  });

  test("says what triggers and polling may be", () => {
    expect(
      problemsOf({
        webhooks: true,
        sweep: { pollSeconds: 4 },
        linear: { trigger: { label: "", word: "two words", assignment: "yes" } },
      }),
    ).toEqual([
      'webhooks: expected one of "on", "off", found true (write "on")',
      'linear.trigger.label: expected a string of 1 to 80 characters, found ""',
      'linear.trigger.word: expected one word of at least two characters, found "two words"',
      'linear.trigger.assignment: expected true or false, found "yes"',
      "sweep.pollSeconds: expected a number from 5 to 3600, found 4",
    ]);
    expect(settingsOf({ webhooks: "off", linear: { trigger: { word: "/fix" } } })).toMatchObject({
      webhooks: "off",
      linear: { trigger: { label: "patchrelay", word: "/fix" } },
    });
  });

  test("says how to write what was meant by a bare text", () => {
    const lazy = { id: "app", linear: { teams: "APP" }, repository: "example/app" };
    expect(problemsOf({ webhooks: "no", projects: [lazy] })).toEqual([
      'webhooks: expected one of "on", "off", found "no" (write "off")',
      'projects[0].linear.teams: expected a list of at most 100 entries, found "APP" (write ["APP"])',
      'projects[0].repository: expected an object, found "example/app" (write {"name":"example/app"})',
    ]);
  });

  test("names the place where a key belongs when it is known in another group", () => {
    expect(problemsOf({ port: 3 })).toEqual(["port: unknown key (did you mean http.port?)"]);
    expect(problemsOf({ Engine: "embedded" })).toEqual(["Engine: unknown key (did you mean engine?)"]);
  });

  test("says that credentials do not belong in the file, and shows none", () => {
    const told = problemsOf({
      linear: { apiKey: "lin_api_canary" },
      githubToken: "ghp_canary",
      http: { publicUrl: "https://ada:canary@relay.example.com", host: "sk-canary canary" },
      projects: [
        { ...PROJECT, repository: { name: "a/b", cloneUrl: "https://x:canary@github.com/a/b.git" } },
      ],
    });
    expect(told).toHaveLength(5);
    expect(told.join("\n")).not.toContain("canary");
    expect(told.filter((line) => line.includes("credentials do not belong in this file"))).toHaveLength(2);
  });

  test("needs projects, each with id and repository.name, and nothing else", () => {
    expect(problemsOf('{"http":{}}')).toEqual([
      expect.stringMatching(/^projects: is missing: expected a list/),
    ]);
    expect(problemsOf({ projects: [{}] }).map((line) => line.split(":")[0])).toEqual([
      "projects[0].id",
      "projects[0].repository",
    ]);
    expect(problemsOf({})).toEqual([]);
    expect(problemsOf("[]")).toEqual(["expected an object with the settings in braces"]);
  });

  test("says what is expected of a key that may be null", () => {
    expect(problemsOf({ http: { publicUrl: 3 }, agent: { codex: { home: [], model: true } } })).toEqual([
      "http.publicUrl: expected a string or null, found 3",
      "agent.codex.home: expected a string of 0 to 4096 characters or null, found a list",
      "agent.codex.model: expected a string of 1 to 200 characters or null, found true",
    ]);
    expect(
      problemsOf({ budgets: { usdPerDay: "null" }, projects: [{ ...PROJECT, agent: "codex" }] }),
    ).toEqual([
      'budgets.usdPerDay: expected a number from 0 to 1000000 or null, found "null" (write it without quotes)',
      'projects[0].agent: expected an object or null, found "codex"',
    ]);
  });

  test("gives the line and column of a text that is no JSON", () => {
    expect(problemsOf('{\n  "projects": [],\n}')).toEqual([
      "3:1: not strict JSON: expected a key in double quotes (remove the comma before it)",
    ]);
  });

  test.each([
    ["http.host", { http: { host: "127.0.0.1:80" } }],
    ["http.publicUrl", { http: { publicUrl: "relay.example.com" } }],
    ["linear.apiUrl", { linear: { apiUrl: "http://api.linear.app" } }],
    ["github.apiUrl", { github: { apiUrl: "http://ghes.example.com/api/v3" } }],
    ["dataDir", { dataDir: "~bob/state" }],
    ["branchPrefix", { branchPrefix: "--upload-pack=x" }],
    ["branchPrefix", { branchPrefix: "a..b/" }],
    ["storage.minFreeMiB", { storage: { minFreeMiB: -1 } }],
    ["runs", { runs: null }],
    ["projects[0].id", { projects: [{ ...PROJECT, id: "App" }] }],
    ["projects[0].repository.name", { projects: [{ id: "a", repository: { name: "app" } }] }],
    ["projects[0].repository.name", { projects: [{ id: "a", repository: { name: "a/.." } }] }],
    ["projects[0].repository.name", { projects: [{ id: "a", repository: { name: "a/b.git" } }] }],
    [
      "projects[0].repository.baseBranch",
      { projects: [{ id: "a", repository: { name: "a/b", baseBranch: "-x" } }] },
    ],
    [
      "projects[0].repository.cloneUrl",
      { projects: [{ id: "a", repository: { name: "a/b", cloneUrl: "git@github.com:a/b.git" } }] },
    ],
    [
      "projects[0].repository.cloneUrl",
      { projects: [{ id: "a", repository: { name: "a/b", cloneUrl: "ext::sh -c x" } }] },
    ],
  ])("refuses a bad %s", (path, config) => {
    expect(problemsOf(config).map((line) => line.slice(0, line.indexOf(": ")))).toEqual([path]);
  });
});

describe("a config that is right", () => {
  test("gives settings in which nothing can be written", () => {
    const settings = settingsOf({ agent: { codex: { config: { tools: { web: [1] } } } } });
    const open: string[] = [];
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null) return;
      if (!Object.isFrozen(value)) open.push(path);
      Object.entries(value).forEach(([key, child]) => visit(child, `${path}.${key}`));
    };
    visit(settings, "settings");
    expect(open).toEqual([]);
    expect(settings.projects[0]?.agent.codex.config).toEqual({ tools: { web: [1] } });
  });

  test("has the defaults of the reference", () => {
    const settings = settingsOf({});
    expect(settings.http).toMatchObject({
      host: "127.0.0.1",
      port: 8787,
      requireToken: false,
      loopback: true,
    });
    expect(settings.runs).toMatchObject({ slots: 4, slotsPerProject: 2, stallSeconds: 600 });
    expect(settings.storage).toMatchObject({
      minFreeMiB: 256,
      stopRunsBelowMiB: 1024,
      keepDeliveriesDays: 14,
    });
    expect(settings.sweep).toEqual({
      activeSeconds: 60,
      waitingSeconds: 300,
      idleSeconds: 1800,
      pollSeconds: 15,
    });
    expect(settings.webhooks).toBe("on");
    expect(settings.linear.trigger).toEqual({ label: "patchrelay", word: "@patchrelay", assignment: false });
    expect(settings.budgets).toEqual({
      implementations: 3,
      ciRepairs: 3,
      reviewFixes: 5,
      queueRepairs: 3,
      runs: 12,
      usdPerIssue: null,
      usdPerDay: null,
      tokensPerRun: 4_000_000,
      tokensPerIssue: 20_000_000,
      runMinutes: 60,
    });
    expect(settings.projects[0]).toMatchObject({
      repository: {
        owner: "example",
        shortName: "app",
        baseBranch: null,
        cloneUrl: "https://github.com/example/app.git",
      },
      branchPrefix: "patchrelay/",
      merge: { policy: null, method: "squash", label: null },
      trust: { mayDelegate: "members", maySteer: "collaborators" },
    });
  });

  test("takes paths relative to the file and ~ as the home directory", () => {
    const settings = settingsOf({
      dataDir: "../state",
      agent: { codex: { bin: "./bin/codex", home: "~/codex" }, scripted: { file: "play.json" } },
    });
    expect(settings.dataDir).toBe("/state");
    expect(settings.layout).toMatchObject({
      database: "/state/patchrelay.db",
      worktrees: "/state/worktrees",
    });
    expect(settings.agent.codex).toMatchObject({ bin: "/work/bin/codex", home: `${HOME}/codex` });
    expect(settings.agent.scripted.file).toBe("/work/play.json");
    expect(settingsOf({ dataDir: "/d" }).agent.codex).toMatchObject({
      bin: "codex",
      home: "/d/agents/codex",
    });
  });

  test("lets a project override single keys of budgets, merge, trust, agent and the branch prefix", () => {
    const { projects, budgets } = settingsOf({
      branchPrefix: "bot/",
      budgets: { usdPerIssue: 5, ciRepairs: 1 },
      merge: { method: "rebase" },
      trust: { maySteer: "members" },
      agent: { codex: { model: "big", env: ["PROVIDER_KEY"] } },
      projects: [
        { ...PROJECT, id: "plain" },
        {
          ...PROJECT,
          id: "other",
          branchPrefix: "ai/",
          budgets: { usdPerIssue: null, ciRepairs: 0 },
          merge: { policy: "person" },
          trust: { maySteer: "delegator" },
          agent: { codex: { model: "small" }, default: "scripted", scripted: { file: "p.json" } },
        },
      ],
    });
    expect(budgets).toMatchObject({ usdPerIssue: 5, ciRepairs: 1 });
    expect(projects[0]).toMatchObject({
      branchPrefix: "bot/",
      budgets: { usdPerIssue: 5, ciRepairs: 1, reviewFixes: 5 },
      merge: { policy: null, method: "rebase" },
      agent: { default: "codex", codex: { model: "big" } },
    });
    expect(projects[1]).toMatchObject({
      branchPrefix: "ai/",
      budgets: { usdPerIssue: null, ciRepairs: 0, reviewFixes: 5 },
      merge: { policy: "person", method: "rebase" },
      trust: { mayDelegate: "members", maySteer: "delegator" },
      agent: {
        default: "scripted",
        codex: { model: "small", env: ["PROVIDER_KEY"] },
        scripted: { file: "/work/p.json" },
      },
    });
  });

  test("derives the addresses of Linear, also from one that ends in /graphql", () => {
    for (const apiUrl of ["http://127.0.0.1:9", "http://127.0.0.1:9/", "http://127.0.0.1:9/graphql"]) {
      expect(settingsOf({ linear: { apiUrl, webUrl: "http://localhost:9/" } }).linear).toMatchObject({
        apiUrl: "http://127.0.0.1:9",
        graphqlUrl: "http://127.0.0.1:9/graphql",
        tokenUrl: "http://127.0.0.1:9/oauth/token",
        revokeUrl: "http://127.0.0.1:9/oauth/revoke",
        authorizeUrl: "http://localhost:9/oauth/authorize",
      });
    }
  });

  test("derives the addresses of GitHub, of Enterprise Server and of ghe.com", () => {
    expect(settingsOf({}).github).toEqual({
      apiUrl: "https://api.github.com",
      author: null,
      webUrl: "https://github.com",
      graphqlUrl: "https://api.github.com/graphql",
    });
    const server = settingsOf({ github: { apiUrl: "https://git.example.com/api/v3/" } });
    expect(server.github).toEqual({
      apiUrl: "https://git.example.com/api/v3",
      author: null,
      webUrl: "https://git.example.com",
      graphqlUrl: "https://git.example.com/api/graphql",
    });
    expect(server.projects[0]?.repository.cloneUrl).toBe("https://git.example.com/example/app.git");
    expect(settingsOf({ github: { apiUrl: "https://api.octo.ghe.com" } }).github.webUrl).toBe(
      "https://octo.ghe.com",
    );
    expect(
      settingsOf({ github: { apiUrl: "http://127.0.0.1:9", webUrl: "http://127.0.0.1:9" } }).github,
    ).toEqual({
      apiUrl: "http://127.0.0.1:9",
      author: null,
      webUrl: "http://127.0.0.1:9",
      graphqlUrl: "http://127.0.0.1:9/graphql",
    });
  });

  test("knows which listening addresses are loopback", () => {
    const loopback = (host: string): boolean => settingsOf({ http: { host } }).http.loopback;
    expect(["127.0.0.1", "127.0.0.53", "::1", "localhost"].map(loopback)).toEqual([true, true, true, true]);
    expect(["0.0.0.0", "::", "192.168.1.2", "127.example.com"].map(loopback)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  test("lets a default give way to a smaller upper limit that was written", () => {
    expect(settingsOf({ outbox: { maxRetrySeconds: 0.5 } }).outbox.firstRetrySeconds).toBe(0.5);
    expect(settingsOf({ limits: { requestTotalSeconds: 1 } }).limits.requestConnectSeconds).toBe(1);
  });

  test("fills in the price of cached input", () => {
    expect(settingsOf({ pricing: { big: { input: 2, output: 8 } } }).pricing).toEqual({
      big: { input: 2, cached: 2, output: 8 },
    });
  });
});

describe("warnings", () => {
  test("are silent for an ordinary config", () => {
    expect(warningsOf({})).toEqual([]);
  });

  test.each([
    ["projects: the list is empty", { projects: [] }],
    [
      "projects[1].linear: takes the same issues as projects[0]",
      { projects: [PROJECT, { ...PROJECT, id: "b" }] },
    ],
    ["dataDir: is below the system's temporary directory", { dataDir: "/tmp/x" }],
    ["agent.codex.home: is below", { agent: { codex: { home: "/tmp/h" } } }],
    ["github.webUrl: is https://github.com although", { github: { apiUrl: "http://127.0.0.1:9" } }],
    ["http.publicUrl: is plain http", { http: { publicUrl: "http://relay.example.com" } }],
    ["pricing: is empty", { budgets: { usdPerDay: 3 } }],
    ["storage.minFreeMiB: is above", { storage: { minFreeMiB: 2000 } }],
  ])("tell: %s", (start, config) => {
    expect(warningsOf(config).map((line) => line.slice(0, start.length))).toEqual([start]);
  });

  test("do not mind a temporary data directory where no Codex runs", () => {
    expect(
      warningsOf({ dataDir: "/tmp/x", agent: { default: "scripted", scripted: { file: "p" } } }),
    ).toEqual([]);
    expect(warningsOf({ dataDir: "/fast/x" }, { TMPDIR: "/fast" })).toHaveLength(1);
  });
});
