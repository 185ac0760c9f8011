import { describe, expect, test } from "vitest";
import { refusal } from "../../src/http/access/access.ts";
import type { Caller } from "../../src/http/access/access.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { raw, request, serve, TOKEN } from "./bench.ts";
import type { Answer } from "./bench.ts";

const LOCAL: Caller = {
  method: "GET",
  upgrade: false,
  ownAddress: "127.0.0.1",
  hosts: 1,
  host: "localhost:8787",
  origin: null,
  fetchSite: null,
  bearer: null,
  session: false,
};
const apiToken = new Secret(TOKEN);

/** The status of a caller's refusal, or 200. */
function statusOf(
  change: Partial<Caller>,
  policy: { apiToken?: Secret | null; requireToken?: boolean } = {},
  open = false,
): number {
  const problem = refusal({ ...LOCAL, ...change }, { apiToken, requireToken: false, ...policy }, open);
  return problem?.status ?? 200;
}

describe("without a token", () => {
  test.each([
    ["localhost", 200],
    ["LOCALHOST:1", 200],
    ["127.0.0.1:8787", 200],
    ["[::1]", 200],
    ["[::1]:8787", 200],
    ["relay.example.com", 401],
    ["localhost.example.com", 401],
    ["127.0.0.1.nip.io", 401],
    ["127.0.0.2", 401],
    ["localhost.", 401],
    ["localhost:80:80", 401],
    ["evil@localhost", 401],
    ["::1", 401],
    ["", 401],
    [null, 401],
  ])("Host %s on a loopback socket: %i", (host, status) => {
    expect(statusOf({ host })).toBe(status);
  });

  test.each([
    ["127.0.0.1", 200],
    ["127.8.9.1", 200],
    ["::1", 200],
    ["::ffff:127.0.0.1", 200],
    ["10.0.0.5", 401],
    ["::ffff:10.0.0.5", 401],
    ["fe80::1", 401],
    [undefined, 401],
  ])("a socket at %s with Host localhost: %i", (ownAddress, status) => {
    expect(statusOf({ ownAddress })).toBe(status);
  });

  test("http.requireToken asks for one on loopback too", () => {
    expect(statusOf({}, { requireToken: true })).toBe(401);
    expect(statusOf({ bearer: TOKEN }, { requireToken: true })).toBe(200);
    expect(statusOf({ session: true }, { requireToken: true })).toBe(200);
  });

  test("an open route answers any Host, but not two of them", () => {
    expect(statusOf({ host: "relay.example.com" }, {}, true)).toBe(200);
    expect(statusOf({ hosts: 2 }, {}, true)).toBe(400);
  });
});

describe("with a token", () => {
  const far = { host: "relay.example.com", ownAddress: "10.0.0.5" };
  test("any Host is served", () => {
    expect(statusOf({ ...far, bearer: TOKEN })).toBe(200);
    expect(statusOf({ ...far, session: true })).toBe(200);
  });
  test("a wrong one, a part of it, or one while none is configured is refused", () => {
    expect(statusOf({ ...far, bearer: "wrong" })).toBe(401);
    expect(statusOf({ ...far, bearer: TOKEN.slice(0, -1) })).toBe(401);
    expect(statusOf({ ...far, bearer: `${TOKEN}x` })).toBe(401);
    expect(statusOf({ ...far, bearer: TOKEN, session: true }, { apiToken: null })).toBe(401);
  });
});

