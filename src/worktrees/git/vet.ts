import { lstat, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../../lib/log.ts";
import type { GitPlace, Identity } from "./environment.ts";

// Before each git command: the files of the repository that could make git run or write something are what we
// made them. The agent's sandbox does not let it write there; this holds where the sandbox does not (hooks, an
// agent without one, a person's experiment). T20 to T22 in docs/reliability.md.

/** The one config a mirror has. It is also what git uses when the agent calls it in the worktree. */
export function mirrorConfig(identity: Identity): string {
  const section = (name: string, entries: readonly string[]): string =>
    `[${name}]\n${entries.map((entry) => `\t${entry}\n`).join("")}`;
  return [
    section("core", [
      "repositoryformatversion = 0",
      "filemode = true",
      "bare = true",
      "hooksPath = /dev/null",
      "fsmonitor = false",
    ]),
    section("user", [`name = ${quoted(identity.name)}`, `email = ${quoted(identity.email)}`]),
    section("gc", ["auto = 0", "worktreePruneExpire = never"]),
    section("maintenance", ["auto = false"]),
    section("commit", ["gpgSign = false"]),
  ].join("");
}

function quoted(value: string): string {
  const oneLine = value.replace(/[\p{Cc}]/gu, " ");
  return `"${oneLine.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

// Files through which a repository can borrow objects or rewrite what git sees of its own. `shallow` ends the history
// wherever it says; a line of `info/exclude` would keep files of every worktree out of what is looked at and published.
const UNWANTED = [
  "shallow",
  "info/exclude",
  "info/attributes",
  "info/grafts",
  "objects/info/alternates",
  "objects/info/http-alternates",
];

/** What git itself writes there for a worktree of a bare repository. */
const COMMON_DIR = "../..\n";

/** Puts config and admin files back into our shape; says in the log when it had to. Throws when a directory is gone. */
export async function vet(place: GitPlace, config: string, log: Log): Promise<void> {
  const found = await textOf(join(place.commonDir, "config"));
  if (found !== config) {
    if (found !== null) log.warn("restored the git config of a mirror that was changed", mirrorOf(place));
    await writeConfig(place.commonDir, config);
  }
  for (const name of UNWANTED) {
    if (await removeFile(join(place.commonDir, name)))
      log.warn(`removed ${name} from a mirror`, mirrorOf(place));
  }
  await removeLinks(place.commonDir, false, log);
  if (place.gitDir === place.commonDir) return;
  await removeLinks(place.gitDir, true, log);
  // GIT_COMMON_DIR alone does not do: where refs are kept git reads from this file (refs/files-backend.c).
  const common = join(place.gitDir, "commondir");
  if ((await textOf(common)) === COMMON_DIR) return;
  log.warn("restored the commondir file of a worktree that was changed", mirrorOf(place));
  await rm(common, { recursive: true, force: true });
  await writeFile(common, COMMON_DIR, { flag: "wx" });
}

/** Writes the config of a mirror whole or not at all. */
export async function writeConfig(commonDir: string, config: string): Promise<void> {
  const path = join(commonDir, "config");
  const fresh = join(commonDir, "config.patchrelay");
  await rm(fresh, { force: true });
  await writeFile(fresh, config, { mode: 0o600, flag: "wx" });
  await rename(fresh, path);
}

async function textOf(path: string): Promise<string | null> {
  const kind = await kindOf(path);
  if (kind === null) return null;
  return kind === "file" ? await readFile(path, "utf8") : "";
}

/** What lies at `path` itself, links not followed; null = nothing. */
export async function kindOf(path: string): Promise<"file" | "directory" | "link" | "other" | null> {
  try {
    const found = await lstat(path);
    if (found.isFile()) return "file";
    if (found.isDirectory()) return "directory";
    return found.isSymbolicLink() ? "link" : "other";
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** Whether a file system error means that there is nothing at the path. */
export function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

async function removeFile(path: string): Promise<boolean> {
  if ((await kindOf(path)) === null) return false;
  await rm(path, { force: true, recursive: true });
  return true;
}

// git follows a link at index, HEAD, logs/HEAD or MERGE_MSG and would overwrite whatever it points to.
async function removeLinks(directory: string, deep: boolean, log: Log): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: deep })) {
    if (!entry.isSymbolicLink()) continue;
    await rm(join(entry.parentPath, entry.name), { force: true });
    log.warn(`removed the link ${entry.name} from a git directory`, { directory });
  }
}

function mirrorOf(place: GitPlace): { readonly mirror: string } {
  return { mirror: place.commonDir };
}
