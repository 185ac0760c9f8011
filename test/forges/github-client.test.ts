import { generateKeyPairSync } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import { ExternalError } from "../../src/lib/external.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { createBucket, createGate } from "../../src/forges/github/client/limits.ts";
import type { Asked, Loopback, Reply } from "./github-loopback.ts";
import { forgeAt, NEVER, startLoopback, stillClock } from "./github-loopback.ts";

const NOW = Date.UTC(2026, 10, 20, 12);
const SECONDS = NOW / 1_000;
const REPOSITORY = { id: 501, default_branch: "main" };

let server: Loopback | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function serving(answer: (asked: Asked) => Reply | undefined): Promise<Loopback> {
  server = await startLoopback(answer);
  return server;
}

async function faultOf(work: Promise<unknown>): Promise<ExternalError> {
  const thrown: unknown = await work.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ExternalError)) throw new Error(`not an ExternalError: ${String(thrown)}`);
  return thrown;
}

describe("a call to GitHub", () => {
  it("carries the token, the API version and nothing of ours besides", async () => {
    const { url, asked } = await serving(() => ({ body: REPOSITORY }));
    await forgeAt(url).repository("acme/app", NEVER);
    expect(asked).toMatchObject([
      {
        method: "GET",
        path: "/repos/acme/app",
        headers: {
          authorization: "Bearer token-1",
          "x-github-api-version": "2022-11-28",
          "user-agent": expect.stringContaining("patchrelay"),
        },
      },
    ]);
  });

  it("understands a compressed answer", async () => {
    const { url } = await serving(() => ({
      headers: { "content-type": "application/json", "content-encoding": "gzip" },
      body: gzipSync(JSON.stringify(REPOSITORY)),
    }));
    expect(await forgeAt(url).repository("acme/app", NEVER)).toMatchObject({
      id: "501",
      defaultBranch: "main",
    });
  });

  it.each<[string, Reply, string, number | null]>([
    ["401", { status: 401, body: { message: "Bad credentials" } }, "unauthorized", null],
    ["403", { status: 403, body: { message: "Resource not accessible by integration" } }, "refused", null],
    ["404", { status: 404, body: { message: "Not Found" } }, "not_found", null],
    ["405", { status: 405, body: { message: "Not allowed" } }, "refused", null],
    ["409", { status: 409, body: { message: "Head moved" } }, "conflict", null],
    ["410", { status: 410, body: { message: "Gone" } }, "not_found", null],
    ["422", { status: 422, body: { message: "Validation Failed" } }, "refused", null],
    ["500", { status: 500, body: { message: "Server Error" } }, "unavailable", null],
    ["502 with a page", { status: 502, body: "<html>Bad Gateway</html>" }, "unavailable", null],
    ["200 with a page", { status: 200, body: "<html>Log in to the network</html>" }, "unavailable", null],
    [
      "200 with broken JSON",
      { body: '{"id":', headers: { "content-type": "application/json" } },
      "unavailable",
      null,
    ],
    ["200 with another shape", { body: { id: null } }, "unavailable", null],
    ["301", { status: 301, headers: { location: "/repositories/501" }, body: {} }, "not_found", null],
    ["a broken connection", { instead: "reset" }, "unavailable", null],
    [
      "403 with nothing remaining",
      {
        status: 403,
        headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(SECONDS + 600) },
        body: { message: "API rate limit exceeded" },
      },
      "rate_limited",
      NOW + 600_000,
    ],
    [
      "429 with retry-after",
      { status: 429, headers: { "retry-after": "30" }, body: { message: "slow down" } },
      "rate_limited",
      NOW + 30_000,
    ],
    [
      "403 for the secondary limit, without a time",
      { status: 403, body: { message: "You have exceeded a secondary rate limit" } },
      "rate_limited",
      NOW + 60_000,
    ],
    [
      "429 with a reset that is long past",
      { status: 429, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" }, body: {} },
      "rate_limited",
      NOW + 60_000,
    ],
  ])("takes %s as the fault it is", async (_name, reply, kind, retryAt) => {
    const { url, asked } = await serving(() => reply);
    const fault = await faultOf(forgeAt(url, { clock: stillClock(NOW) }).repository("acme/app", NEVER));
    expect({ kind: fault.kind, retryAt: fault.retryAt }).toEqual({ kind, retryAt });
    expect(fault.message).toContain(reply.instead === undefined ? "acme/app" : "127.0.0.1");
    expect(fault.message).not.toContain("token-1");
    expect(asked).toHaveLength(1);
  });

  it.each<[string, unknown, string]>([
    ["NOT_FOUND", { type: "NOT_FOUND", message: "Could not resolve" }, "not_found"],
    ["FORBIDDEN", { type: "FORBIDDEN", message: "Resource not accessible" }, "refused"],
    ["UNPROCESSABLE", { type: "UNPROCESSABLE", message: "is in clean status" }, "refused"],
    ["RATE_LIMITED", { type: "RATE_LIMITED", message: "API rate limit exceeded" }, "rate_limited"],
    ["a failure over there", { message: "Something went wrong while executing your query." }, "unavailable"],
    ["a mistake in the query", { message: "Field 'x' doesn't exist on type 'Y'" }, "refused"],
  ])("takes a GraphQL answer with %s as a fault although its status is 200", async (_name, error, kind) => {
    const { url } = await serving((asked) =>
      asked.path === "/graphql"
        ? { body: { data: { repository: null }, errors: [error] } }
        : { body: { id: 1, login: "relay" } },
    );
    const which = { number: 7, branch: "b" };
    const fault = await faultOf(
      forgeAt(url, { clock: stillClock(NOW) }).readPullRequest("acme/app", which, NEVER),
    );
    expect(fault.kind).toBe(kind);
    if (kind === "rate_limited") expect(fault.retryAt).toBe(NOW + 60_000);
  });

  it("ends by its deadline when no answer comes", async () => {
    const { url } = await serving(() => ({ instead: "hang" }));
    const limits = { writesPerMinute: 60, concurrent: 4, connectMs: 5_000, totalMs: 50 };
    const fault = await faultOf(forgeAt(url, { limits }).repository("acme/app", NEVER));
    expect(fault).toMatchObject({ kind: "unavailable", message: expect.stringContaining("50 ms") });
  });

  it("ends with the caller's own reason when it gives up", async () => {
    const stop = new AbortController();
    const { url } = await serving(() => {
      stop.abort(new Error("stopping"));
      return { instead: "hang" };
    });
    await expect(forgeAt(url).repository("acme/app", stop.signal)).rejects.toThrow("stopping");
  });

  it("says which host cannot be reached", async () => {
    const { url } = await serving(() => undefined);
    await server?.close();
    server = null;
    const fault = await faultOf(forgeAt(url).repository("acme/app", NEVER));
    expect(fault).toMatchObject({
      kind: "unavailable",
      message: expect.stringMatching(/127\.0\.0\.1:\d+.*ECONNREFUSED/),
    });
  });

  it("never has more requests under way than it may", async () => {
    let underWay = 0;
    let most = 0;
    const gate = createGate(3);
    const finish: (() => void)[] = [];
    const all = Array.from({ length: 10 }, () =>
      gate.run(NEVER, async () => {
        underWay += 1;
        most = Math.max(most, underWay);
        await new Promise<void>((resolve) => finish.push(resolve));
        underWay -= 1;
      }),
    );
    for (let done = 0; done < 10; done += 1) {
      await Promise.resolve();
      while (finish.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      finish.shift()?.();
    }
    await Promise.all(all);
    expect(most).toBe(3);
  });

  it("leaves the line when it is told to while it waits", async () => {
    const gate = createGate(1);
    let free: () => void = () => undefined;
    const first = gate.run(NEVER, () => new Promise<void>((resolve) => (free = resolve)));
    const stop = new AbortController();
    const second = gate.run(stop.signal, () => Promise.resolve("ran"));
    stop.abort(new Error("no more"));
    await expect(second).rejects.toThrow("no more");
    free();
    await first;
    expect(await gate.run(NEVER, () => Promise.resolve("third"))).toBe("third");
  });
});

describe("the limit of writes", () => {
  it("lets a burst through, then one per interval", () => {
    const clock = stillClock(0);
    const bucket = createBucket(clock, 2, 60_000);
    bucket.take();
    expect(bucket.wait()).toBe(0);
    bucket.take();
    expect(bucket.wait()).toBe(30_000);
    clock.at += 29_999;
    expect(bucket.wait()).toBeGreaterThan(0);
    clock.at += 1;
    expect(bucket.wait()).toBe(0);
    clock.at += 10 * 60_000;
    bucket.take();
    bucket.take();
    expect(bucket.wait()).toBe(30_000);
  });

  it("tells the caller when there is room again instead of asking GitHub", async () => {
    const { url, asked } = await serving((request) =>
      request.path === "/user"
        ? { body: { id: 1, login: "relay" } }
        : { body: request.method === "GET" ? [] : { id: 2 } },
    );
    const limits = { writesPerMinute: 2, concurrent: 4, connectMs: 5_000, totalMs: 15_000 };
    const forge = forgeAt(url, { clock: stillClock(NOW), limits });
    await forge.comment("acme/app", 7, "a", "one", NEVER);
    await forge.comment("acme/app", 7, "b", "two", NEVER);
    const fault = await faultOf(forge.comment("acme/app", 7, "c", "three", NEVER));
    expect(fault).toMatchObject({ kind: "rate_limited", retryAt: NOW + 30_000 });
    expect(asked.filter((request) => request.method === "POST")).toHaveLength(2);
  });
});

describe("a GitHub App", () => {
  const { privateKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });

  async function appServer(refuse: (token: string) => boolean = () => false): Promise<Loopback> {
    let given = 0;
    return serving((asked) => {
      if (asked.path.endsWith("/installation")) return { body: { id: 9 } };
      if (asked.path.endsWith("/access_tokens")) {
        given += 1;
        const expires = new Date(NOW + 3_600_000).toISOString();
        return { status: 201, body: { token: `ghs_${given}`, expires_at: expires } };
      }
      const token = String(asked.headers["authorization"]).replace("Bearer ", "");
      return refuse(token) ? { status: 401, body: { message: "Bad credentials" } } : { body: REPOSITORY };
    });
  }

  const appForge = (url: string, key: string, clock = stillClock(NOW)) =>
    forgeAt(url, { auth: { kind: "app", appId: "90001", privateKey: new Secret(key) }, clock });

  it("asks for a token of the one repository, signed for less than ten minutes, and keeps it", async () => {
    const { url, asked } = await appServer();
    const forge = appForge(url, privateKey);
    await forge.repository("acme/app", NEVER);
    await forge.repository("acme/app", NEVER);
    expect(asked.map((request) => request.path)).toEqual([
      "/repos/acme/app/installation",
      "/app/installations/9/access_tokens",
      "/repos/acme/app",
      "/repos/acme/app",
    ]);
    expect(asked[1]?.body).toEqual({ repositories: ["app"] });
    expect(asked[3]?.headers["authorization"]).toBe("Bearer ghs_1");
    const [, claims = ""] = String(asked[0]?.headers["authorization"]).replace("Bearer ", "").split(".");
    expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toEqual({
      iss: "90001",
      iat: SECONDS - 30,
      exp: SECONDS + 540,
    });
  });

  it("takes the key as PEM, with its line breaks written out, or in base64", async () => {
    const { url } = await appServer();
    for (const key of [
      privateKey,
      privateKey.replaceAll("\n", String.raw`\n`),
      Buffer.from(privateKey).toString("base64"),
    ])
      await expect(appForge(url, key).repository("acme/app", NEVER)).resolves.toMatchObject({ id: "501" });
  });

  it("says which variable holds no key, and does not quote it", async () => {
    const { url } = await appServer();
    const fault = await faultOf(appForge(url, "hunter2hunter2").repository("acme/app", NEVER));
    expect(fault).toMatchObject({
      kind: "unauthorized",
      message: expect.stringContaining("GITHUB_APP_PRIVATE_KEY"),
    });
    expect(fault.message).not.toContain("hunter2");
  });

  it("asks for a new token when the old one is about to end", async () => {
    const { url, asked } = await appServer();
    const clock = stillClock(NOW);
    const forge = appForge(url, privateKey, clock);
    await forge.repository("acme/app", NEVER);
    clock.at += 56 * 60_000;
    await forge.repository("acme/app", NEVER);
    expect(asked.at(-1)?.headers["authorization"]).toBe("Bearer ghs_2");
  });

  it("tries once more with a new token when one is refused, and only once", async () => {
    const { url, asked } = await appServer((token) => token === "ghs_1");
    await appForge(url, privateKey).repository("acme/app", NEVER);
    expect(asked.filter((request) => request.path === "/repos/acme/app")).toHaveLength(2);
    await server?.close();
    const always = await appServer(() => true);
    expect(await faultOf(appForge(always.url, privateKey).repository("acme/app", NEVER))).toMatchObject({
      kind: "unauthorized",
    });
    expect(always.asked.filter((request) => request.path === "/repos/acme/app")).toHaveLength(2);
  });

  it("gives git a token for the contents only", async () => {
    const { url, asked } = await appServer();
    const remote = await appForge(url, privateKey).gitRemote("acme/app", NEVER);
    expect(remote.url).toBe(`${url}/acme/app.git`);
    expect(remote.token?.reveal()).toBe("ghs_1");
    expect(asked.at(-1)?.body).toEqual({
      repositories: ["app"],
      permissions: { contents: "write", metadata: "read" },
    });
  });
});

