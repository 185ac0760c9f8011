import { join, sep } from "node:path";
import { realpath } from "node:fs/promises";
import type { SimpleGit } from "simple-git";
import { messageOf } from "../../lib/assert.ts";
import { deadline } from "../../lib/external.ts";
import { childEnvironment } from "../../settings/load/environment.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Host } from "../host/host.ts";
import { ok, skipped, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

const GIT_MS = 10_000;

/**
 * The git of the operator, in their folder: loaded here only, because the commands that people wait for have no use for it.
 * It is given what a child of ours gets, so that nothing is there that simple-git has to refuse.
 */
export async function operatorsGit(host: Host, signal: AbortSignal): Promise<SimpleGit> {
  const { simpleGit } = await import("simple-git");
  const abort = deadline(signal, GIT_MS, "git");
  return simpleGit({ baseDir: host.cwd, abort }).env(childEnvironment(host.env, []));
}

/** Whether doctor stands in a checkout, and of what: of a repository that a project works on, or of another. */
export async function checkCheckout(
  host: Host,
  { layout, projects }: Pick<Settings, "layout" | "projects">,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    if (await isBelow(host.cwd, layout.root))
      return skipped("checkout", "this folder belongs to the relay, which an agent may have changed");
    const git = await operatorsGit(host, signal);
    if (!(await git.checkIsRepo())) return skipped("checkout", "this folder is not a git checkout");
    const top = (await git.revparse(["--show-toplevel"])).trim();
    const remotes = await git.getRemotes(true);
    const remote = remotes.find(({ name }) => name === "origin") ?? remotes[0];
    if (remote === undefined) return ok("checkout", `${top}, without a remote`);
    const name = repositoryName(remote.refs.fetch);
    const project = projects.find(({ repository }) => repository.name.toLowerCase() === name.toLowerCase());
    return ok(
      "checkout",
      `${top}, of ${name}: ${project === undefined ? "no project works on it" : `project ${project.id} works on it`}`,
    );
  } catch (error) {
    return warn("checkout", `git cannot read this folder: ${messageOf(error)}`, null);
  }
}

async function isBelow(path: string, folder: string): Promise<boolean> {
  const [real, root] = await Promise.all([path, folder].map((it) => realpath(it).catch(() => it)));
  return real !== undefined && root !== undefined && join(real, sep).startsWith(join(root, sep));
}

/** `owner/name` of a clone URL of any kind. What else it holds, a credential perhaps, is not shown. */
function repositoryName(url: string): string {
  const path = url
    .trim()
    .replace(/[?#].*$/, "")
    .replace(/\/+$/, "")
    .replace(/\.git$/, "");
  return /([^/:@]+\/[^/:@]+)$/.exec(path)?.[1] ?? "a remote without a name";
}
