import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhooks as Judge } from "@octokit/webhooks";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RequestHeaders } from "../../src/lib/delivery.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { startGitHubWorld } from "../../world/github/world.ts";
import type { GitHubWorld } from "../../world/github/world.ts";
import type { GitHubParts } from "../../src/forges/github/forge.ts";
import { forgeAt, NEVER, startLoopback } from "../forges/github-loopback.ts";
import { handClock } from "../world/github-fixture.ts";
import { forgeConformance } from "./forge.ts";
import type { ForgeRig } from "./forge.ts";

const REPOSITORY = "acme/app";
const SECRET = "a webhook secret";
const START = Date.UTC(2026, 10, 20, 12);

function headersOf(headers: Readonly<Record<string, string>>): RequestHeaders {
  const all = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { get: (name) => all.get(name) ?? null, count: (name) => (all.has(name) ? 1 : 0) };
}

async function start(auth: (world: GitHubWorld) => GitHubParts["auth"]): Promise<ForgeRig> {
  const dir = await mkdtemp(join(tmpdir(), "forge-github-"));
  const receiver = await startLoopback(() => ({ status: 200 }));
  const clock = handClock(START);
  const world = await startGitHubWorld({
    clock,
    randomness: systemRandomness,
    dir,
    webhook: { url: receiver.url, secret: SECRET },
  });
  await world.createRepository({
    name: REPOSITORY,
    files: { "README.md": "one\n", "shared.txt": "base\n" },
    people: { alice: "write", relay: "write", mallory: "read" },
  });
  const forge = forgeAt(world.url, {
    webhookSecrets: [new Secret(SECRET)],
    auth: auth(world),
    clock,
    limits: { writesPerMinute: 60, concurrent: 4, connectMs: 1_000, totalMs: 3_000 },
  });
  let taken = 0;
  return {
    forge,
    repository: REPOSITORY,
    baseBranch: "main",
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    async received() {
      await world.settled();
      const fresh = world.sent.slice(taken);
      taken = world.sent.length;
      return fresh.map(({ headers, body }) => ({ headers: headersOf(headers), body: Buffer.from(body) }));
    },
    people: {
      writer: "alice",
      outsider: "mallory",
      push: (by, branch, files) => world.pushAs(by, REPOSITORY, branch, files),
      async review(by, number, state, body, comments = []) {
        const upper = state.toUpperCase() as "APPROVED" | "CHANGES_REQUESTED" | "COMMENTED";
        await world.review(by, number, { state: upper, body, comments });
      },
      async comment(by, number, body) {
        clock.advance(1_000);
        await world.comment(by, number, body);
      },
      editThread: (by, number, position, body) => world.editReview(by, number, { thread: position }, body),
      resolveThread: (by, number, position) => world.resolveThread(by, number, position),
      close: (by, number) => world.closePullRequest(by, number),
      async merge(by, number) {
        await world.merge(by, number);
      },
      status: (sha, context, state) => world.setStatus(REPOSITORY, sha, context, state),
    },
    ci(results, log = "") {
      world.ci = () =>
        Promise.resolve(Object.entries(results).map(([name, conclusion]) => ({ name, conclusion, log })));
    },
    protect: (rules) =>
      world.protect(REPOSITORY, "main", {
        requiredChecks: rules.required,
        mergeQueue: rules.queue ?? false,
        source: rules.classic === true ? "classic" : "ruleset",
      }),
    shown(number) {
      const pull = world.pullRequest(number);
      return {
        state: pull.fields.state,
        merged: pull.fields.merged,
        title: pull.fields.title,
        queued: pull.queueEvents.at(-1)?.kind === "added",
        autoMerge: pull.fields.autoMerge !== null,
        labels: pull.fields.labels,
        requested: pull.requested.map(({ login }) => login),
        comments: pull.comments.map((comment) => comment.body),
        threads: pull.threads.map((thread) => ({
          resolved: thread.resolvedBy !== null,
          comments: thread.comments.map((comment) => comment.body),
        })),
      };
    },
    pullRequests: () => world.pullRequestCount(),
    settled: () => world.settled(),
    misbehave(how) {
      world.faults.outage = how;
    },
    rateLimitNext(count) {
      world.faults.rateLimitNext = count;
    },
    revoke: () => world.revokeTokens(),
    problems: () => world.problems,
    async close() {
      await world.close();
      await receiver.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

const asApp = (world: GitHubWorld): GitHubParts["auth"] => ({
  kind: "app",
  appId: String(world.credentials.appId),
  privateKey: world.credentials.privateKey,
});

forgeConformance("GitHub", () => start(asApp));

describe("a signature, with @octokit/webhooks as the judge", () => {
  const judge = new Judge({ secret: SECRET });
  const forge = forgeAt("http://127.0.0.1:1", { webhookSecrets: [new Secret(SECRET)] });
  const isOurs = (signature: string, body: string): boolean => {
    const headers = headersOf({
      "x-hub-signature-256": signature,
      "x-github-event": "ping",
      "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
      "content-type": "application/json",
    });
    return forge.open(headers, Buffer.from(body), START).verified;
  };
  const TAMPERED: Readonly<Record<string, (signature: string) => string>> = {
    "as it is": (signature) => signature,
    shortened: (signature) => signature.slice(0, -1),
    "with a digit changed": (signature) => signature.slice(0, -1) + (signature.endsWith("0") ? "1" : "0"),
    "in capitals": (signature) => `sha256=${signature.slice(7).toUpperCase()}`,
    "of the old kind": (signature) => signature.replace("sha256=", "sha1="),
    "without its kind": (signature) => signature.replace("sha256=", ""),
  };

  test("both take what it signs, and both refuse what was signed otherwise or changed", async () => {
    const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 });
    const verdicts = new Set<boolean>();
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.option(text),
        fc.constantFrom(SECRET, "another secret"),
        fc.constantFrom(...Object.keys(TAMPERED)),
        async (body, received, secret, how) => {
          const signature = (TAMPERED[how] as (signature: string) => string)(
            await new Judge({ secret }).sign(body),
          );
          const verdict = await judge.verify(received ?? body, signature);
          verdicts.add(verdict);
          expect(isOurs(signature, received ?? body)).toBe(verdict);
        },
      ),
      // A good one among so many bad ones is rare, and must not be left to chance.
      { examples: [["{}", null, SECRET, "as it is"]] },
    );
    expect(verdicts).toEqual(new Set([true, false]));
  });
});

