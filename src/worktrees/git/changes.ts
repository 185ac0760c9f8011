import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../lib/ids.ts";
import { GitFailed } from "../errors.ts";
import type { Git, StageCall } from "./git.ts";
import type { GitPlace } from "./environment.ts";
import { checkSha } from "../names.ts";
import { madeFor } from "../notes/made.ts";
import { commitAt, countBetween } from "./refs.ts";
import { unfilteredOf } from "./filters.ts";
import type { Unfiltered } from "./filters.ts";
import { snapshotTree } from "./snapshot.ts";
import type { TreePlace } from "../trees/tree.ts";
import { kindOf } from "./vet.ts";

// What is in a worktree, read without changing it.

export interface TreeStatus {
  /** Paths that differ from HEAD, untracked ones included, sorted; at most 10,000. */
  readonly dirty: readonly string[];
  readonly head: string;
  /** Commits of HEAD that the base has not. */
  readonly aheadOfBase: number;
  /** Files in conflict that still hold conflict markers. */
  readonly conflicts: readonly string[];
}

const MAX_PATHS = 10_000;

/** Throws GitFailed when HEAD has no commit. */
export async function statusOf(
  git: Git,
  place: TreePlace,
  base: string,
  signal: AbortSignal,
): Promise<TreeStatus> {
  const args = [
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=all",
    "--ignore-submodules=all",
    "--no-renames",
  ];
  const { stdout } = await git.run(place, { args, signal });
  const entries = stdout.split("\0").filter((entry) => entry !== "");
  const head = await headOf(git, place, signal);
  return {
    dirty: entries
      .slice(0, MAX_PATHS)
      .map((entry) => entry.slice(3))
      .toSorted(),
    head,
    aheadOfBase: await countBetween(git, place, base, head, signal),
    conflicts: await unresolved(git, place, signal),
  };
}

/** The commit the worktree stands on. Throws GitFailed when there is none. */
export async function headOf(git: Git, place: GitPlace, signal: AbortSignal): Promise<string> {
  const head = await commitAt(git, place, "HEAD", signal);
  if (head === null) throw new GitFailed("rev-parse", null, "the worktree stands on no commit");
  return head;
}

/** Paths that the index holds as unmerged: a conflict happened there and nothing has been recorded since. */
export async function unmerged(git: Git, place: GitPlace, call: StageCall): Promise<readonly string[]> {
  const { stdout } = await git.run(place, { args: ["ls-files", "-z", "--unmerged"], ...call });
  const paths = new Set(stdout.split("\0").map((entry) => entry.slice(entry.indexOf("\t") + 1)));
  return [...paths].filter((path) => path !== "");
}

/** The unmerged files that still hold conflict markers: nobody has resolved them. */
export async function unresolved(
  git: Git,
  place: TreePlace,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of await unmerged(git, place, { signal })) {
    const file = join(place.workTree, path);
    if ((await kindOf(file)) === "file" && /^<{7} .*$/m.test(await readFile(file, "utf8"))) found.push(path);
  }
  return found;
}

export interface ChangedFile {
  readonly path: string;
  readonly status: "added" | "changed" | "deleted" | "type_changed";
  /** Lines; null for a binary file. */
  readonly added: number | null;
  readonly removed: number | null;
  /** Git's file mode afterwards: 100644, 100755, 120000 (link), 160000 (submodule); 000000 when deleted. */
  readonly mode: string;
}

export interface Changes {
  /** A rename is a deletion and an addition, so that no path hides. */
  readonly files: readonly ChangedFile[];
  /** Unified diff without binary contents, at most `maxPatchBytes`. */
  readonly patch: string;
  readonly patchTruncated: boolean;
  /**
   * Every line that is added, of binary files and of those that attributes call binary as well. Without NUL, bytes as
   * Latin-1. Null = more than can be looked through.
   */
  readonly added: readonly string[] | null;
  /**
   * What commits since carry besides: lines that a later one takes away again, and their messages. Null = more than can
   * be looked through.
   */
  readonly carried: readonly string[] | null;
  /** Files that a filter of their attributes would have stored otherwise: see filters.ts. */
  readonly unfiltered: readonly Unfiltered[];
  /** Equal for equal changes, whatever commit they stand on; null when nothing changed. */
  readonly patchId: string | null;
  /** The tree object of what was looked at. */
  readonly tree: string;
}

const NO_TRICKS = [
  "--no-ext-diff",
  "--no-textconv",
  "--no-color",
  "--no-renames",
  "--ignore-submodules=none",
];

export interface ChangesRequest {
  /** A commit, or the tree that an integration left. */
  readonly from: string;
  /** Commits that are none of the agent's, with all that they come from. */
  readonly known: readonly string[];
  readonly privateDir: string;
  readonly maxPatchBytes: number;
  readonly signal: AbortSignal;
}

/** What changed from a commit to what lies in the worktree now, committed or not. */
export async function changesOf(git: Git, place: TreePlace, options: ChangesRequest): Promise<Changes> {
  const { signal } = options;
  const tree = await snapshotTree(git, place, options.privateDir, signal);
  const between = [checkSha(options.from), tree];
  const list = ["diff-tree", "-r", "-z", "--raw", "--numstat", "--abbrev=64", ...NO_TRICKS, ...between];
  const { stdout } = await git.run(place, { args: list, signal });
  const { files, blobs, stored } = readDiff(stdout);
  const { privateDir } = options;
  const show = ["diff-tree", "-r", "-p", "--full-index", "--unified=3", ...NO_TRICKS, ...between];
  const whole = await git.run(place, { args: show, signal, encoding: "latin1", mayTruncate: true });
  const patch = Buffer.from(whole.stdout, "latin1").subarray(0, options.maxPatchBytes).toString("utf8");
  return {
    files,
    patch,
    patchTruncated: whole.truncated || whole.stdout.length > options.maxPatchBytes,
    added: await addedBetween(git, place, between, signal),
    carried: await carriedSince(git, place, options, signal),
    unfiltered: await unfilteredOf(git, place, { tree, files: stored, privateDir }, signal),
    patchId: files.length === 0 ? null : await patchId(git, place, whole.stdout, blobs, signal),
    tree,
  };
}

