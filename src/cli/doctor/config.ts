import { readCredentials } from "../../settings/credentials/credentials.ts";
import type { Credentials } from "../../settings/credentials/credentials.ts";
import { loadSettings } from "../../settings/load/load.ts";
import { problemText } from "../../settings/load/problem.ts";
import { missingFor } from "../../settings/load/requirements.ts";
import type { Settings } from "../../settings/settings.ts";
import { sourcesOf } from "../host/context.ts";
import type { Host } from "../host/host.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Configuration and credentials; null where they cannot be used. */
export function checkConfig(
  host: Host,
  configFlag: string | null,
): {
  readonly settings: Settings | null;
  readonly credentials: Credentials | null;
  readonly findings: readonly Finding[];
} {
  const loaded = loadSettings(sourcesOf(host, configFlag));
  const read = readCredentials(host.env, host.readFile);
  const settings = loaded.ok ? loaded.settings : null;
  const credentials = read.ok ? read.credentials : null;
  const config = loaded.ok
    ? [
        ok("config", loaded.settings.file),
        ...loaded.warnings.map((warning) =>
          warn("config", problemText({ ...warning, hint: null }), warning.hint),
        ),
      ]
    : loaded.problems.map((problem) => fail("config", problemText({ ...problem, hint: null }), problem.hint));
  const secrets = read.ok
    ? []
    : read.problems.map((problem) =>
        fail("credentials", problemText({ ...problem, hint: null }), problem.hint),
      );
  return {
    settings,
    credentials,
    findings: [
      ...config,
      ...secrets,
      ...(settings === null || credentials === null ? [] : missing(settings, credentials)),
      ...(settings === null ? [] : [publicUrl(settings)]),
    ],
  };
}

function missing(settings: Settings, credentials: Credentials): readonly Finding[] {
  const lacking = missingFor("serve", settings, credentials);
  if (lacking.length === 0) return [ok("credentials", "all that serve needs are set")];
  return lacking.map(({ name, purpose, source }) =>
    fail("credentials", `${name} is missing: it ${purpose}`, `where to get it: ${source}`),
  );
}

function publicUrl({ http }: Settings): Finding {
  if (http.publicUrl !== null) return ok("public URL", http.publicUrl);
  return warn(
    "public URL",
    "http.publicUrl is not set: Linear and GitHub must reach /webhooks/linear and /webhooks/github from outside",
    "put a TLS proxy or tunnel in front of the relay and set http.publicUrl to its address",
  );
}
