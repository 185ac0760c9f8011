import type { SimpleGit } from "simple-git";
import { messageOf } from "../../lib/assert.ts";
import { cutOffAfter } from "../../lib/external.ts";
import { childEnvironment } from "../../settings/load/environment.ts";
import type { Host } from "../host/host.ts";

const GIT_MS = 10_000;

/**
 * Asks the operator's own git, in the folder they stand in. simple-git is loaded here only, because the commands that people
 * wait for have no use for it. It is given the environment that a child of ours gets, so that nothing is there that it
 * has to refuse. Rejects after ten seconds, even when git has started something that does not end.
 */
export async function askGit<T>(
  host: Host,
  signal: AbortSignal,
  ask: (git: SimpleGit) => Promise<T>,
): Promise<T> {
  const { simpleGit } = await import("simple-git");
  // Ending git leaves what it has started, and simple-git waits for that too.
  return await cutOffAfter(host.clock, signal, GIT_MS, "git", (abort) =>
    ask(simpleGit({ baseDir: host.cwd, abort }).env(childEnvironment(host.env, []))),
  );
}

/** Why git gave no answer, in one line: simple-git passes on whole outputs, and stacks. */
export function whyGitFailed(error: unknown): string {
  const message = messageOf(error);
  if (message.includes("ENOENT")) return "git is not on PATH";
  return message.trim().split("\n")[0] ?? message;
}
