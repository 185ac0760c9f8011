import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { GitPlace } from "../git/environment.ts";
import { kindOf } from "../git/vet.ts";

// What the relay notes of a worktree and reads back. It lies in our private folder, where neither an agent nor a hook can
// write: whatever lies in the worktree or its git directories may have been put there by either.

/** `made`: what the worktree was prepared for. `prepared`: what the repository's own preparation changed. */
export type NoteKind = "made" | "prepared";

/** By mirror and name: worktrees of two repositories may have the same name, one after the other. */
function noteOf(place: GitPlace, privateDir: string, kind: NoteKind): string {
  return join(privateDir, "notes", basename(place.commonDir), `${basename(place.gitDir)}.${kind}`);
}

/** The note, or null when there is none. */
export async function readNote(place: GitPlace, privateDir: string, kind: NoteKind): Promise<string | null> {
  const path = noteOf(place, privateDir, kind);
  return (await kindOf(path)) === "file" ? await readFile(path, "utf8") : null;
}

/** Writes the note whole or not at all, also in a power cut; null takes it away. */
export async function writeNote(
  place: GitPlace,
  privateDir: string,
  kind: NoteKind,
  text: string | null,
): Promise<void> {
  const path = noteOf(place, privateDir, kind);
  if (text === null) return await rm(path, { force: true });
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
