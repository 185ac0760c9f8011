import { readCredentials } from "../../settings/credentials/credentials.ts";
import type { Environment } from "../../settings/load/locate.ts";
import type { Secret } from "../../lib/secrets/secret.ts";
import { badSettings } from "../usage/failure.ts";
import type { Host } from "../host/host.ts";

const NAMES = ["PATCHRELAY_API_TOKEN", "PATCHRELAY_API_TOKEN_FILE", "CREDENTIALS_DIRECTORY"] as const;

/** PATCHRELAY_API_TOKEN, when it is set. No other credential is looked at: theirs are the relay's business. */
export function apiToken({ env, readFile }: Pick<Host, "env" | "readFile">): Secret | null {
  const own: Environment = Object.fromEntries(NAMES.map((name) => [name, env[name]]));
  // Of a systemd directory only this one file.
  const read = readCredentials(own, (path) =>
    path.endsWith("PATCHRELAY_API_TOKEN") || path === env["PATCHRELAY_API_TOKEN_FILE"]?.trim()
      ? readFile(path)
      : null,
  );
  if (!read.ok) throw badSettings(read.problems);
  return read.credentials.PATCHRELAY_API_TOKEN;
}
