import type { ProcessEnvironment } from "../../lib/process/processes.ts";
import type { Secret } from "../../lib/secrets/secret.ts";
import type { Remote } from "./remote.ts";

// The environment that git is called with. What a repository's own config could make git run is overridden by
// configuration from the environment, which git reads last (git-config, GIT_CONFIG_COUNT). Keys with free names
// (filter.<x>.clean, diff.<x>.textconv …) cannot be listed, therefore vet.ts keeps the config file itself ours.

/** Who the relay's own commits are by. */
export interface Identity {
  readonly name: string;
  readonly email: string;
}

/** The git directories and tree of one call, from our records, never from what a `.git` file says. */
export interface GitPlace {
  readonly gitDir: string;
  readonly commonDir: string;
  readonly workTree: string | null;
}

const OVERRIDES: readonly (readonly [string, string])[] = [
  ["core.fsmonitor", "false"],
  ["core.hooksPath", "/dev/null"],
  ["core.sshCommand", "false"],
  ["core.gitProxy", "none"],
  ["core.attributesFile", "/dev/null"],
  ["core.excludesFile", "/dev/null"],
  ["core.untrackedCache", "false"],
  ["core.autocrlf", "false"],
  // It says what the parents of commits are, and nothing checks that it is right.
  ["core.commitGraph", "false"],
  ["core.quotePath", "false"],
  ["core.commentChar", "#"],
  ["credential.helper", ""],
  ["credential.interactive", "false"],
  ["submodule.recurse", "false"],
  ["fetch.recurseSubmodules", "false"],
  ["push.recurseSubmodules", "no"],
  ["push.gpgSign", "false"],
  ["push.followTags", "false"],
  ["push.pushOption", ""],
  ["diff.ignoreSubmodules", "all"],
  ["diff.noprefix", "false"],
  ["diff.mnemonicPrefix", "false"],
  ["merge.conflictStyle", "diff3"],
  ["merge.verifySignatures", "false"],
  ["merge.renormalize", "false"],
  ["rebase.autoStash", "false"],
  ["rebase.autoSquash", "false"],
  ["rebase.updateRefs", "false"],
  ["rerere.enabled", "false"],
  ["commit.gpgSign", "false"],
  ["tag.gpgSign", "false"],
  ["gpg.program", "false"],
  ["log.showSignature", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["http.followRedirects", "false"],
  ["http.sslVerify", "true"],
  ["http.extraHeader", ""],
  ["http.cookieFile", ""],
  ["http.saveCookies", "false"],
  ["checkout.workers", "2"],
];

/** What of the operator's environment a network call needs: proxies and certificates, nothing else. */
const NETWORK = [
  "HTTPS_PROXY",
  "HTTP_PROXY",
  "NO_PROXY",
  "https_proxy",
  "http_proxy",
  "no_proxy",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "GIT_SSL_CAINFO",
];

const ORDINARY_PATH = "/usr/local/bin:/usr/bin:/bin";

export interface GitEnvironmentParts {
  readonly place: GitPlace | null;
  readonly identity: Identity;
  /** An empty folder of ours. */
  readonly home: string;
  /** The operator's environment; only PATH and the network variables are taken. */
  readonly operator: ProcessEnvironment;
  readonly remote?: Remote | undefined;
  readonly token?: Secret | null | undefined;
  readonly indexFile?: string | undefined;
  readonly extra?: ProcessEnvironment | undefined;
}

/** The complete environment of one git command. */
export function gitEnvironment(parts: GitEnvironmentParts): Record<string, string> {
  const { place, identity, remote } = parts;
  const env: Record<string, string> = {
    PATH: absolutePath(parts.operator["PATH"]),
    HOME: parts.home,
    XDG_CONFIG_HOME: parts.home,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    // Set but empty: git then asks neither core.askPass nor SSH_ASKPASS.
    GIT_ASKPASS: "",
    GIT_EDITOR: ":",
    GIT_SEQUENCE_EDITOR: ":",
    GIT_PAGER: "cat",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_LITERAL_PATHSPECS: "1",
    GIT_NO_REPLACE_OBJECTS: "1",

    GIT_GRAFT_FILE: "/dev/null",
    GIT_PROTOCOL_FROM_USER: "0",
    // The only transport of this call; without a remote none.
    GIT_ALLOW_PROTOCOL: remote?.protocol ?? "none",
    GIT_AUTHOR_NAME: identity.name,
    GIT_AUTHOR_EMAIL: identity.email,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
  };
  if (place !== null) {
    env["GIT_DIR"] = place.gitDir;
    env["GIT_COMMON_DIR"] = place.commonDir;
    if (place.workTree !== null) env["GIT_WORK_TREE"] = place.workTree;
  }
  if (parts.indexFile !== undefined) env["GIT_INDEX_FILE"] = parts.indexFile;
  if (remote !== undefined && remote.protocol !== "file") {
    for (const name of NETWORK) {
      const value = parts.operator[name];
      if (value !== undefined) env[name] = value;
    }
  }
  return { ...env, ...parts.extra, ...asVariables([...OVERRIDES, ...credential(parts)]) };
}

/** A search path without relative entries: git runs inside worktrees, where `.` may hold a program called git. */
export function absolutePath(path: string | undefined): string {
  const kept = (path ?? "").split(":").filter((entry) => entry.startsWith("/"));
  return kept.length === 0 ? ORDINARY_PATH : kept.join(":");
}

function credential(parts: GitEnvironmentParts): [string, string][] {
  const origin = parts.remote?.credentialOrigin ?? null;
  if (origin === null || parts.token === undefined || parts.token === null) return [];
  return [[`http.${origin}.extraHeader`, `Authorization: Basic ${basicCredential(parts.token)}`]];
}

/** GitHub takes a token as the password of any user name; `x-access-token` is the one its documentation uses. */
export function basicCredential(token: Secret): string {
  return Buffer.from(`x-access-token:${token.reveal()}`).toString("base64");
}

function asVariables(config: readonly (readonly [string, string])[]): Record<string, string> {
  const variables: Record<string, string> = { GIT_CONFIG_COUNT: String(config.length) };
  for (const [index, [key, value]] of config.entries()) {
    variables[`GIT_CONFIG_KEY_${index}`] = key;
    variables[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return variables;
}
