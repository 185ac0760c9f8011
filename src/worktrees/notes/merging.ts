import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "../git/git.ts";
import type { GitPlace } from "../git/environment.ts";
import { commitAt, isAncestor } from "../git/refs.ts";
import { kindOf } from "../git/vet.ts";
import { madeFor } from "./made.ts";

/**
 * The commit of a merge that we left to be resolved and that is not concluded; null = none is. `isThere`: git knows of it
 * too, and of no other. Without that somebody has given it up, and with it what it had brought.
 */
export async function mergeLeft(
  git: Git,
  place: GitPlace,
  privateDir: string,
  signal: AbortSignal,
): Promise<{ readonly onto: string; readonly isThere: boolean } | null> {
  const onto = (await madeFor(place, privateDir))?.merging ?? null;
  if (onto === null) return null;
  const head = await commitAt(git, place, "HEAD", signal);
  if (head !== null && (await isAncestor(git, place, onto, head, signal))) return null;
  const path = join(place.gitDir, "MERGE_HEAD");
  const isThere = (await kindOf(path)) === "file" && (await readFile(path, "utf8")) === `${onto}\n`;
  return { onto, isThere };
}
