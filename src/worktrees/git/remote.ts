import { isAbsolute } from "node:path";
import type { Secret } from "../../lib/secrets/secret.ts";
import { BadName } from "../errors.ts";

/** A place to fetch from and push to, checked. */
export interface Remote {
  readonly url: string;
  /** The only transport git may use for it. */
  readonly protocol: "https" | "http" | "file";
  /** `scheme://host[:port]/` when a credential may be sent there; else null. */
  readonly credentialOrigin: string | null;
}

/** Gives the credential for a remote at the moment it is needed; null = none is configured. */
export type TokenSource = () => Promise<Secret | null>;

/** The forge as git sees it. */
export interface ForgeAccess {
  /** With the port where it is not the scheme's own. */
  readonly host: string;
  /** What an operator sets so that git gets a credential, in words. */
  readonly credential: string;
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Checks a clone URL from the configuration. HTTPS, HTTP to loopback, and local paths are served; ssh, git, ext and
 * anything else is refused, and so is a credential inside the URL (it would end up in process lists and errors).
 * A token goes only to the host of `forge`.
 */
export function checkRemote(url: string, forge: ForgeAccess | null): Remote {
  if (/[\p{Cc}\s]/u.test(url)) throw new BadName("the clone URL contains white space or control characters");
  if (isAbsolute(url)) return { url, protocol: "file", credentialOrigin: null };
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null) {
    // What stands before an @ may be a credential.
    const shown = url.includes("@") ? "" : ` (${JSON.stringify(url)})`;
    throw new BadName(`not a clone URL${shown}: use https://host/owner/name.git or an absolute path`);
  }
  const { protocol, host, hostname } = parsed;
  if (protocol === "file:" && hostname === "") return { url, protocol: "file", credentialOrigin: null };
  if (protocol === "https:" || (protocol === "http:" && LOOPBACK.has(hostname))) {
    if (parsed.username !== "" || parsed.password !== "") {
      throw new BadName(
        `the clone URL for ${parsed.host} holds a credential; set ${forge?.credential ?? "the forge's own"} instead`,
      );
    }
    const known = host === forge?.host.toLowerCase();
    return {
      url: parsed.href,
      protocol: protocol === "https:" ? "https" : "http",
      credentialOrigin: known ? `${protocol}//${host}/` : null,
    };
  }
  throw new BadName(
    protocol === "http:"
      ? `refusing plain http to ${parsed.host}; only loopback may use it, use https`
      : `refusing the transport ${JSON.stringify(protocol)} of the clone URL; use https`,
  );
}
