import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
import { clip } from "../../../lib/text.ts";
import { externalError, judge } from "./faults.ts";

/** A token of the application. */
export interface AppToken {
  readonly text: string;
  /** How long it lives, seconds. */
  readonly seconds: number;
}

const granted = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.number().positive(),
});

const refused = z.object({ error: z.string(), error_description: z.string().catch("") });

const PAGE = "the application's page in Linear (Settings → API → OAuth applications)";

/** Reads the answer of `/oauth/token`. Throws ExternalError: `unauthorized` for good, with the remedy; else it passes. */
export function readTokenAnswer(status: number, body: string): AppToken {
  const answer = parsed(body);
  const token = granted.safeParse(answer);
  if (status === 200 && token.success) {
    return { text: token.data.access_token, seconds: token.data.expires_in };
  }
  const refusal = refused.safeParse(answer);
  if (status >= 400 && status < 500 && status !== 429 && refusal.success) {
    throw new ExternalError("unauthorized", `Linear gives the application no token: ${remedy(refusal.data)}`);
  }
  const verdict = judge(status, body);
  if ("fault" in verdict) {
    const passes = verdict.fault === "rate_limited" || verdict.fault === "unauthorized";
    throw externalError("token", passes ? verdict : { ...verdict, fault: "unavailable" }, null);
  }
  throw new ExternalError("unavailable", `Linear (token): the answer to HTTP ${status} is not as expected`);
}

function remedy({ error, error_description: why }: z.output<typeof refused>): string {
  if (/not support the client_credentials/.test(why) || error === "unauthorized_client") {
    return `client credentials are not enabled for it; turn them on at ${PAGE}`;
  }
  if (error === "invalid_client") {
    return `LINEAR_OAUTH_CLIENT_ID and LINEAR_OAUTH_CLIENT_SECRET are not a pair that Linear knows; compare them with ${PAGE}, where a new secret ends the old one`;
  }
  return `it says ${JSON.stringify(clip(`${error}: ${why}`, 200))}; look at ${PAGE}`;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Proxies answer in HTML; the caller says what it was.
    return null;
  }
}
