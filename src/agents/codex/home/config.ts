import type { TomlTable } from "./toml.ts";

export interface ConfigParts {
  /** A person's additions (setting `agent.codex.config`), already checked by settings. */
  readonly additions: TomlTable;
  /** Absolute path of the model catalog; null = Codex's own. */
  readonly catalog: string | null;
  /** Folders whose own `.codex/config.toml` must not be loaded. */
  readonly untrusted: Iterable<string>;
}

/** What a person may change: quiet, no calls home, nothing but the work. */
const DEFAULTS: TomlTable = {
  web_search: "disabled",
  check_for_update_on_startup: false,
  suppress_unstable_features_warning: true,
  cli_auth_credentials_store: "file",
  tools: { update_plan: { enabled: true } },
  analytics: { enabled: false },
  agents: { enabled: false },
  features: {
    plugins: false,
    apps: false,
    remote_plugin: false,
    plugin_sharing: false,
    goals: false,
    skill_search: false,
  },
};

/**
 * What nobody may change here. The sandbox of a turn is asked for with each thread and turn; the one in the file
 * only holds where that was forgotten, so it is the strictest.
 */
const FIXED: TomlTable = {
  approval_policy: "never",
  sandbox_mode: "read-only",
  // Login shells and shell snapshots run the host's profile files.
  allow_login_shell: false,
  features: { shell_snapshot: false, unbounded_connection_retries: false },
};

/** The content of `$CODEX_HOME/config.toml`. Pure. */
export function codexConfig(parts: ConfigParts): TomlTable {
  const merged = merge(merge(DEFAULTS, parts.additions), FIXED);
  return {
    ...merged,
    ...(parts.catalog === null ? {} : { model_catalog_json: parts.catalog }),
    // The default would hand every variable of the process, the provider's key too, to each command.
    shell_environment_policy: { inherit: "core" },
    sandbox_workspace_write: {},
    projects: Object.fromEntries(
      [...parts.untrusted].toSorted().map((path) => [path, { trust_level: "untrusted" }]),
    ),
  };
}

function merge(below: TomlTable, above: TomlTable): TomlTable {
  const merged: Record<string, unknown> = { ...below };
  for (const [name, value] of Object.entries(above)) {
    const under = merged[name];
    merged[name] = isTable(under) && isTable(value) ? merge(under, value) : value;
  }
  return merged;
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
