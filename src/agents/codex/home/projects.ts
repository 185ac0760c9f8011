import { realpath } from "node:fs/promises";
import { basename, dirname } from "node:path";

/**
 * The folders under which Codex may file a repository's own configuration as trusted: it does so by itself for
 * the main checkout of a writable thread, unless the folder is declared untrusted before. `paths` are worktrees
 * and git directories; each counts as itself, a git directory also as the checkout or mirror it belongs to.
 */
export async function projectsOf(paths: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    for (const spelling of [path, await realpath(path)]) {
      found.add(spelling);
      let folder = spelling;
      // <main>/.git/worktrees/<name>, or <mirror>/worktrees/<name>
      if (basename(dirname(folder)) === "worktrees") folder = dirname(dirname(folder));
      found.add(folder);
      if (basename(folder) === ".git") found.add(dirname(folder));
    }
  }
  return [...found];
}