describe("a page of another site", () => {
  const post = { method: "POST" };
  test.each<readonly [Partial<Caller>, number]>([
    [{ ...post, origin: null }, 200],
    [{ ...post, origin: "http://localhost:8787" }, 200],
    [{ ...post, origin: "http://LOCALHOST:8787" }, 200],
    [{ ...post, host: "relay.example.com", origin: "https://relay.example.com", bearer: TOKEN }, 200],
    [{ ...post, host: "relay.example.com", origin: "https://relay.example.com:443", bearer: TOKEN }, 200],
    [{ ...post, origin: "null" }, 403],
    [{ ...post, origin: "" }, 403],
    [{ ...post, origin: "http://localhost:3000" }, 403],
    [{ ...post, origin: "http://127.0.0.1:8787" }, 403],
    [{ ...post, origin: "https://evil.example" }, 403],
    [{ ...post, origin: "https://evil.example", bearer: TOKEN }, 403],
    [{ ...post, origin: "http://localhost:8787, http://localhost:8787" }, 403],
    [{ ...post, origin: "file://localhost:8787" }, 403],
    [{ ...post, fetchSite: "cross-site" }, 403],
    [{ ...post, fetchSite: "same-origin" }, 200],
    [{ ...post, fetchSite: "none" }, 200],
    [{ method: "DELETE", origin: "https://evil.example" }, 403],
    [{ method: "GET", upgrade: true, origin: "https://evil.example" }, 403],
    [{ method: "GET", upgrade: true, fetchSite: "cross-site" }, 403],
    [{ method: "GET", upgrade: true, origin: "http://localhost:8787" }, 200],
    [{ method: "GET", origin: "https://evil.example" }, 200],
    // Rebinding: the page's own name leads here, so Origin and Host agree, and a token is needed.
    [{ ...post, host: "evil.example", origin: "http://evil.example" }, 401],
  ])("%j: %i", (change, status) => {
    expect(statusOf(change)).toBe(status);
  });
});

