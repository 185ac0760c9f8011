import { join, sep } from "node:path";
import { realpath } from "node:fs/promises";
import type { Settings } from "../../settings/settings.ts";
import type { Host } from "../host/host.ts";
import { ok, skipped, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { askGit, whyGitFailed } from "./operators-git.ts";

/** Whether doctor stands in a checkout, and of what: of a repository that a project works on, or of another. */
export async function checkCheckout(
  host: Host,
  { layout, projects }: Pick<Settings, "layout" | "projects">,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    if (await isBelow(host.cwd, layout.root))
      return skipped("checkout", "this folder belongs to the relay, which an agent may have changed");
    const found = await askGit(host, signal, async (git) =>
      (await git.checkIsRepo())
        ? { top: (await git.revparse(["--show-toplevel"])).trim(), remotes: await git.getRemotes(true) }
        : null,
    );
    if (found === null) return skipped("checkout", "the current folder is not a git checkout");
    const { top, remotes } = found;
    const remote = remotes.find(({ name }) => name === "origin") ?? remotes[0];
    if (remote === undefined) return ok("checkout", `current folder: a checkout of ${top}, without a remote`);
    const name = repositoryName(remote.refs.fetch);
    const project = projects.find(({ repository }) => repository.name.toLowerCase() === name.toLowerCase());
    return ok(
      "checkout",
      `current folder: a checkout of ${name}, ${project === undefined ? "which no project uses" : `which project ${project.id} uses`}`,
    );
  } catch (error) {
    return warn("checkout", `git cannot read this folder: ${whyGitFailed(error)}`, null);
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
