import { access, constants, stat, statfs } from "node:fs/promises";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf } from "../../lib/assert.ts";
import type { Maintenance } from "../../registry.ts";
import type { Settings } from "../../settings/settings.ts";
import { fail, ok, skipped, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** The data folder: there or to be made, ours alone, writable, with room, and fit for a database. */
export async function checkFolder(
  settings: Settings,
  maintenance: Maintenance | null,
): Promise<readonly Finding[]> {
  const { dataDir } = settings;
  if (!existsSync(dataDir)) {
    const parent = nearestFolder(dataDir);
    try {
      await access(parent, constants.W_OK);
    } catch (error) {
      return [
        fail("data folder", `${dataDir} cannot be created: ${messageOf(error)}`, `create it, or set dataDir`),
      ];
    }
    return [ok("data folder", `${dataDir} will be created at the first start`), await room(settings, parent)];
  }
  const { mode } = await stat(dataDir);
  const open = (mode & 0o077) !== 0;
  const reason = maintenance?.probeFolder(dataDir) ?? null;
  return [
    open
      ? warn("data folder", `${dataDir} is readable by other accounts`, `chmod 700 ${dataDir}`)
      : ok("data folder", dataDir),
    reason === null
      ? ok("storage", "it can hold a database with a write-ahead log")
      : fail("storage", reason, "set dataDir to a writable folder on a local disk"),
    await room(settings, dataDir),
  ];
}

/** The database, when there is one. */
export function checkDatabase({ layout }: Settings, maintenance: Maintenance, now: number): Finding {
  try {
    const findings = maintenance.check(layout.database, now);
    const [first] = findings;
    if (first === undefined) return ok("database", "sound");
    const more = findings.length === 1 ? "" : ` and ${findings.length - 1} more`;
    return fail(
      "database",
      `${first.invariant}: ${first.detail}${more}`,
      "patchrelay db check lists all of them",
    );
  } catch (error) {
    if (error instanceof Error && error.name === "NoDatabase")
      return skipped("database", "none yet: it will be created at the first start");
    return fail(
      "database",
      messageOf(error),
      "run patchrelay db check; backups are in backups/ in the data folder",
    );
  }
}

async function room({ storage }: Settings, folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(folder);
  const free = Math.floor((bavail * bsize) / 1_048_576);
  const says = `${free} MiB free`;
  if (free < storage.minFreeMiB) {
    return fail("disk", `${says}; below ${storage.minFreeMiB} MiB webhooks are refused`, "free some space");
  }
  if (free < storage.stopRunsBelowMiB) {
    return warn("disk", `${says}; below ${storage.stopRunsBelowMiB} MiB no run starts`, "free some space");
  }
  return ok("disk", says);
}

function nearestFolder(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestFolder(dirname(path));
}