describe("GitHub as an App", () => {
  test("asks for a new token when the hour is over or a token was revoked", async () => {
    const rig = await start(asApp);
    try {
      const hasMain = async (): Promise<boolean> =>
        (await rig.forge.repository(REPOSITORY, NEVER)).hasBranch("main", NEVER);
      expect(await hasMain()).toBe(true);
      rig.advance(2 * 60 * 60_000);
      expect(await hasMain()).toBe(true);
      rig.revoke();
      expect(await hasMain()).toBe(true);
    } finally {
      await rig.close();
    }
  });
});

describe("GitHub as an account with a token", () => {
  test("is that account: for pull requests, comments and echoes", async () => {
    const rig = await start((world) => ({ kind: "token", token: world.tokenFor("relay") }));
    try {
      const us = await rig.forge.whoAmI(NEVER);
      expect(us.login).toBe("relay");
      await rig.people.push("alice", "patchrelay/app-1", { "change.txt": "one\n" });
      const request = {
        repository: REPOSITORY,
        branch: "patchrelay/app-1",
        base: "main",
        title: "A",
        body: "",
      };
      const { number } = await rig.forge.openPullRequest(request, NEVER);
      await rig.forge.openPullRequest({ ...request, title: "B" }, NEVER);
      await rig.forge.comment(REPOSITORY, number, "key", "Hello", NEVER);
      await rig.forge.comment(REPOSITORY, number, "key", "Hello", NEVER);
      expect(rig.shown(number)).toMatchObject({ title: "B", comments: [expect.stringContaining("Hello")] });
      const context = {
        us,
        receivedAt: rig.now(),
        byPullRequest: () => null,
        byBranch: () => null,
        byCommit: () => [],
        byBase: () => [],
      };
      const why = (await rig.received()).map(({ headers, body }) => {
        const event = headers.get("x-github-event") ?? "";
        return rig.forge.interpret(JSON.parse(body.toString()), event, context).ignored;
      });
      expect(why).toContain("our own words");
    } finally {
      await rig.close();
    }
  });
});
