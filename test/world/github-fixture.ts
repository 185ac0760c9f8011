import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createAppAuth } from "@octokit/auth-app";
import { Octokit } from "@octokit/rest";
import { systemClock } from "../../src/lib/clock.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import type { GitHubWorld, NewRepository } from "../../world/github/world.ts";
import { startGitHubWorld } from "../../world/github/world.ts";

interface Received {
  readonly event: string;
  readonly delivery: string;
  readonly payload: Record<string, unknown>;
}

export interface Stage {
  readonly world: GitHubWorld;
  readonly dir: string;
  /** Webhooks that arrived with a good signature, in order of arrival. */
  readonly received: Received[];
  /** `event.action` of each, in order. */
  readonly names: () => string[];
  /** What the receiver answers. */
  answer: number;
  /** Octokit as the App's installation. */
  readonly octokit: Octokit;
  /** git with the installation's token. */
  readonly git: (cwd: string, ...args: string[]) => Promise<string>;
  readonly graphql: <T>(query: string, variables?: Record<string, unknown>) => Promise<T>;
  close(): Promise<void>;
}

const SECRET = "a webhook secret";

/** A clock that a test sets forward; timers fire when it passes them. */
export function handClock(start: number): Clock & { advance(ms: number): void } {
  let now = start;
  const timers = new Set<{ at: number; fire: () => void }>();
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, fire) {
      const timer = { at: now + ms, fire };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      now += ms;
      for (const timer of [...timers].filter((candidate) => candidate.at <= now)) {
        timers.delete(timer);
        timer.fire();
      }
    },
  };
}

/** A stand-in GitHub with one repository `acme/app`, a webhook receiver and clients. */
export async function stage(
  given: Partial<NewRepository> = {},
  clock: Clock = systemClock,
  hook: "app" | "repository" = "app",
): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), "world-github-"));
  const received: Received[] = [];
  const state = { answer: 200 };
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const digest = createHmac("sha256", SECRET).update(body).digest("hex");
      if (request.headers["x-hub-signature-256"] === `sha256=${digest}`) {
        const payload = JSON.parse(body.toString("utf8")) as Record<string, unknown>;
        received.push({
          event: String(request.headers["x-github-event"]),
          delivery: String(request.headers["x-github-delivery"]),
          payload,
        });
      }
      response.writeHead(state.answer).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/webhooks/github`;
  const world = await startGitHubWorld({
    clock,
    randomness: systemRandomness,
    dir: join(dir, "repositories"),
    webhook: { url, secret: SECRET },
    hook,
  });
  await world.createRepository({
    name: "acme/app",
    files: { "README.md": "one\ntwo\nthree\n" },
    people: { alice: "write", bob: "write", carol: "admin", mallory: "read" },
    ...given,
  });
  const { appId, privateKey, installationId } = world.credentials;
  const silent = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: () => undefined,
  };
  const octokit = new Octokit({
    baseUrl: world.url,
    log: silent,
    authStrategy: createAppAuth,
    auth: { appId, privateKey: privateKey.reveal(), installationId },
  });
  const token = async (): Promise<string> =>
    ((await octokit.auth({ type: "installation" })) as { token: string }).token;
  return {
    world,
    dir,
    received,
    octokit,
    names: () =>
      received.map(({ event, payload }) =>
        typeof payload["action"] === "string" ? `${event}.${payload["action"]}` : event,
      ),
    get answer() {
      return state.answer;
    },
    set answer(status) {
      state.answer = status;
    },
    async git(cwd, ...args) {
      const header = `Authorization: Basic ${Buffer.from(`x-access-token:${await token()}`).toString("base64")}`;
      const settings = [
        "-c",
        `http.extraHeader=${header}`,
        "-c",
        "user.name=relay",
        "-c",
        "user.email=relay@example.com",
        "-c",
        "core.hooksPath=/dev/null",
      ];
      const { stdout } = await promisify(execFile)("git", [...settings, ...args], { cwd, timeout: 20_000 });
      return stdout.trim();
    },
    graphql: (query, variables = {}) => octokit.graphql(query, variables),
    async close() {
      await world.close();
      receiver.closeAllConnections();
      await new Promise<void>((resolve) => receiver.close(() => resolve()));
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export const APP = { owner: "acme", repo: "app" };
