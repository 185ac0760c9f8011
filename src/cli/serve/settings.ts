import type { Credentials } from "../../settings/credentials/credentials.ts";
import { problemText } from "../../settings/load/problem.ts";
import type { Problem } from "../../settings/load/problem.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Missing } from "../../settings/sources/source.ts";
import type { Host } from "../host/host.ts";
import { configurationOf, missingText } from "../host/settings.ts";

export type ReadyToServe =
  | {
      readonly ok: true;
      readonly settings: Settings;
      readonly credentials: Credentials;
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly lines: readonly string[] };

/** Settings and credentials of a relay, or everything that is wrong with either, a line each. */
export async function readyToServe(host: Host, configFlag: string | null): Promise<ReadyToServe> {
  const { loaded, read, missing: lacking, weak } = await configurationOf(host, configFlag);
  if (loaded.ok && read.ok) {
    const missing = lacking(loaded.settings, read.credentials);
    if (missing.length > 0) return { ok: false, lines: missing.map(missingLine) };
    const warnings = [...loaded.warnings, ...weak(read.credentials)];
    return { ok: true, settings: loaded.settings, credentials: read.credentials, warnings };
  }
  const problems = [...(loaded.ok ? [] : loaded.problems), ...(read.ok ? [] : read.problems)];
  // With the config wrong it is not known where it listens, and for what; what is asked for by default is told at least.
  const settings = loaded.ok ? loaded.settings : { http: LOOPBACK, webhooks: "on" as const };
  const missing = read.ok ? lacking(settings, read.credentials) : [];
  return { ok: false, lines: [...problems.map(problemText), ...missing.map(missingLine)] };
}

const LOOPBACK = { loopback: true, requireToken: false } as Settings["http"];

/** A missing credential in one line: name, what for, where to get it. */
function missingLine(missing: Missing): string {
  const { says, todo } = missingText(missing);
  return `${says}. ${todo.charAt(0).toUpperCase()}${todo.slice(1)}`;
}
