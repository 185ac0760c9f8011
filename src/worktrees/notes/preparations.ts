import type { Git, StageCall } from "../git/git.ts";
import type { GitPlace } from "../git/environment.ts";
import { readNote, writeNote } from "./note.ts";

// What the repository's own preparation changed before the agent began is nobody's change: a lock file that an install
// rewrote, a file that a generator left. It stays in the tree and out of commits until somebody changes it further.

/** Trees before and after a preparation. `after` null = it has not come to its end. */
export interface Preparation {
  readonly before: string;
  readonly after: string | null;
}

const MOST = 16;
const LINE = /^([0-9a-f]{40,64}) ([0-9a-f]{40,64}|-)$/;

/** Every preparation of the worktree since it was last aimed at a commit, oldest first. */
export async function preparationsOf(place: GitPlace, privateDir: string): Promise<readonly Preparation[]> {
  return ((await readNote(place, privateDir, "prepared")) ?? "").split("\n").flatMap((line) => {
    const [, before = "", after = ""] = LINE.exec(line) ?? [];
    return before === "" ? [] : [{ before, after: after === "-" ? null : after }];
  });
}

/** Writes the note whole or not at all; an empty one is taken away. */
export async function notePreparations(
  place: GitPlace,
  privateDir: string,
  made: readonly Preparation[],
): Promise<void> {
  const lines = made.slice(-MOST).map(({ before, after }) => `${before} ${after ?? "-"}\n`);
  await writeNote(place, privateDir, "prepared", lines.length === 0 ? null : lines.join(""));
}

/** Takes out of the index what is still as the preparation left it: it is recorded as it was before. */
export async function withoutPreparation(
  git: Git,
  place: GitPlace,
  { before, after }: Preparation,
  call: StageCall,
): Promise<void> {
  if (after === null) return;
  const shape = ["-r", "-z", "--raw", "--no-renames", "--abbrev=64"];
  const list = async (args: readonly string[]): Promise<readonly string[]> =>
    (await git.run(place, { args, encoding: "latin1", ...call })).stdout.split("\0");
  const further = await list(["diff-index", "--cached", ...shape, after]);
  const changed = new Set(further.filter((_, at) => at % 2 === 1));
  const made = await list(["diff-tree", ...shape, before, after]);
  const lines: string[] = [];
  for (let at = 0; at + 1 < made.length; at += 2) {
    const path = made[at + 1] ?? "";
    if (changed.has(path)) continue;
    const [mode = "", , blob = ""] = (made[at] ?? "").slice(1).split(" ");
    lines.push(`${mode === "000000" ? "0" : mode} ${blob} 0\t${path}\0`);
  }
  if (lines.length === 0) return;
  await git.run(place, { args: ["update-index", "-z", "--index-info"], input: lines.join(""), ...call });
}
