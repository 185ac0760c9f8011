import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { RequestHeaders } from "../../src/lib/delivery.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { forgeAt } from "./github-loopback.ts";

const BODY = Buffer.from('{"zen":"Keep it logically awesome.","n":1.0}');
const SECRETS = [new Secret("current"), new Secret("previous")];

function signed(secret: string, body: Buffer = BODY): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

function headers(changes: Record<string, string | readonly string[] | null> = {}): RequestHeaders {
  const all: Record<string, string | readonly string[] | null> = {
    "x-hub-signature-256": signed("current"),
    "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    "x-github-event": "ping",
    "content-type": "application/json",
    ...changes,
  };
  const values = (name: string): readonly string[] => {
    const value = all[name] ?? [];
    return typeof value === "string" ? [value] : value;
  };
  return {
    count: (name) => values(name).length,
    get: (name) => (values(name).length > 1 ? "doubled" : (values(name)[0] ?? null)),
  };
}

const forge = () => forgeAt("http://127.0.0.1:1", { webhookSecrets: SECRETS });
const open = (changes: Parameters<typeof headers>[0] = {}, body: Buffer = BODY) =>
  forge().open(headers(changes), body, 1_000);

describe("opening a GitHub webhook", () => {
  it("gives a delivery that carries the raw body, unparsed", () => {
    expect(open()).toEqual({
      verified: true,
      source: "github",
      deliveryId: "72d3162e-cc78-11e3-81ab-4c9367dc0958",
      event: "ping",
      action: null,
      body: BODY,
      quarantine: null,
    });
  });

  it("takes a body that is no JSON at all: that is for later", () => {
    const body = Buffer.from([0xff, 0x00, 0x7b]);
    expect(open({ "x-hub-signature-256": signed("current", body) }, body)).toMatchObject({
      verified: true,
      body,
    });
  });

  it("takes the previous secret and says when it was last needed", () => {
    const rotating = forge();
    expect(rotating.lastPreviousSecretUseAt()).toBeNull();
    rotating.open(headers(), BODY, 1_000);
    expect(rotating.lastPreviousSecretUseAt()).toBeNull();
    rotating.open(headers({ "x-hub-signature-256": signed("previous") }), BODY, 2_000);
    expect(rotating.lastPreviousSecretUseAt()).toBe(2_000);
  });

  const good = signed("current");
  it.each([
    ["missing", null],
    ["doubled", [good, good]],
    ["joined by a comma", `${good}, ${good}`],
    ["empty", ""],
    ["of another algorithm", `sha1=${"0".repeat(40)}`],
    ["in upper case", good.toUpperCase().replace("SHA256", "sha256")],
    ["too short", good.slice(0, -1)],
    ["too long", `${good}0`],
    ["with a line break at its end", `${good}\n`],
    ["with letters that are no hex digits", `${good.slice(0, -1)}g`],
    ["of another secret", signed("wrong")],
    ["of another body", signed("current", Buffer.from("{}"))],
  ])("refuses a signature that is %s with 401", (_name, value) => {
    expect(open({ "x-hub-signature-256": value })).toMatchObject({
      verified: false,
      status: 401,
      code: "bad_signature",
    });
  });

  it("refuses the body with any one bit of any byte changed", () => {
    for (let index = 0; index < BODY.length; index += 1) {
      const changed = Buffer.from(BODY);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(open({}, changed)).toMatchObject({ verified: false, status: 401 });
    }
  });

  it.each([
    ["no delivery id", { "x-github-delivery": null }],
    ["two delivery ids", { "x-github-delivery": ["a", "b"] }],
    ["a delivery id of 201 characters", { "x-github-delivery": "x".repeat(201) }],
    ["a delivery id with a space", { "x-github-delivery": "a b" }],
    ["no event", { "x-github-event": null }],
    ["an event that is no word", { "x-github-event": "../push" }],
  ])("refuses %s with 400", (_name, changes) => {
    expect(open(changes)).toMatchObject({ verified: false, status: 400, code: "missing_header" });
  });

  it.each([
    ["a compressed body", { "content-encoding": "gzip" }],
    ["two encodings", { "content-encoding": ["identity", "gzip"] }],
    ["a form", { "content-type": "application/x-www-form-urlencoded; charset=utf-8" }],
    ["a multipart form", { "content-type": "multipart/form-data; boundary=x" }],
  ])("refuses %s with 415 and says what to choose", (_name, changes) => {
    const refusal = open(changes);
    expect(refusal).toMatchObject({ verified: false, status: 415 });
    expect(refusal).toHaveProperty("detail", expect.stringContaining("application/json"));
  });

  it("looks at the signature before anything else", () => {
    expect(
      open({ "x-hub-signature-256": signed("wrong"), "x-github-delivery": null, "content-encoding": "gzip" }),
    ).toMatchObject({ status: 401 });
    expect(open({ "x-github-delivery": null, "content-encoding": "gzip" })).toMatchObject({ status: 400 });
  });

  it("takes nothing without a secret, and does not start with an empty one", () => {
    const closed = forgeAt("http://127.0.0.1:1", { webhookSecrets: [] });
    for (const secret of ["current", ""]) {
      const forged = headers({ "x-hub-signature-256": signed(secret) });
      expect(closed.open(forged, BODY, 0)).toMatchObject({ verified: false, status: 401 });
    }
    const empty = { webhookSecrets: [new Secret("")] };
    expect(() => forgeAt("http://127.0.0.1:1", empty)).toThrow(/GITHUB_WEBHOOK_SECRET/);
  });
});
