import type { Clock } from "../../../lib/clock.ts";
import { withDeadline } from "../../../lib/external.ts";
import type { Log } from "../../../lib/log.ts";
import type { Secret } from "../../../lib/secrets/secret.ts";
import { linearAddress } from "./address.ts";
import { readTokenAnswer } from "./token-answer.ts";
import type { AppToken, Grant } from "./token-answer.ts";
import type { Transport } from "./transport.ts";

/** What asking Linear for a token needs. */
export interface TokenParts {
  readonly apiUrl: string;
  readonly transport: Transport;
  /** One request, milliseconds. */
  readonly totalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Our OAuth application. */
export interface Application {
  readonly clientId: Secret;
  readonly clientSecret: Secret;
}

/** Always all of them: fewer make an app of the agent, and end the tokens that had more. */
export const SCOPES = ["read", "write", "app:assignable", "app:mentionable"] as const;

/**
 * Asks for a token by `grant`, whose own fields are `fields`. Throws ExternalError `unauthorized` when Linear refuses for
 * good, with the remedy; other faults pass.
 */
export async function askToken(
  { clientId, clientSecret }: Application,
  grant: Grant,
  fields: Readonly<Record<string, string>>,
  { apiUrl, transport, totalMs, clock }: Omit<TokenParts, "log">,
  signal: AbortSignal,
): Promise<AppToken> {
  const form = new URLSearchParams({
    grant_type: grant,
    ...fields,
    client_id: clientId.reveal(),
    client_secret: clientSecret.reveal(),
  });
  const url = linearAddress(apiUrl, "/oauth/token");
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    accept: "application/json",
    "user-agent": "patchrelay",
  };
  const body = form.toString();
  const answer = await withDeadline(clock, signal, totalMs, "Linear (token)", (until) =>
    transport({ url, headers, body, signal: until }),
  );
  // Should somebody on the way quote what was sent, it ends here.
  const sent = [clientSecret.reveal(), ...Object.values(fields)].filter((text) => text.length >= 16);
  const told = answer.status === 200 ? answer.body : withoutAny(answer.body, sent);
  return readTokenAnswer(answer.status, told, grant);
}

function withoutAny(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => left.replaceAll(secret, "[secret]"), text);
}
