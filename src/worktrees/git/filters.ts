import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.ts";
import type { GitPlace } from "./environment.ts";
import { asInput } from "./snapshot.ts";

// Filters that attributes name (Git LFS, git-crypt, …) are programs of somebody's own configuration: none is run here. What
// would have to go through one is stored as it lies there: in the place of a pointer the whole file, of a cipher plain text.

export interface Unfiltered {
  readonly path: string;
  /** The filter's name, such as `lfs`. */
  readonly filter: string;
}

interface Stored {
  readonly path: string;
  readonly mode: string;
  readonly blob: string;
}

/** A pointer is text of at most this, by the specification of Git LFS. */
const POINTER_BYTES = 1_024;
const POINTER =
  /^version https:\/\/git-lfs\.\S+\/spec\/v1\n(?:ext-\S+ \S+\n)*oid sha256:[0-9a-f]{64}\nsize \d+\n$/;

/** Of the given files of a tree those that their filter would have stored otherwise; attributes are those of the tree. */
export async function unfilteredOf(
  git: Git,
  place: GitPlace,
  of: { readonly tree: string; readonly files: readonly Stored[]; readonly privateDir: string },
  signal: AbortSignal,
): Promise<readonly Unfiltered[]> {
  const files = of.files.filter(({ mode }) => mode.startsWith("100"));
  if (files.length === 0) return [];
  const filters = await filtersOf(git, place, { ...of, files }, signal);
  const found: Unfiltered[] = [];
  for (const { path, blob } of files) {
    const filter = filters.get(path);
    if (filter === undefined) continue;
    if (filter === "lfs" && (await isPointer(git, place, blob, signal))) continue;
    found.push({ path, filter });
  }
  return found;
}

async function filtersOf(
  git: Git,
  place: GitPlace,
  { tree, files, privateDir }: Parameters<typeof unfilteredOf>[2],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const folder = await mkdtemp(join(privateDir, "index-"));
  const call = { signal, indexFile: join(folder, "index") };
  try {
    await git.run(place, { args: ["read-tree", tree], ...call });
    // Not the files' own attributes: one that is ignored would count there, and not where the change is checked out.
    const args = ["check-attr", "--cached", "-z", "--stdin", "filter"];
    const input = Buffer.from(asInput(files.map(({ path }) => path)), "utf8").toString("latin1");
    const fields = (await git.run(place, { args, input, ...call })).stdout.split("\0");
    const found = new Map<string, string>();
    for (let at = 0; at + 2 < fields.length; at += 3) {
      const value = fields[at + 2] ?? "";
      if (!["unspecified", "unset", "set", ""].includes(value)) found.set(fields[at] ?? "", value);
    }
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isPointer(git: Git, place: GitPlace, blob: string, signal: AbortSignal): Promise<boolean> {
  const args = ["cat-file", "blob", blob];
  const { stdout, truncated } = await git.run(place, {
    args,
    signal,
    encoding: "latin1",
    maxOutputBytes: POINTER_BYTES + 1,
    mayTruncate: true,
  });
  return !truncated && stdout.length <= POINTER_BYTES && POINTER.test(stdout);
}
