import { lstat, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Git, StageCall } from "./git.ts";
import type { GitPlace } from "./environment.ts";
import { isAbsent } from "./vet.ts";

// Where attributes were set after a file was stored (`*.bat text` over CRLF, `ident`, another encoding), git calls the
// file changed in a fresh checkout already: it would store it otherwise than it is stored. Nobody has changed it.

interface Entry {
  readonly mode: string;
  readonly blob: string;
  readonly path: string;
}

/**
 * The paths among those that look changed which hold exactly what git writes when it checks them out. Compared with the
 * index and not with a note of ours, so that no agent can pass a change off as old. Of one that only became executable,
 * or ceased to be, that is recorded.
 */
export async function untouched(
  git: Git,
  place: GitPlace,
  privateDir: string,
  call: StageCall,
): Promise<ReadonlySet<string>> {
  const args = ["ls-files", "-z", "--stage", "--modified"];
  const { stdout } = await git.run(place, { args, encoding: "latin1", ...call });
  const entries = stdout.split("\0").flatMap(entryOf);
  if (entries.length === 0 || place.workTree === null) return new Set();
  const folder = await mkdtemp(join(privateDir, "index-"));
  try {
    const checkout = ["checkout-index", "--quiet", "--force", `--prefix=${folder}/`, "-z", "--stdin"];
    const input = entries.map(({ path }) => `${path}\0`).join("");
    await git.run(place, { args: checkout, input, ...call, answers: [0, 1] });
    const same = new Set<string>();
    const modes: string[] = [];
    for (const { mode, blob, path } of entries) {
      const found = await sameFile(bytePath(place.workTree, path), bytePath(folder, path));
      if (found === null) continue;
      same.add(path);
      if (found !== mode) modes.push(`${found} ${blob} 0\t${path}\0`);
    }
    if (modes.length > 0)
      await git.run(place, { args: ["update-index", "-z", "--index-info"], input: modes.join(""), ...call });
    return same;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function entryOf(line: string): readonly Entry[] {
  const [, mode = "", blob = "", path = ""] = /^(100644|100755) ([0-9a-f]+) 0\t(.+)$/s.exec(line) ?? [];
  return path === "" ? [] : [{ mode, blob, path }];
}

/** A path below `folder` that need not be UTF-8. */
export function bytePath(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]);
}

/** Git's mode of `one` when both are plain files with the same bytes; else null. */
async function sameFile(one: Buffer, other: Buffer): Promise<string | null> {
  try {
    const found = await lstat(one);
    const wanted = await lstat(other);
    if (!found.isFile() || !wanted.isFile() || found.size !== wanted.size) return null;
    if (!(await readFile(one)).equals(await readFile(other))) return null;
    return (found.mode & 0o100) === 0 ? "100644" : "100755";
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}
