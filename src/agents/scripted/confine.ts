import { constants } from "node:fs";
import { lstat, mkdir, open, rm } from "node:fs/promises";
import { isAbsolute, join, normalize, sep } from "node:path";

/** A path that leaves the directory. The message names it. */
class OutsidePath extends Error {
  override readonly name = "OutsidePath";
  constructor(path: string, why: string) {
    super(`${path} ${why}: a script may only touch files of its directory`);
  }
}

/** Writes a whole file, making its folders. Throws OutsidePath. */
export async function writeInside(directory: string, path: string, text: string): Promise<void> {
  const { folders, file } = await confined(directory, path);
  await mkdir(folders, { recursive: true });
  // Between the look and the write a link could have come; the file itself is never followed.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const handle = await open(file, flags, 0o644);
  try {
    await handle.writeFile(text);
  } finally {
    await handle.close();
  }
}

/** Reads a whole file as UTF-8. Throws OutsidePath, or the system's error when it is not there. */
export async function readInside(directory: string, path: string): Promise<string> {
  const { file } = await confined(directory, path);
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}

/** Deletes a file; one that is not there is fine, so that a script can be played again. Throws OutsidePath. */
export async function deleteInside(directory: string, path: string): Promise<void> {
  const { file } = await confined(directory, path);
  await rm(file, { force: true });
}

async function confined(directory: string, path: string): Promise<{ folders: string; file: string }> {
  const parts = normalize(path)
    .split(sep)
    .filter((part) => part !== "");
  if (isAbsolute(path) || parts[0] === "..") throw new OutsidePath(path, "leads out of the directory");
  if (parts.includes(".git")) throw new OutsidePath(path, "is git's own");
  let at = directory;
  for (const part of parts) {
    at = join(at, part);
    if (await isLink(at)) throw new OutsidePath(path, "passes through a link");
  }
  return { folders: join(directory, ...parts.slice(0, -1)), file: join(directory, ...parts) };
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
