import type { Secret } from "../../../lib/secrets/secret.ts";
import type { Client } from "./client.ts";

/** Where git finds a repository: as configured, else below the web address. */
function remoteUrl(repository: string, webUrl: string, cloneUrl: string | null): string {
  return cloneUrl ?? `${webUrl.replace(/\/+$/, "")}/${repository}.git`;
}

/**
 * Whether git may be given our token for `url`: GitHub's own host, over HTTPS or to this very machine.
 * Anything else (a mirror, a path, ssh with its own keys) works without.
 */
function mayTakeToken(url: string, webUrl: string): boolean {
  const remote = URL.canParse(url) ? new URL(url) : null;
  if (remote === null || remote.host !== new URL(webUrl).host) return false;
  if (remote.protocol === "https:") return true;
  return remote.protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(remote.hostname);
}

/** Git's address of a repository with the credential for it; null = none is given. */
export async function gitRemote(
  client: Client,
  repository: string,
  webUrl: string,
  cloneUrl: string | null,
  signal: AbortSignal,
): Promise<{ readonly url: string; readonly token: Secret | null }> {
  const url = remoteUrl(repository, webUrl, cloneUrl);
  return { url, token: mayTakeToken(url, webUrl) ? await client.gitToken(repository, signal) : null };
}