describe("Octokit", () => {
  it("is loaded by nothing but the first call", () => {
    const folder = new URL("../../src/forges/github/", import.meta.url);
    const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(new URL(file, folder), "utf8"));
    const imports = sources.flatMap((source) => source.match(/^.*["']@octokit\/[^"']+["'].*$/gm) ?? []);
    expect(imports.filter((line) => !line.startsWith("import type")).map((line) => line.trim())).toEqual([
      'const { Octokit } = await import("@octokit/rest");',
    ]);
  });
});

describe("git's remote", () => {
  it.each([
    ["https://github.com", null, "https://github.com/acme/app.git", true],
    ["https://github.com/", null, "https://github.com/acme/app.git", true],
    ["https://github.com", "https://mirror.example.com/app.git", "https://mirror.example.com/app.git", false],
    ["https://github.com", "git@github.com:acme/app.git", "git@github.com:acme/app.git", false],
    ["https://github.com", "http://github.com/acme/app.git", "http://github.com/acme/app.git", false],
    ["https://github.com", "/srv/app.git", "/srv/app.git", false],
    ["http://127.0.0.1:1", null, "http://127.0.0.1:1/acme/app.git", true],
  ])("at %s with the address %s is %s, with the token: %s", async (webUrl, cloneUrl, url, token) => {
    const forge = forgeAt("http://127.0.0.1:1", { webUrl, cloneUrls: { "acme/app": cloneUrl } });
    const remote = await forge.gitRemote("acme/app", NEVER);
    expect(remote.url).toBe(url);
    expect(remote.token !== null).toBe(token);
  });
});
