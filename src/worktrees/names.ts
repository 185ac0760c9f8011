import { BadName } from "./errors.ts";

// T19 in docs/reliability.md: `git check-ref-format` accepts `$(id)`, backticks and `;`, and a name that starts with a
// dash is an option. So names pass an allow-list before they come near git or a path.

const REF = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;
const WORKTREE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\/[A-Za-z0-9._-]{1,100}$/;
const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** `name` when it may be a branch name (without `refs/heads/`); else a BadName that quotes it. */
export function checkBranch(name: string): string {
  const fits =
    name.length <= 200 &&
    REF.test(name) &&
    !name.includes("..") &&
    !name.includes("//") &&
    name.split("/").every((part) => part !== "" && !part.startsWith(".") && !/(?:\.|\.lock)$/i.test(part));
  if (fits) return name;
  throw new BadName(
    `not a branch name the relay uses: ${JSON.stringify(name)}; allowed are letters, digits, ". _ / -", at most 200, ` +
      `not starting with a dash or dot, without "..", "//" or ".lock"`,
  );
}

/** `name` when it may name a worktree: one path component. */
export function checkWorktreeName(name: string): string {
  if (WORKTREE.test(name) && !name.includes("..") && !/(?:\.|\.lock)$/i.test(name)) return name;
  throw new BadName(
    `not a worktree name: ${JSON.stringify(name)}; allowed are letters, digits and ". _ -", at most 100`,
  );
}

/** `sha` when it is a full object id in lower-case hex. */
export function checkSha(sha: string): string {
  if (SHA.test(sha)) return sha;
  throw new BadName(`not a full commit id: ${JSON.stringify(sha)}; 40 (or 64) lower-case hex digits`);
}

/** The folder of a repository's mirror: GitHub's names do not tell case apart, so neither does the folder. */
export function mirrorFolder(repository: string): string {
  if (!REPOSITORY.test(repository) || repository.includes("..")) {
    throw new BadName(`not a repository name: ${JSON.stringify(repository)}; expected "owner/name"`);
  }
  return `${repository.toLowerCase().replace("/", "+")}.git`;
}

/** `path` when it is a plain path inside a repository: relative, no `..`, no empty part. */
export function checkTreePath(path: string): string {
  const parts = path.split("/");
  if (path.length <= 1000 && !path.includes("\0") && parts.every((part) => !["", ".", ".."].includes(part))) {
    return path;
  }
  throw new BadName(`not a path inside a repository: ${JSON.stringify(path)}`);
}

/** Where the mirror keeps what the remote had: nothing an agent or a fetch of other refs touches. */
export function remoteRef(branch: string): string {
  return `refs/patchrelay/remote/${checkBranch(branch)}`;
}

/** Where a worktree's salvage is kept. */
export function salvagePrefix(worktreeName: string): string {
  return `refs/patchrelay/salvage/${checkWorktreeName(worktreeName)}/`;
}
