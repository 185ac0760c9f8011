import { createHmac, timingSafeEqual } from "node:crypto";
import type { Refusal, RequestHeaders, VerifiedDelivery } from "../../../lib/delivery.ts";
import type { Secret } from "../../../lib/secrets/secret.ts";

/** What of a webhook's verification the relay reports: which of the secrets held. */
export interface Opened {
  readonly delivery: VerifiedDelivery;
  /** Index into the secrets: 0 = the current one. */
  readonly secret: number;
}

const SIGNATURE = /^sha256=([0-9a-f]{64})$/;
const PRINTABLE = /^[\x21-\x7e]{1,200}$/;
const EVENT = /^[a-z][a-z0-9_]{0,99}$/;

/**
 * Verifies a webhook in this order: signature header, signature over the raw bytes,
 * ids, encoding. The body is not parsed. `secrets`: the current one, then those still accepted while rotating.
 */
export function openWebhook(
  headers: RequestHeaders,
  body: Buffer,
  secrets: readonly Secret[],
): Opened | Refusal {
  const header = single(headers, "x-hub-signature-256");
  const digest = header === null ? undefined : SIGNATURE.exec(header)?.[1];
  if (digest === undefined)
    return refused(
      401,
      "bad_signature",
      "X-Hub-Signature-256 must be present once, as sha256= and 64 lower-case hex digits",
    );
  const given = Buffer.from(digest, "hex");
  const secret = secrets.findIndex((candidate) =>
    timingSafeEqual(createHmac("sha256", candidate.reveal()).update(body).digest(), given),
  );
  if (secret === -1)
    return refused(401, "bad_signature", "the signature does not match the body: check the webhook secret");

  const deliveryId = single(headers, "x-github-delivery");
  if (deliveryId === null || !PRINTABLE.test(deliveryId))
    return refused(
      400,
      "missing_header",
      "X-GitHub-Delivery must be present once, with 1 to 200 printable characters",
    );
  const event = single(headers, "x-github-event");
  if (event === null || !EVENT.test(event))
    return refused(400, "missing_header", "X-GitHub-Event must be present once and name an event");

  const encoding =
    single(headers, "content-encoding") ?? (headers.count("content-encoding") > 0 ? "doubled" : "identity");
  const type = headers.get("content-type") ?? "";
  if (
    encoding.toLowerCase() !== "identity" ||
    /^\s*(application\/x-www-form-urlencoded|multipart\/)/i.test(type)
  )
    return refused(
      415,
      "unsupported_body",
      "send it as JSON: choose application/json as the webhook's content type, without compression",
    );
  return {
    secret,
    delivery: { verified: true, source: "github", deliveryId, event, action: null, body, quarantine: null },
  };
}

function single(headers: RequestHeaders, name: string): string | null {
  return headers.count(name) === 1 ? headers.get(name) : null;
}

function refused(status: Refusal["status"], code: string, detail: string): Refusal {
  return { verified: false, status, code, detail };
}
