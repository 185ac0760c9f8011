import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
import { clip } from "../../../lib/text.ts";
import { externalError, judge } from "./faults.ts";

/** A token of the application. */
export interface AppToken {
  readonly text: string;
  /** How long it lives, seconds. */
  readonly seconds: number;
  /** What asks for the next one; null = this grant gives none. */
  readonly refresh: string | null;
  /** What it may do. */
  readonly scopes: readonly string[];
}

/** The ways to a token that we use (RFC 6749). */
export type Grant = "client_credentials" | "authorization_code" | "refresh_token";

const granted = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  expires_in: z.number().positive(),
  refresh_token: z
    .string()
    .regex(/^[\x21-\x7e]+$/)
    .nullish(),
  // Applications made before 2023-12-01 get a list.
  scope: z.union([z.string().transform((text) => text.split(/[\s,]+/)), z.array(z.string())]).catch([]),
});

const refused = z.object({ error: z.string(), error_description: z.string().catch("") });

const PAGE = "the application's page in Linear (Settings → API → OAuth applications)";

/** Reads the answer of `/oauth/token`. Throws ExternalError: `unauthorized` for good, with the remedy; else it passes. */
export function readTokenAnswer(status: number, body: string, grant: Grant): AppToken {
  const answer = parsed(body);
  const token = granted.safeParse(answer);
  if (status === 200 && token.success) {
    const { access_token: text, expires_in: seconds, refresh_token: refresh, scope } = token.data;
    return { text, seconds, refresh: refresh ?? null, scopes: scope.filter((one) => one !== "") };
  }
  const refusal = refused.safeParse(answer);
  if (status >= 400 && status < 500 && status !== 429 && refusal.success) {
    throw new ExternalError(
      "unauthorized",
      `Linear gives the application no token: ${remedy(refusal.data, grant)}`,
    );
  }
  const verdict = judge(status, body);
  if ("fault" in verdict) {
    const passes = verdict.fault === "rate_limited" || verdict.fault === "unauthorized";
    throw externalError("token", passes ? verdict : { ...verdict, fault: "unavailable" }, null);
  }
  throw new ExternalError("unavailable", `Linear (token): the answer to HTTP ${status} is not as expected`);
}

function remedy({ error, error_description: why }: z.output<typeof refused>, grant: Grant): string {
  if (/not support the client_credentials/.test(why) || error === "unauthorized_client") {
    return `client credentials are not enabled for it; turn them on at ${PAGE}, or install it with \`patchrelay linear connect\``;
  }
  if (error === "invalid_client") {
    return `LINEAR_OAUTH_CLIENT_ID and LINEAR_OAUTH_CLIENT_SECRET are not a pair that Linear knows; compare them with ${PAGE}, where a new secret revokes the old one`;
  }
  if (error === "invalid_grant" && grant === "refresh_token") {
    return "the installation has ended there: it was removed, or its tokens were used up elsewhere; run `patchrelay linear connect` to connect the workspace again";
  }
  if (error === "invalid_grant" && grant === "authorization_code") {
    return "the consent was used already, or is too old; run `patchrelay linear connect` once more";
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