/** What is added is looked through up to this. */
const MOST_SEEN_BYTES = 16 * 1024 * 1024;

const BARE = ["-p", "--text", "--unified=0", ...NO_TRICKS];

async function addedBetween(
  git: Git,
  place: TreePlace,
  between: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const diff = await bounded(git, place, ["diff-tree", "-r", ...BARE, ...between], signal);
  return diff === null ? null : addedLines(diff);
}

// What the base has, and what stood there before, is known by our own records. Refs of the mirror tell nothing: who can
// write there could have them hide a commit.
async function carriedSince(
  git: Git,
  place: TreePlace,
  { from, known, privateDir }: Pick<ChangesRequest, "from" | "known" | "privateDir">,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const since =
    (await commitAt(git, place, checkSha(from), signal)) ?? (await madeFor(place, privateDir))?.head;
  const log = ["log", "--no-show-signature"];
  const ours = ["HEAD", "--not", ...(since === undefined ? [] : [since]), ...known.map(checkSha)];
  const diffs = await bounded(git, place, [...log, "--format=", ...BARE, ...ours], signal);
  // Of a merge what neither side has.
  const merges = await bounded(
    git,
    place,
    [...log, "--format=", "--merges", "--cc", ...BARE, ...ours],
    signal,
  );
  const messages = await bounded(git, place, [...log, "--format=%B", ...ours], signal);
  if (diffs === null || merges === null || messages === null) return null;
  // By what a line begins with nothing tells a file's name from a line that begins with "+ ": both are looked at.
  const made = merges.split("\n").filter((line) => /^ *\+/.test(line));
  return [...addedLines(diffs), ...made, ...messages.split("\n")];
}

async function bounded(
  git: Git,
  place: TreePlace,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string | null> {
  const { stdout, truncated } = await git.run(place, { args, signal, encoding: "latin1", mayTruncate: true });
  return truncated || stdout.length > MOST_SEEN_BYTES ? null : stdout;
}

/**
 * The lines that a unified diff adds. Told apart by the counts in the heads of the hunks: what a line begins with is its
 * author's choice, and may look like any line of a diff.
 */
export function addedLines(diff: string): readonly string[] {
  const added: string[] = [];
  let removedLeft = 0;
  let addedLeft = 0;
  for (const line of diff.split("\n")) {
    if (removedLeft === 0 && addedLeft === 0) {
      const head = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
      if (head === null) continue;
      removedLeft = Number(head[1] ?? 1);
      addedLeft = Number(head[2] ?? 1);
    } else if (line.startsWith("+")) {
      added.push(line.slice(1).replaceAll("\0", ""));
      addedLeft -= 1;
    } else if (line.startsWith("-")) removedLeft -= 1;
    else if (!line.startsWith("\\")) {
      removedLeft -= 1;
      addedLeft -= 1;
    }
  }
  return added;
}

// git patch-id knows text only; the contents of binary files and of what it was not given count by their ids.
async function patchId(
  git: Git,
  place: GitPlace,
  patch: string,
  blobs: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const text = await git.text(place, { args: ["patch-id", "--stable"], signal, input: patch });
  return sha256([text.split(" ")[0] ?? "", ...blobs].join("\n"));
}

const STATUS: Readonly<Record<string, ChangedFile["status"]>> = {
  A: "added",
  M: "changed",
  D: "deleted",
  T: "type_changed",
};

// `--raw -z` gives `:old new sha sha S\0path\0`, `--numstat -z` then `added\tremoved\tpath\0` (git-diff-tree).
function readDiff(output: string): {
  readonly files: readonly ChangedFile[];
  readonly blobs: readonly string[];
  /** What is stored now and was not before, under whatever name. */
  readonly stored: readonly { readonly path: string; readonly mode: string; readonly blob: string }[];
} {
  const gone = new Set<string>();
  const fields = output.split("\0");
  const raw = new Map<string, { status: ChangedFile["status"]; mode: string; blob: string }>();
  const files: ChangedFile[] = [];
  const blobs: string[] = [];
  for (let at = 0; at < fields.length; at += 1) {
    const field = fields[at] ?? "";
    if (field.startsWith(":")) {
      const [, mode, old, blob, letter] = field.split(" ");
      at += 1;
      gone.add(old ?? "");
      const status = STATUS[letter ?? ""] ?? "changed";
      raw.set(fields[at] ?? "", { status, mode: mode ?? "", blob: blob ?? "" });
      continue;
    }
    const [added, removed, ...rest] = field.split("\t");
    if (added === undefined || removed === undefined) continue;
    const path = rest.join("\t");
    const { status, mode, blob } = raw.get(path) ?? { status: "changed" as const, mode: "", blob: "" };
    const binary = added === "-";
    if (binary) blobs.push(`${path} ${blob}`);
    files.push({
      path,
      status,
      added: binary ? null : Number(added),
      removed: binary ? null : Number(removed),
      mode,
    });
  }
  const stored = [...raw]
    .map(([path, { mode, blob }]) => ({ path, mode, blob }))
    .filter(({ blob }) => !gone.has(blob));
  return { files, blobs, stored };
}
