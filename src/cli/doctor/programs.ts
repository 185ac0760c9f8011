import { whyNotConfined } from "../../lib/process/confine.ts";
import { childEnvironment } from "../../settings/load/environment.ts";
import type { Host } from "../host/host.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { askGit, whyGitFailed } from "./operators-git.ts";

const NODE_LEAST = "20.19.0";
/** Configuration from the environment (docs/decisions/0002-git.md). */
const GIT_LEAST = "2.31.0";
const INSTALL = `install git ${GIT_LEAST} or newer and put it on PATH`;

/** Whether this Node is new enough; `version` without v. */
export function checkNode(version: string): Finding {
  return atLeast(version, NODE_LEAST)
    ? ok("node", version)
    : fail("node", `${version} is too old`, `install Node ${NODE_LEAST} or newer`);
}

/** Whether git is there and new enough. */
export async function checkGit(host: Host, signal: AbortSignal): Promise<Finding> {
  try {
    const { installed, major, minor, patch } = await askGit(host, signal, (git) => git.version());
    if (!installed) return fail("git", "it is not on PATH", INSTALL);
    if (major === 0) return fail("git", "it does not say which version it is", INSTALL);
    const version = `${major}.${minor}.${patch}`;
    return atLeast(version, GIT_LEAST) ? ok("git", version) : fail("git", `${version} is too old`, INSTALL);
  } catch (error) {
    return fail("git", whyGitFailed(error), INSTALL);
  }
}

/** Whether what hooks run can be kept from the relay's own processes and files. */
export async function checkConfinement({ clock, env }: Host, signal: AbortSignal): Promise<Finding> {
  const reason = await whyNotConfined(clock, childEnvironment(env, []), signal);
  if (reason === null)
    return ok("hooks are confined", "they cannot see the relay's processes or its data folder");
  return warn(
    "hooks are confined",
    `they are not: a verify hook runs code the agent may have written, and that code can read the relay's credentials (${reason})`,
    "allow this account to create user namespaces (unshare and mount from util-linux; see Security in docs/operating.md), or do without a verify hook",
  );
}

function atLeast(version: string, least: string): boolean {
  const [own, wanted] = [version, least].map((text) => text.split(".").map(Number));
  for (const [index, part] of (wanted ?? []).entries()) {
    const mine = own?.[index] ?? 0;
    if (mine !== part) return mine > part;
  }
  return true;
}