describe("over the wire", () => {
  const GUARDED = [
    "/",
    "/issues/APP-1",
    "/deliveries",
    "/assets/dashboard.js",
    "/api/issues",
    "/api/stream",
    "/metrics",
    "/ready",
    "/openapi.json",
    "/oauth/linear/start",
    "/nowhere",
    "/%61pi/issues",
    "//api/issues",
    "/api/issues?token=" + TOKEN,
    "/api/issues?access_token=" + TOKEN,
  ];
  const get = async (
    port: number,
    path: string,
    headers: readonly (readonly [string, string])[],
  ): Promise<Answer> => await raw(port, request("GET", path, [...headers, ["Connection", "close"]]));

  test("everything guarded is 401 under another Host, with a token in the query too", async () => {
    const bench = await serve({ token: TOKEN });
    try {
      for (const path of GUARDED) {
        const answer = await get(bench.port, path, [["Host", "relay.example.com"]]);
        expect([path, answer.status]).toEqual([path, 401]);
        expect(answer.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
        expect(answer.headers.get("www-authenticate")).toContain("Bearer");
      }
    } finally {
      await bench.close();
    }
  });

  test("forwarding headers are not believed", async () => {
    const bench = await serve({ token: TOKEN });
    try {
      const answer = await get(bench.port, "/api/issues", [
        ["Host", "relay.example.com"],
        ["X-Forwarded-Host", "localhost"],
        ["X-Forwarded-For", "127.0.0.1"],
        ["Forwarded", "for=127.0.0.1;host=localhost"],
      ]);
      expect(answer.status).toBe(401);
    } finally {
      await bench.close();
    }
  });

  test("open to any Host is health", async () => {
    const bench = await serve();
    try {
      const host = [["Host", "relay.example.com"]] as const;
      expect(JSON.parse((await get(bench.port, "/health", host)).body)).toEqual({ ok: true });
    } finally {
      await bench.close();
    }
  });

  test("a bearer token opens, in whatever case its scheme is; two do not", async () => {
    const bench = await serve({ token: TOKEN });
    try {
      const ask = async (...lines: readonly string[]): Promise<number> => {
        const headers = lines.map((line) => ["Authorization", line] as const);
        return (await get(bench.port, "/api/issues", [["Host", "relay.example.com"], ...headers])).status;
      };
      expect(await ask(`Bearer ${TOKEN}`)).toBe(200);
      expect(await ask(`bearer ${TOKEN}`)).toBe(200);
      expect(await ask(`Bearer ${TOKEN}`, `Bearer ${TOKEN}`)).toBe(401);
      expect(await ask(`Basic ${TOKEN}`)).toBe(401);
    } finally {
      await bench.close();
    }
  });

  test("two Host headers are 400 everywhere", async () => {
    const bench = await serve();
    try {
      for (const path of ["/health", "/api/issues", "/"]) {
        const hosts = [
          ["Host", "localhost"],
          ["Host", "localhost"],
        ] as const;
        expect((await get(bench.port, path, hosts)).status).toBe(400);
      }
    } finally {
      await bench.close();
    }
  });

  test("no answer carries a CORS header, and all carry the protective ones", async () => {
    const bench = await serve();
    try {
      for (const path of ["/api/issues", "/", "/nowhere", "/metrics"]) {
        const answer = await get(bench.port, path, [
          ["Host", "localhost"],
          ["Origin", "https://evil.example"],
        ]);
        expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
        expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
        expect(answer.headers.get("referrer-policy")).toBe("no-referrer");
        expect(answer.headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
        expect(answer.headers.get("content-security-policy")).not.toContain("unsafe");
      }
    } finally {
      await bench.close();
    }
  });
});

describe("a session", () => {
  const far = { host: "relay.example.com" };
  const signIn = async (port: number, token: string, type = "application/json"): Promise<Answer> => {
    const body =
      type === "application/json" ? JSON.stringify({ token }) : `token=${encodeURIComponent(token)}`;
    return await raw(
      port,
      request(
        "POST",
        "/session",
        [
          ["Host", far.host],
          ["Content-Type", type],
          ["Content-Length", String(body.length)],
          ["Connection", "close"],
        ],
        body,
      ),
    );
  };
  const status = async (port: number, method: string, path: string, cookie: string): Promise<number> =>
    (
      await raw(
        port,
        request(method, path, [
          ["Host", far.host],
          ["Cookie", `other=1; ${cookie}`],
          ["Connection", "close"],
        ]),
      )
    ).status;

  test("begins with the token, serves any Host, and ends", async () => {
    const bench = await serve({ token: TOKEN, http: { publicUrl: "https://relay.example.com" } });
    try {
      const answer = await signIn(bench.port, TOKEN);
      expect(answer.status).toBe(204);
      const set = answer.headers.get("set-cookie") ?? "";
      expect(set).toMatch(
        /^patchrelay_session=[\w-]{43}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Strict; Secure$/,
      );
      expect(set).not.toContain(TOKEN);
      const cookie = set.split(";")[0] ?? "";
      expect(await status(bench.port, "GET", "/api/issues", cookie)).toBe(200);
      expect(await status(bench.port, "GET", "/api/issues", `${cookie}x`)).toBe(401);
      expect(await status(bench.port, "DELETE", "/session", cookie)).toBe(204);
      expect(await status(bench.port, "GET", "/api/issues", cookie)).toBe(401);
    } finally {
      await bench.close();
    }
  });

  test("is refused for a wrong token, and where the relay has none", async () => {
    const bench = await serve({ token: TOKEN });
    const without = await serve();
    try {
      const wrong = await signIn(bench.port, "wrong");
      expect(wrong.status).toBe(401);
      expect(wrong.headers.has("set-cookie")).toBe(false);
      expect((await signIn(without.port, "")).status).toBe(409);
    } finally {
      await bench.close();
      await without.close();
    }
  });

  test("can be begun on a page without a script, and leads to the dashboard", async () => {
    const bench = await serve({ token: TOKEN });
    try {
      const page = await raw(
        bench.port,
        request("GET", "/", [
          ["Host", far.host],
          ["Accept", "text/html"],
          ["Connection", "close"],
        ]),
      );
      expect(page.status).toBe(401);
      expect(page.body).toContain('action="/session"');
      const answer = await signIn(bench.port, TOKEN, "application/x-www-form-urlencoded");
      expect(answer.status).toBe(303);
      expect(answer.headers.get("location")).toBe("/");
      expect(answer.headers.get("set-cookie")).not.toContain("Secure");
      const wrong = await signIn(bench.port, "<b>", "application/x-www-form-urlencoded");
      expect(wrong.status).toBe(401);
      expect(wrong.body).toContain("Wrong token");
    } finally {
      await bench.close();
    }
  });
});
