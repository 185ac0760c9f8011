import { CREDENTIALS } from "../credentials/names.ts";

/** Something in `agent.codex.config` or `agent.codex.env` that the relay does not pass on, and why. */
export interface Refusal {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

// What the relay sets itself because a run is only as safe as these keys are.
const REFUSED: Readonly<Record<string, string>> = {
  sandbox_mode: "the relay sets the sandbox of each run",
  sandbox_workspace_write: "the relay sets what a run may write and whether it has network",
  sandbox_permissions: "the relay sets the sandbox of each run",
  permissions: "the relay sets the sandbox of each run",
  default_permissions: "the relay sets the sandbox of each run",
  approval_policy: "nobody is there to approve during a run: the relay sets it to never, inside the sandbox",
  approvals_reviewer: "nobody is there to approve during a run",
  shell_environment_policy: "it could pass the relay's environment to the agent's commands",
  allow_login_shell: "login shells read profiles, which can put secrets back into the environment",
  projects: "a trusted project may start programs outside the sandbox",
  profile: "a profile can change the sandbox",
  profiles: "a profile can change the sandbox",
  mcp_servers: "MCP servers run outside the sandbox, driven by the agent",
  plugins: "plugins bring tools that run outside the sandbox",
  apps: "apps can use the accounts of the logged-in user",
  hooks: "Codex hooks run outside the sandbox; use the repository's .patchrelay/hooks",
  notify: "it starts a program outside the sandbox",
  cli_auth_credentials_store: "the relay keeps the agent's login in the agent's own home",
  forced_login_method: "the relay keeps the agent's login in the agent's own home",
};

const REFUSED_FEATURES: Readonly<Record<string, string>> = {
  plugins: "plugins bring tools that run outside the sandbox",
  remote_plugin: "plugins bring tools that run outside the sandbox",
  plugin_sharing: "plugins bring tools that run outside the sandbox",
  apps: "apps can use the accounts of the logged-in user",
  shell_snapshot: "it starts a login shell outside the run's environment",
};

const MAX_DEPTH = 8;

/** What of a person's additions to Codex's config.toml cannot be merged in. */
export function refusalsOfConfig(config: Readonly<Record<string, unknown>>): readonly Refusal[] {
  const refusals: Refusal[] = [];
  for (const [key, value] of Object.entries(config)) {
    const reason = Object.hasOwn(REFUSED, key) ? REFUSED[key] : undefined;
    if (reason !== undefined) refusals.push({ path: [key], reason });
    else if (!/^[A-Za-z0-9_-]+$/.test(key)) {
      refusals.push({ path: [key], reason: "write tables as nested objects, not as dotted keys" });
    } else {
      if (key === "features") refusals.push(...refusedFeatures(value));
      collect(value, [key], refusals);
    }
  }
  return refusals;
}

/** What of the variables named in `agent.codex.env` cannot be passed on. */
export function refusalsOfEnv(names: readonly string[]): readonly Refusal[] {
  return names.flatMap((name, index) => {
    const reason = refusedVariable(name);
    return reason === null ? [] : [{ path: [index], reason }];
  });
}

function refusedFeatures(features: unknown): readonly Refusal[] {
  if (!isTable(features)) return [{ path: ["features"], reason: "expected an object" }];
  return Object.entries(features).flatMap(([key, value]) => {
    const reason = Object.hasOwn(REFUSED_FEATURES, key) ? REFUSED_FEATURES[key] : undefined;
    return reason === undefined || value === false ? [] : [{ path: ["features", key], reason }];
  });
}

function collect(value: unknown, path: readonly PropertyKey[], refusals: Refusal[]): void {
  if (path.length > MAX_DEPTH) refusals.push({ path, reason: `nested deeper than ${MAX_DEPTH} levels` });
  else if (value === null) refusals.push({ path, reason: "TOML has no null: leave the key out" });
  else if (Array.isArray(value)) value.forEach((entry, index) => collect(entry, [...path, index], refusals));
  else if (isTable(value)) {
    for (const [key, entry] of Object.entries(value)) {
      const reason = reasonAgainst(key, entry, path);
      if (reason === null) collect(entry, [...path, key], refusals);
      else refusals.push({ path: [...path, key], reason });
    }
  }
}

function reasonAgainst(key: string, value: unknown, path: readonly PropertyKey[]): string | null {
  const parent = path.at(-1);
  if (key === "experimental_bearer_token") return `${NO_SECRETS_HERE}: use env_key`;
  if (parent === "http_headers" && /authorization|api-?key|token|secret|cookie/i.test(key)) {
    return `${NO_SECRETS_HERE}: use env_http_headers`;
  }
  const namesVariable = ["env_key", "bearer_token_env_var"].includes(key) || parent === "env_http_headers";
  return namesVariable && typeof value === "string" ? refusedVariable(value) : null;
}

const NO_SECRETS_HERE =
  "credentials do not belong in this file; name the variable here and in agent.codex.env";

function refusedVariable(name: string): string | null {
  const bare = name.replace(/_(FILE|PREVIOUS)$/, "").replace(/_(FILE|PREVIOUS)$/, "");
  if (CREDENTIALS.some((credential) => credential === name || credential === bare)) {
    return "it is a credential of the relay; the agent gets none";
  }
  if (name.startsWith("PATCHRELAY_") || name === "CREDENTIALS_DIRECTORY") {
    return "it belongs to the relay";
  }
  if (name === "CODEX_HOME") return "set agent.codex.home instead";
  if (name === "GH_TOKEN" || name.startsWith("GIT_") || name === "SSH_AUTH_SOCK") {
    return "it would let the agent write to the repository; only the relay publishes";
  }
  return null;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
