import { request } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { ExternalError } from "../../src/lib/external.ts";
import type { Installing } from "../../src/trackers/tracker.ts";
import { settingsOf } from "../settings/sources.ts";
import { serve, served, TOKEN } from "./bench.ts";
import type { Bench } from "./bench.ts";

const STATE = "s".repeat(43);
const us = {
  id: "u1",
  name: "Patch <b>relay</b>",
  workspace: "w",
  workspaceName: "Acme & Co",
  inert: null,
  quick: null,
};

let bench: Bench;
let done: string[];
afterEach(() => bench.close());

async function open(
  over: Partial<Installing> = {},
  http: object = { publicUrl: "https://relay.example.com" },
): Promise<void> {
  done = [];
  const installing: Installing = {
    async begin(redirectUri) {
      done.push(`begin ${redirectUri}`);
      return `https://linear.app/oauth/authorize?state=${STATE}`;
    },
    async finish(state, code) {
      done.push(`finish ${state} ${code}`);
      return us;
    },
    async decline(state) {
      done.push(`decline ${state}`);
    },
    ...over,
  };
  const settings = settingsOf({ http: { port: 0, ...http } });
  const never = (): never => {
    throw new Error("no webhook comes");
  };
  bench = await serve({
    token: TOKEN,
    http,
    over: { sources: [served(settings, "linear", never, installing)] },
  });
}

/** Under any Host, which fetch does not let one choose. */
async function ask(path: string, headers: Record<string, string> = {}): Promise<Response> {
  return await new Promise((resolve, reject) => {
    const url = `${bench.url}/oauth/linear/${path}`;
    request(url, { headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => {
        const shown = Object.entries(answer.headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]);
        resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode ?? 0, headers: shown }));
      });
    })
      .on("error", reject)
      .end();
  });
}
const callback = (query: string): Promise<Response> =>
  ask(`callback?${query}`, { host: "relay.example.com" });

describe("beginning an installation", () => {
  test("sends a browser to Linear, and tells a program the address and where it returns to", async () => {
    await open();
    const sent = await ask("start", { accept: "text/html" });
    expect([sent.status, sent.headers.get("location")]).toEqual([
      303,
      `https://linear.app/oauth/authorize?state=${STATE}`,
    ]);
    const told = await ask("start", { accept: "application/json" });
    expect(await told.json()).toEqual({
      authorizeUrl: `https://linear.app/oauth/authorize?state=${STATE}`,
      callbackUrl: "https://relay.example.com/oauth/linear/callback",
    });
  });

  test("returns to this machine where there is no public URL, whatever Host was asked for", async () => {
    await open({}, {});
    await ask("start", { host: "evil.example.com", authorization: `Bearer ${TOKEN}` });
    await ask("start");
    expect(done).toEqual(
      [expect.stringMatching(/^begin http:\/\/127\.0\.0\.1:\d+\/oauth\/linear\/callback$/)].flatMap((one) => [
        one,
        one,
      ]),
    );
  });

  test("is for whoever may command the relay, and for no page of another site", async () => {
    await open();
    expect((await ask("start", { host: "relay.example.com" })).status).toBe(401);
    expect((await ask("start", { "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await ask("start", { "sec-fetch-site": "same-site" })).status).toBe(403);
    expect(done).toEqual([]);
  });

  test("says what is missing", async () => {
    await open({
      begin: async () => {
        throw new ExternalError("refused", "set PATCHRELAY_ENCRYPTION_KEY");
      },
    });
    const answer = await ask("start", { accept: "application/json" });
    expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([
      400,
      "set PATCHRELAY_ENCRYPTION_KEY",
    ]);
  });
});

describe("the return from a consent", () => {
  test("finishes it and says where the relay works now, with every name escaped", async () => {
    await open();
    const answer = await callback(`state=${STATE}&code=c-1`);
    expect(answer.status).toBe(200);
    expect(done).toEqual([`finish ${STATE} c-1`]);
    const text = await answer.text();
    expect(text).toContain("Patch &lt;b&gt;relay&lt;/b&gt;");
    expect(text).toContain("Acme &amp; Co");
    expect(answer.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  test.each([
    ["no state", "code=c-1"],
    ["two states", `state=${STATE}&state=x&code=c-1`],
    ["no code", `state=${STATE}`],
    ["two codes", `state=${STATE}&code=a&code=b`],
    ["a state with a script", "state=%3Cscript%3Ealert(1)%3C%2Fscript%3E%20&code=c-1"],
    ["a code with a line break", `state=${STATE}&code=a%0Ab`],
    ["an endless code", `state=${STATE}&code=${"x".repeat(600)}`],
  ])("with %s is refused without asking anybody", async (_what, query) => {
    await open();
    const answer = await callback(query);
    const text = await answer.text();
    expect([answer.status, done]).toEqual([400, []]);
    expect(text).not.toContain("<script>alert");
  });

  test("that a person declined ends it, and passes on no more than the kind of the refusal", async () => {
    await open();
    const answer = await callback(`state=${STATE}&error=access_denied&error_description=%3Cb%3E`);
    expect([answer.status, done]).toEqual([400, [`decline ${STATE}`]]);
    expect(await answer.text()).toContain("Linear did not grant access (access_denied)");
    const odd = await callback(`state=${STATE}&error=%3Cscript%3E`);
    expect(await odd.text()).not.toMatch(/<script>|script&gt;/);
  });

  test("never leads anywhere else, whatever it is asked", async () => {
    await open();
    for (const name of ["redirect", "redirect_uri", "next", "return_to", "url"]) {
      const answer = await callback(`state=${STATE}&code=c&${name}=https%3A%2F%2Fevil.example.com`);
      expect(answer.headers.get("location")).toBeNull();
      expect(await answer.text()).not.toContain("evil.example.com");
    }
  });

  test.each([
    ["refused", 400],
    ["unauthorized", 502],
    ["unavailable", 503],
    ["rate_limited", 503],
  ] as const)("that fails as %s answers %d with the reason", async (kind, status) => {
    await open({
      finish: async () => {
        throw new ExternalError(kind, "the reason");
      },
    });
    const answer = await callback(`state=${STATE}&code=c`);
    expect(answer.status).toBe(status);
    expect(await answer.text()).toContain("the reason");
  });
});
