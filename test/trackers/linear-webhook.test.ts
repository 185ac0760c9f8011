import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { createLinearTracker } from "../../src/trackers/linear/linear.ts";
import { openWebhook } from "../../src/trackers/linear/events/webhook.ts";
import { headersOf, QUICK, signed } from "./linear-support.ts";

const NOW = Date.UTC(2026, 10, 20, 12);
const CURRENT = "current-secret";
const PREVIOUS = "previous-secret";
const secrets = [new Secret(CURRENT), new Secret(PREVIOUS)];
const ID = "11111111-1111-4111-8111-111111111111";

type Line = readonly [string, string];

function body(content: unknown = { type: "Issue", action: "update", webhookTimestamp: NOW }): Buffer {
  return Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
}

function lines(raw: Buffer, secret = CURRENT): Line[] {
  return [
    ["Linear-Signature", signed(secret, raw)],
    ["Linear-Delivery", ID],
    ["Linear-Event", "Issue"],
    ["Content-Type", "application/json; charset=utf-8"],
  ];
}

function open(raw: Buffer, headers: readonly Line[] = lines(raw), now = NOW) {
  return openWebhook(headersOf(headers), raw, now, secrets).result;
}

/** The lines with one replaced; a null value takes it away. */
function having(raw: Buffer, name: string, value: string | null): Line[] {
  const others = lines(raw).filter(([each]) => each !== name);
  return value === null ? others : [...others, [name, value]];
}

describe("a Linear webhook", () => {
  test("that is signed, named and fresh is opened with its bytes as they came", () => {
    const raw = body('{ "type":"Issue",  "action":"update", "n": 1.0, "webhookTimestamp":' + NOW + "}");
    expect(open(raw)).toEqual({
      verified: true,
      source: "linear",
      deliveryId: ID,
      event: "Issue",
      action: "update",
      body: raw,
      quarantine: null,
    });
  });

  test.each<[string, (raw: Buffer) => Line[], number, string]>([
    ["no signature", (raw) => having(raw, "Linear-Signature", null), 401, "missing_signature"],
    ["an empty signature", (raw) => having(raw, "Linear-Signature", ""), 401, "missing_signature"],
    [
      "two signatures",
      (raw) => [...lines(raw), ["linear-signature", signed(CURRENT, raw)]],
      401,
      "doubled_signature",
    ],
    [
      "two signatures joined by a comma",
      (raw) => having(raw, "Linear-Signature", `${signed(CURRENT, raw)}, ${signed(CURRENT, raw)}`),
      401,
      "malformed_signature",
    ],
    [
      "an upper-case signature",
      (raw) => having(raw, "Linear-Signature", signed(CURRENT, raw).toUpperCase()),
      401,
      "malformed_signature",
    ],
    [
      "garbage after the signature",
      (raw) => having(raw, "Linear-Signature", `${signed(CURRENT, raw)}zz`),
      401,
      "malformed_signature",
    ],
    [
      "a short signature",
      (raw) => having(raw, "Linear-Signature", signed(CURRENT, raw).slice(0, 62)),
      401,
      "malformed_signature",
    ],
    [
      "a prefix",
      (raw) => having(raw, "Linear-Signature", `sha256=${signed(CURRENT, raw)}`),
      401,
      "malformed_signature",
    ],
    ["another secret", (raw) => lines(raw, "somebody else's"), 401, "bad_signature"],
    ["no delivery id", (raw) => having(raw, "Linear-Delivery", null), 400, "missing_header"],
    ["an empty delivery id", (raw) => having(raw, "Linear-Delivery", ""), 400, "missing_header"],
    ["two delivery ids", (raw) => [...lines(raw), ["Linear-Delivery", "other"]], 400, "missing_header"],
    [
      "a delivery id of 201 characters",
      (raw) => having(raw, "Linear-Delivery", "x".repeat(201)),
      400,
      "missing_header",
    ],
    [
      "a delivery id with a control character",
      (raw) => having(raw, "Linear-Delivery", "a\u0007b"),
      400,
      "missing_header",
    ],
    ["no event", (raw) => having(raw, "Linear-Event", null), 400, "missing_header"],
    [
      "a compressed body",
      (raw) => [...lines(raw), ["Content-Encoding", "gzip"]],
      415,
      "unsupported_media_type",
    ],
    [
      "a form",
      (raw) => having(raw, "Content-Type", "application/x-www-form-urlencoded"),
      415,
      "unsupported_media_type",
    ],
    [
      "a multipart form",
      (raw) => having(raw, "Content-Type", "Multipart/Form-Data; boundary=x"),
      415,
      "unsupported_media_type",
    ],
  ])("with %s is refused", (_name, make, status, code) => {
    const raw = body();
    expect(open(raw, make(raw))).toMatchObject({ verified: false, status, code });
  });

  test("is judged in order: signature, then ids, then media type, then freshness", () => {
    const raw = body({ webhookTimestamp: 0 });
    const wrong: Line[] = [
      ["Linear-Signature", "0".repeat(64)],
      ["Content-Encoding", "gzip"],
    ];
    expect(open(raw, wrong)).toMatchObject({ code: "bad_signature" });
    wrong[0] = ["Linear-Signature", signed(CURRENT, raw)];
    expect(open(raw, wrong)).toMatchObject({ code: "missing_header" });
    wrong.push(["Linear-Delivery", ID], ["Linear-Event", "Issue"]);
    expect(open(raw, wrong)).toMatchObject({ code: "unsupported_media_type" });
    expect(open(raw)).toMatchObject({ code: "stale_timestamp" });
  });

  test("that is form-encoded is told to choose application/json", () => {
    const raw = body();
    const refused = open(raw, having(raw, "Content-Type", "application/x-www-form-urlencoded"));
    expect(refused).toMatchObject({ detail: expect.stringContaining("application/json") as string });
  });

  test.each([
    [-24 * 3_600_000, true],
    [-24 * 3_600_000 - 1, false],
    [5 * 60_000, true],
    [5 * 60_000 + 1, false],
    [-6 * 3_600_000 - 3_661_000, true],
  ])("sent %i ms from now is accepted: %s", (away, accepted) => {
    const raw = body({ type: "Issue", webhookTimestamp: NOW + away });
    const result = open(raw);
    expect(result.verified).toBe(accepted);
    if (!accepted) expect(result).toMatchObject({ status: 401, code: "stale_timestamp" });
  });

  test.each([
    ["none", { type: "Issue" }],
    ["text", { webhookTimestamp: String(NOW) }],
    ["the word NaN", { webhookTimestamp: "NaN" }],
    ["an empty text", { webhookTimestamp: "" }],
    ["an object", { webhookTimestamp: { valueOf: NOW } }],
    ["a list of one", { webhookTimestamp: [NOW] }],
    ["yes", { webhookTimestamp: true }],
    ["a negative one", { webhookTimestamp: -NOW }],
    ["minus zero", '{"webhookTimestamp":-0}'],
    ["an infinitely old one", '{"webhookTimestamp":-1e400}'],
    ["two, the last of which is text", `{"webhookTimestamp":${NOW},"webhookTimestamp":"NaN"}`],
    ["null", { webhookTimestamp: null }],
    ["only a nested one", { data: { webhookTimestamp: NOW } }],
    ["one by way of a prototype", `{"__proto__":{"webhookTimestamp":${NOW}}}`],
    ["an infinite one", '{"webhookTimestamp":1e999}'],
  ])(
    "with a timestamp that does not count (%s) is refused, whatever the unsigned header says",
    (_name, content) => {
      const raw = body(content);
      const headers: Line[] = [...lines(raw), ["Linear-Timestamp", String(NOW)]];
      expect(open(raw, headers)).toMatchObject({ verified: false, status: 401, code: "stale_timestamp" });
    },
  );

  test.each([
    ["a list", "[1,2]"],
    ["null", "null"],
    ["a word", "hello"],
    ["nothing", ""],
    ["half an object", '{"type":'],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ["a hundred thousand brackets", "[".repeat(100_000)],
  ])("that is signed but %s is kept in quarantine, not refused", (_name, content) => {
    const raw = Buffer.isBuffer(content) ? content : body(content);
    const result = open(raw);
    expect(result).toMatchObject({ verified: true, deliveryId: ID, action: null });
    expect(result.verified && result.quarantine).toMatch(/not JSON|not an object/);
  });

  test("with any byte flipped is refused", () => {
    const raw = body();
    const headers = lines(raw);
    for (let at = 0; at < raw.length; at += 1) {
      for (const bit of [1, 128]) {
        const altered = Buffer.from(raw);
        altered[at] = (altered[at] ?? 0) ^ bit;
        expect(open(altered, headers)).toMatchObject({ status: 401, code: "bad_signature" });
      }
    }
    expect(open(raw.subarray(0, -1), headers)).toMatchObject({ code: "bad_signature" });
    expect(open(Buffer.concat([raw, Buffer.from(" ")]), headers)).toMatchObject({ code: "bad_signature" });
  });

  test("with any character of its signature altered is refused", () => {
    const raw = body();
    const signature = signed(CURRENT, raw);
    for (let at = 0; at < signature.length; at += 1) {
      const other = signature[at] === "0" ? "1" : "0";
      const altered = signature.slice(0, at) + other + signature.slice(at + 1);
      expect(open(raw, having(raw, "Linear-Signature", altered))).toMatchObject({ status: 401 });
    }
  });

  test("of arbitrary signed bytes never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (bytes, text) => {
        const raw = Buffer.from(bytes);
        const result = open(raw, [...lines(raw), ["Content-Type", text]]);
        expect(typeof result.verified).toBe("boolean");
      }),
    );
  });
});

