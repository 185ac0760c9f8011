import { createHash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../lib/secrets/secret.ts";
import { Problem } from "../problem.ts";

/** What a decision about access rests on. Forwarding headers are not among it: anybody can write them. */
export interface Caller {
  readonly method: string;
  /** Whether it wants to become a WebSocket. */
  readonly upgrade: boolean;
  /** The socket's own address, not the peer's. */
  readonly ownAddress: string | undefined;
  readonly hosts: number;
  readonly host: string | null;
  readonly origin: string | null;
  readonly fetchSite: string | null;
  /** The token of `Authorization: Bearer …`; null = none, or more than one. */
  readonly bearer: string | null;
  /** Whether it carries the cookie of a session that holds. */
  readonly session: boolean;
}

export interface AccessPolicy {
  readonly apiToken: Secret | null;
  readonly requireToken: boolean;
}

const LOOPBACK_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const LOOPBACK_ADDRESS = /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$/;

/** Whether an address can be reached from this machine only. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && LOOPBACK_ADDRESS.test(address);
}

/**
 * Why a request may not go on, or null. `open`: the route answers any Host without a token.
 * A page of another site can make a browser send requests here, with cookies and from loopback; so what changes
 * something, and the WebSocket, is refused by what only a browser writes: Origin and Sec-Fetch-Site.
 */
export function refusal(caller: Caller, policy: AccessPolicy, open: boolean): Problem | null {
  if (caller.hosts > 1) return new Problem(400, "doubled_host", "there is more than one Host header");
  const reads = caller.method === "GET" || caller.method === "HEAD" || caller.method === "OPTIONS";
  if ((!reads || caller.upgrade) && isForeign(caller)) {
    return new Problem(403, "foreign_origin", "this request comes from a page of another site", {
      hint: "open the dashboard under the host and port it sends its requests to",
    });
  }
  if (open || isTrusted(caller, policy)) return null;
  return new Problem(
    401,
    "unauthorized",
    "this needs a token",
    policy.apiToken === null
      ? {
          hint: "use http://localhost or http://127.0.0.1 on the relay's own machine, or set PATCHRELAY_API_TOKEN",
        }
      : {
          hint: "send Authorization: Bearer with the PATCHRELAY_API_TOKEN, or sign in at /",
          headers: { "www-authenticate": 'Bearer realm="patchrelay"' },
        },
  );
}

/** Compares in a time that tells nothing about how much of it was right. */
export function isToken(given: string, token: Secret): boolean {
  return timingSafeEqual(digest(given), digest(token.reveal()));
}

function isTrusted(caller: Caller, policy: AccessPolicy): boolean {
  const local = isLoopback(caller.ownAddress) && caller.host !== null && LOOPBACK_HOST.test(caller.host);
  if (local && !policy.requireToken) return true;
  if (policy.apiToken === null) return false;
  return caller.session || (caller.bearer !== null && isToken(caller.bearer, policy.apiToken));
}

function isForeign({ origin, fetchSite, host }: Caller): boolean {
  if (fetchSite !== null && fetchSite.toLowerCase() === "cross-site") return true;
  if (origin === null) return false;
  if (host === null || !URL.canParse(origin)) return true;
  const { protocol, host: from } = new URL(origin);
  if (protocol !== "http:" && protocol !== "https:") return true;
  // The same normalisation on both sides: letter case and a scheme's own port.
  const own = `${protocol}//${host}`;
  return !URL.canParse(own) || new URL(own).host !== from;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
