import { createHmac, timingSafeEqual } from "node:crypto";
import type { Refusal, RequestHeaders, VerifiedDelivery } from "../../../lib/delivery.ts";
import type { Secret } from "../../../lib/secrets/secret.ts";
import { clip } from "../../../lib/text.ts";

/** Oldest accepted `webhookTimestamp`: Linear repeats a delivery up to 6 h later with the old one. Milliseconds. */
const OLDEST_MS = 24 * 60 * 60_000;
/** How far the sender's clock may be ahead of ours. Milliseconds. */
const NEWEST_MS = 5 * 60_000;

/** Which of the given secrets signed the delivery: 0 = the current one. Only set beside a verified delivery. */
export interface Opened {
  readonly result: VerifiedDelivery | Refusal;
  readonly secret: number | null;
}

const SIGNATURE = /^[0-9a-f]{64}$/;
const PRINTABLE = /^[\x20-\x7e]{1,200}$/;

/**
 * Verifies a Linear webhook. `secrets`: the current one first.
 * Nothing about a request is looked at before its signature holds.
 */
export function openWebhook(
  headers: RequestHeaders,
  body: Buffer,
  now: number,
  secrets: readonly Secret[],
): Opened {
  const signature = headers.get("linear-signature");
  if (headers.count("linear-signature") > 1) {
    return refuse(401, "doubled_signature", "there is more than one Linear-Signature header");
  }
  if (signature === null || signature === "") {
    return refuse(401, "missing_signature", "there is no Linear-Signature header");
  }
  if (!SIGNATURE.test(signature)) {
    return refuse(401, "malformed_signature", "Linear-Signature must be 64 lower-case hex digits");
  }
  const secret = secrets.findIndex((candidate) => signs(candidate, body, signature));
  if (secret === -1) {
    return refuse(401, "bad_signature", "the signature does not match the body and our webhook secret");
  }
  const deliveryId = headerOnce(headers, "linear-delivery");
  const event = headerOnce(headers, "linear-event");
  if (deliveryId === null)
    return refuse(400, "missing_header", `Linear-Delivery must be present once, ${RULE}`);
  if (event === null) return refuse(400, "missing_header", `Linear-Event must be present once, ${RULE}`);
  const form = formOf(headers);
  if (form !== null) return refuse(415, "unsupported_media_type", form);

  const read = readObject(body);
  if ("problem" in read) {
    const result = { deliveryId, event, action: null, body, quarantine: read.problem };
    return { result: { verified: true, source: "linear", ...result }, secret };
  }
  const stale = staleness(read.object, now);
  if (stale !== null) return refuse(401, "stale_timestamp", stale);
  const action = read.object["action"];
  return {
    result: {
      verified: true,
      source: "linear",
      deliveryId,
      event,
      action: typeof action === "string" ? clip(action, 100) : null,
      body,
      quarantine: null,
    },
    secret,
  };
}

const RULE = "with 1 to 200 printable characters";

function signs(secret: Secret, body: Buffer, signature: string): boolean {
  const expected = Buffer.from(createHmac("sha256", secret.reveal()).update(body).digest("hex"), "latin1");
  const given = Buffer.from(signature, "latin1");
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function headerOnce(headers: RequestHeaders, name: string): string | null {
  const value = headers.get(name);
  return headers.count(name) === 1 && value !== null && PRINTABLE.test(value) ? value : null;
}

function formOf(headers: RequestHeaders): string | null {
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.trim().toLowerCase() !== "identity") {
    return "the body is compressed (Content-Encoding); choose application/json without compression";
  }
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "application/x-www-form-urlencoded" || type === "multipart/form-data") {
    return `the body is form-encoded (${type}); choose application/json`;
  }
  return null;
}

type Read = { readonly object: Record<string, unknown> } | { readonly problem: string };

function readObject(body: Buffer): Read {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    // The parser's own message quotes the body, which does not belong in a log.
    return { problem: "the body is not JSON" };
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { problem: "the body is JSON, but not an object" };
  }
  return { object: value as Record<string, unknown> };
}

// `Linear-Timestamp` is not signed; only the body's own top-level field counts.
function staleness(object: Record<string, unknown>, now: number): string | null {
  const sentAt = Object.hasOwn(object, "webhookTimestamp") ? object["webhookTimestamp"] : undefined;
  if (typeof sentAt !== "number" || !Number.isFinite(sentAt)) {
    return "the body has no top-level webhookTimestamp (Unix milliseconds)";
  }
  if (sentAt < now - OLDEST_MS) return "webhookTimestamp is more than 24 hours old";
  if (sentAt > now + NEWEST_MS) {
    return "webhookTimestamp is more than 5 minutes ahead; check this machine's clock";
  }
  return null;
}

function refuse(status: 400 | 401 | 415, code: string, detail: string): Opened {
  return { result: { verified: false, status, code, detail }, secret: null };
}