describe("the secrets of Linear webhooks", () => {
  const tracker = (texts: readonly string[]) =>
    createLinearTracker({
      apiUrl: "https://api.linear.app",
      installing: { lacks: [], kept: null },
      webhookSecrets: texts.map((text) => new Secret(text)),
      auth: { kind: "apiKey", key: new Secret("key"), quick: QUICK },
      clock: systemClock,
      log: silentLog,
      limits: { connectMs: 1, totalMs: 1 },
    });

  test("both hold while rotating, and it shows when the previous one was last needed", () => {
    const linear = tracker([CURRENT, PREVIOUS]);
    const raw = body();
    expect(linear.open(headersOf(lines(raw, CURRENT)), raw, NOW).verified).toBe(true);
    expect(linear.lastPreviousSecretUseAt()).toBeNull();
    expect(linear.open(headersOf(lines(raw, PREVIOUS)), raw, NOW + 5).verified).toBe(true);
    expect(linear.lastPreviousSecretUseAt()).toBe(NOW + 5);
    expect(linear.open(headersOf(lines(raw, "neither")), raw, NOW + 9).verified).toBe(false);
    expect(linear.open(headersOf(lines(raw, CURRENT)), raw, NOW + 9).verified).toBe(true);
    expect(linear.lastPreviousSecretUseAt()).toBe(NOW + 5);
  });

  test("without any, everything is refused", () => {
    const raw = body();
    for (const secret of ["", CURRENT]) {
      expect(tracker([]).open(headersOf(lines(raw, secret || "x")), raw, NOW).verified).toBe(false);
    }
  });

  test("an empty one is an error at once, naming the variable", () => {
    expect(() => tracker([CURRENT, ""])).toThrow("LINEAR_WEBHOOK_SECRET");
  });
});
