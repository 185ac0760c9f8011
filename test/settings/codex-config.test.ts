import { expect, test } from "vitest";
import { childEnvironment } from "../../src/settings/load/environment.ts";
import { CREDENTIALS } from "../../src/settings/credentials/names.ts";
import { problemsOf, settingsOf } from "./sources.ts";

function refused(config: object): readonly string[] {
  return problemsOf({ agent: { codex: { config } } }).map((line) => line.replace("agent.codex.config.", ""));
}

test.each([
  "sandbox_mode",
  "sandbox_workspace_write",
  "approval_policy",
  "shell_environment_policy",
  "allow_login_shell",
  "projects",
  "profiles",
  "mcp_servers",
  "notify",
])("the key %s of Codex's config is refused with a reason, also in a project", (key) => {
  expect(refused({ [key]: {} })).toEqual([expect.stringMatching(new RegExp(`^${key}: refused: .{20,}`))]);
  const project = { id: "a", repository: { name: "a/b" }, agent: { codex: { config: { [key]: {} } } } };
  expect(problemsOf({ projects: [project] })).toEqual([
    expect.stringContaining(`projects[0].agent.codex.config.${key}: refused`),
  ]);
});

test("a dotted key cannot go around the refusal", () => {
  expect(refused({ "sandbox_workspace_write.network_access": true })).toEqual([
    expect.stringContaining("write tables as nested objects"),
  ]);
  expect(refused({ "sandbox_mode ": "danger-full-access" })).toHaveLength(1);
});

test("secrets and names of the relay's own credentials are refused deep inside, without showing them", () => {
  const told = refused({
    model_providers: {
      own: {
        experimental_bearer_token: "canary",
        env_key: "GITHUB_TOKEN",
        http_headers: { Authorization: "Bearer canary", "X-Team": "a" },
        env_http_headers: { "X-Key": "LINEAR_API_KEY_FILE" },
      },
    },
  });
  expect(told.map((line) => line.split(": refused")[0])).toEqual([
    "model_providers.own.experimental_bearer_token",
    "model_providers.own.env_key",
    "model_providers.own.http_headers.Authorization",
    "model_providers.own.env_http_headers.X-Key",
  ]);
  expect(told.join()).not.toContain("canary");
});

test("an ordinary addition is kept as it is", () => {
  const config = {
    model_reasoning_effort: "high",
    features: { goals: true, plugins: false },
    model_providers: { own: { name: "Own", base_url: "https://llm.example.com/v1", env_key: "OWN_KEY" } },
  };
  expect(settingsOf({ agent: { codex: { config, env: ["OWN_KEY"] } } }).agent.codex).toMatchObject({
    config,
    env: ["OWN_KEY"],
  });
  expect(refused({ features: { plugins: true } })).toEqual([
    expect.stringContaining("features.plugins: refused"),
  ]);
  expect(refused({ tools: { web: null } })).toEqual([expect.stringContaining("TOML has no null")]);
});

test("no credential of the relay can be passed on to the agent", () => {
  const names = [
    ...CREDENTIALS,
    "GITHUB_TOKEN_FILE",
    "PATCHRELAY_TEST",
    "CREDENTIALS_DIRECTORY",
    "SSH_AUTH_SOCK",
  ];
  expect(problemsOf({ agent: { codex: { env: names } } })).toHaveLength(names.length);
});

test("a child process inherits ordinary variables and those that were named, nothing else", () => {
  const env = {
    PATH: "/bin",
    OWN_KEY: "k",
    GITHUB_TOKEN: "t",
    HTTPS_PROXY: "http://u:p@proxy",
    NODE_OPTIONS: "-r x",
  };
  expect(childEnvironment(env, ["OWN_KEY", "ABSENT"])).toEqual({ PATH: "/bin", OWN_KEY: "k" });
});
