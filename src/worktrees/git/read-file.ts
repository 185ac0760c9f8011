import { GitFailed } from "../errors.ts";
import type { Git } from "./git.ts";
import type { GitPlace } from "./environment.ts";
import { checkSha, checkTreePath } from "../names.ts";

/**
 * The text of a file as it is in a commit; null when there is none. Never looks at the worktree and never follows a
 * link: anything but a plain file, and a file above `maxBytes`, is a GitFailed that says so.
 */
export async function readFileAt(
  git: Git,
  place: GitPlace,
  file: { readonly sha: string; readonly path: string; readonly maxBytes: number },
  signal: AbortSignal,
): Promise<string | null> {
  const sha = checkSha(file.sha);
  const args = ["ls-tree", "-z", "--long", "--full-tree", sha, "--", checkTreePath(file.path)];
  const { stdout } = await git.run(place, { args, signal });
  const found = /^(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t/.exec(stdout);
  if (found === null) return null;
  const [, mode, , blob = "", size] = found;
  if (mode !== "100644" && mode !== "100755") {
    throw new GitFailed("ls-tree", 0, `${file.path} is not a plain file in ${sha} (mode ${mode})`);
  }
  if (Number(size) > file.maxBytes) {
    throw new GitFailed(
      "ls-tree",
      0,
      `${file.path} has ${size} bytes; the relay reads at most ${file.maxBytes}`,
    );
  }
  return (await git.run(place, { args: ["cat-file", "blob", checkSha(blob)], signal })).stdout;
}
