import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EffectParts } from "../../src/effects/parts.ts";
import { readPullRequest } from "../../src/effects/forge/read-pull-request.ts";
import { openEmbeddedEngine } from "../../src/engines/embedded/engine.ts";
import type { Engine } from "../../src/engines/engine.ts";
import type { Effect } from "../../src/factory/effects/effect.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import type { ProjectPolicy } from "../../src/factory/facts/policy.ts";
import { NOTHING_SPENT } from "../../src/factory/facts/run.ts";
import type { GitHubForge } from "../../src/forges/github/forge.ts";
import { COMMITTER } from "../../src/lib/committer.ts";
import { limitHeaders, openLimits } from "../../world/github/limits.ts";
import { costOf } from "../../world/github/graphql/cost.ts";
import { engineParts, issueOf } from "../engines/parts.ts";
import { POLICY, ticketReading } from "../factory/world.ts";
import { createVirtualClock } from "../virtual-clock.ts";
import type { Asked, Loopback, Reply } from "./github-loopback.ts";
import { forgeAt, startLoopback } from "./github-loopback.ts";

/**
 * An hour of the real engine, factory, performer and forge in virtual time, over real HTTP, with what GitHub charges counted
 * as GitHub counts it: two hundred open pull requests, half of them in CI and half waiting for a review, one push to the
 * base every ten minutes, a comment somewhere every half minute.
 */

const OPEN = 200;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const PUSH_EVERY = 10 * MINUTE;
const COMMENT_EVERY = 30_000;

type Json = Record<string, unknown>;

const headOf = (number: number): string => number.toString(16).padStart(40, "0");
const isInCi = (number: number): boolean => number % 2 === 1;

const THE_RELAY = { name: "patchrelay", email: COMMITTER.email, user: null };
const commitOfOurs = (oid: string): Json => ({
  oid,
  authoredDate: "2026-11-20T09:00:00Z",
  committedDate: "2026-11-20T09:00:00Z",
  tree: { oid: `tree of ${oid}` },
  author: THE_RELAY,
  committer: THE_RELAY,
});

const clock = createVirtualClock();
const limits = openLimits(clock, () => 5_000);
const started = clock.now();
/** Since the hour began. */
const counted = { graphql: 0, core: 0, queries: 0, restCalls: 0, readings: 0, linear: 0, byPush: 0 };
/** When each was asked for last, and the longest that one was not. */
const readAt = new Map<number, number>();
let longest = 0;
let baseMovedAt = started;
const performing = new Set<Effect>();

function pull(number: number): Json {
  // GitHub works out whether it can be merged when it is asked for the first time after a push to the base.
  const isComputed = (readAt.get(number) ?? 0) > baseMovedAt;
  return {
    id: `PR_${number}`,
    number,
    url: `https://github.com/acme/app/pull/${number}`,
    state: "OPEN",
    merged: false,
    isDraft: false,
    title: "A change",
    headRefOid: headOf(number),
    headRefName: `patchrelay/app-${number}`,
    baseRefName: "main",
    mergeable: isComputed ? "MERGEABLE" : "UNKNOWN",
    updatedAt: new Date(started).toISOString(),
    closedAt: null,
    isMergeQueueEnabled: false,
    autoMergeRequest: null,
    mergeQueueEntry: null,
    latestOpinionatedReviews: { nodes: [] },
    reviews: { nodes: [] },
    // A fifth of them has two open conversations.
    reviewThreads: {
      nodes:
        number % 5 === 0 ? [1, 2].map((index) => ({ id: `T_${number}_${index}`, isResolved: false })) : [],
    },
    comments: { nodes: [] },
    timelineItems: { nodes: [] },
    baseChanges: { nodes: [] },
    history: { nodes: [{ commit: commitOfOurs(headOf(number)) }] },
    commits: {
      nodes: [
        {
          commit: {
            oid: headOf(number),
            committedDate: new Date(started).toISOString(),
            statusCheckRollup: {
              state: isInCi(number) ? "PENDING" : "SUCCESS",
              contexts: { pageInfo: { hasNextPage: false, endCursor: null }, nodes: [testRun(number)] },
            },
          },
        },
      ],
    },
  };
}

function testRun(number: number): Json {
  return {
    __typename: "CheckRun",
    databaseId: number,
    name: "test",
    status: isInCi(number) ? "IN_PROGRESS" : "COMPLETED",
    conclusion: isInCi(number) ? null : "SUCCESS",
    startedAt: new Date(started).toISOString(),
    completedAt: isInCi(number) ? null : new Date(started).toISOString(),
    detailsUrl: null,
    isRequired: true,
    checkSuite: { app: { databaseId: 15_368 } },
  };
}

function answerQuery(asked: Asked): unknown {
  const variables = asked.body["variables"] as Readonly<Record<string, unknown>>;
  const ids = (variables["ids"] ?? []) as readonly string[];
  const numbers = Object.entries(variables).filter(([name]) => /^n\d+$/.test(name));
  return {
    nodes: ids.map((id) => ({ id, comments: { nodes: [] } })),
    repository: {
      databaseId: 501,
      ...Object.fromEntries(numbers.map(([name, number]) => [name.replace("n", "p"), pull(Number(number))])),
    },
  };
}

function answerRest(path: string): Reply | undefined {
  if (path === "/user") return { body: { id: 77, login: "relay" } };
  if (path.includes("/rules/branches/")) return { body: [] };
  const number = Number(/head=acme%3Apatchrelay%2Fapp-(\d+)/.exec(path)?.[1] ?? Number.NaN);
  if (Number.isNaN(number)) return undefined;
  const repo = { id: 501 };
  return {
    body: [{ number, state: "open", head: { ref: `patchrelay/app-${number}`, repo }, base: { repo } }],
  };
}

/** Charges as GitHub does, and says what is left. */
function answer(asked: Asked): Reply {
  const isQuery = asked.path === "/graphql";
  const variables = (asked.body["variables"] ?? {}) as Readonly<Record<string, unknown>>;
  const points = isQuery ? costOf(parse(String(asked.body["query"])), variables).points : 1;
  const resource = isQuery ? "graphql" : "core";
  const { budget } = limits.take("relay", resource, points);
  counted[resource] += points;
  counted[isQuery ? "queries" : "restCalls"] += 1;
  const reply = isQuery ? { body: { data: answerQuery(asked) } } : answerRest(asked.path);
  const headers = { date: new Date(clock.now()).toUTCString(), ...limitHeaders(budget, resource) };
  return {
    status: 404,
    body: { message: "Not Found" },
    ...(reply === undefined ? {} : { status: 200 }),
    ...reply,
    headers,
  };
}

function readingOf(effect: Effect, forge: GitHubForge, parts: EffectParts) {
  return async (
    context: Parameters<ReturnType<typeof readPullRequest>>[1],
  ): Promise<readonly Observation[]> => {
    if (effect.kind !== "read_pull_request") throw new Error("a reading");
    const observations = await readPullRequest({ ...parts, forge })(effect, context);
    for (const seen of observations) {
      if (seen.kind !== "pull_request_read") continue;
      counted.readings += 1;
      const before = readAt.get(seen.number);
      if (before !== undefined) longest = Math.max(longest, seen.askedAt - before);
      readAt.set(seen.number, seen.askedAt);
      if (effect.hint?.about.includes("the base branch") === true) counted.byPush += 1;
    }
    return observations;
  };
}

let loopback: Loopback;
let engine: Engine;
let dir = "";

beforeAll(async () => {
  dir = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "patchrelay-allowance-"));
  loopback = await startLoopback(answer);
  const forge = forgeAt(loopback.url, { clock });
  const project = POLICY.projects[0] as ProjectPolicy;
  const policy = { ...POLICY, projects: [{ ...project, budgets: { ...project.budgets } }] };
  const parts = engineParts(clock, {
    settings: { slots: OPEN, slotsPerProject: OPEN },
    async perform(effect, context) {
      performing.add(effect);
      try {
        if (effect.kind === "read_ticket") {
          counted.linear += 1;
          return [ticketOf(effect.issue)];
        }
        if (effect.kind !== "read_pull_request") return [];
        return await readingOf(effect, forge, { policy, clock } as unknown as EffectParts)(context);
      } finally {
        performing.delete(effect);
      }
    },
    async performRun(handle) {
      const { run, fence } = handle;
      const at = clock.now();
      const sha = headOf(Number(/\d+$/.exec(handle.issue)?.[0]));
      const end = {
        outcome: "published",
        failureClass: null,
        summary: "did it",
        retryAt: null,
        replies: [],
      } as const;
      await handle.record([
        { kind: "run_started", at, run, fence },
        { kind: "push_intended", at, run, fence, sha, expected: null },
        { kind: "run_ended", at, run, fence, end, question: null, spent: NOTHING_SPENT },
      ]);
    },
  });
  engine = openEmbeddedEngine({
    file: join(dir, "patchrelay.db"),
    lockFile: join(dir, "lock"),
    pid: process.pid,
    parts: {
      ...parts,
      policy,
      conditions: () => ({ agents: { scripted: null }, disk: null }),
      interpreters: {
        github: (body, event, receivedAt, lookup) =>
          forge.interpret(body, event, { us: { id: "77", login: "relay" }, receivedAt, ...lookup }),
      },
    },
  });
  await engine.start();
}, 60_000);

afterAll(async () => {
  const stopped = engine.stop(0);
  await clock.settle();
  await stopped;
  await loopback.close();
  rmSync(dir, { recursive: true, force: true });
});

function ticketOf(issue: string): Observation {
  const number = Number(/\d+$/.exec(issue)?.[0]);
  const reading = ticketReading({}, (clock.now() - started) / 1_000);
  if (reading.kind !== "ticket_read") throw new Error("a reading");
  return { ...reading, core: { ...reading.core, key: `APP-${number}` } };
}

const STEP_MS = 5_000;

/** Moves on by a few seconds at a time, and waits for every answer in between. */
async function live(ms: number): Promise<void> {
  for (const until = clock.now() + ms; clock.now() < until;) {
    await clock.advance(Math.min(STEP_MS, until - clock.now()));
    while (performing.size > 0) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
    await clock.settle();
  }
}

let deliveries = 0;
async function hear(event: string, body: Json): Promise<void> {
  deliveries += 1;
  const full = { repository: { id: 501, full_name: "acme/app" }, sender: null, ...body };
  await engine.accept({
    verified: true,
    source: "github",
    deliveryId: `d${deliveries}`,
    event,
    action: null,
    body: Buffer.from(JSON.stringify(full)),
    quarantine: null,
  });
}

async function stories(): Promise<readonly string[]> {
  const { byState } = await engine.views.counts();
  return Object.entries(byState).map(([state, count]) => `${state} ${count}`);
}

describe("an hour with two hundred open pull requests", () => {
  it(
    "costs a fifth of the allowance, and leaves none unread for longer than five minutes",
    { timeout: 180_000 },
    async () => {
      for (let number = 1; number <= OPEN; number += 1) {
        const issue = issueOf(`issue-${number}`);
        await engine.record(issue, [ticketOf(issue)], { source: "operator", delivery: null });
        // They begin at times of their own, so that their sweeps do not fall together.
        if (number % 4 === 0) await live(5_000);
      }
      await live(6 * MINUTE);
      expect((await stories()).toSorted()).toEqual(["awaiting_review 100", "pr_open 100"]);
      Object.assign(counted, {
        graphql: 0,
        core: 0,
        queries: 0,
        restCalls: 0,
        readings: 0,
        linear: 0,
        byPush: 0,
      });
      longest = 0;

      let comments = 0;
      for (let at = 0; at < HOUR; at += COMMENT_EVERY) {
        if (at % PUSH_EVERY === 0) {
          baseMovedAt = clock.now();
          const repository = { id: 501, full_name: "acme/app", pushed_at: Math.floor(clock.now() / 1_000) };
          await hear("push", {
            ref: "refs/heads/main",
            after: headOf(9_000 + at),
            deleted: false,
            repository,
          });
        }
        comments += 1;
        const number = ((comments * 7) % OPEN) + 1;
        const times = {
          created_at: new Date(clock.now()).toISOString(),
          updated_at: new Date(clock.now()).toISOString(),
        };
        await hear("pull_request_review_comment", {
          action: "created",
          pull_request: payloadOf(number),
          comment: { user: { id: 5, login: "ada", type: "User" }, ...times },
        });
        await live(COMMENT_EVERY);
      }
      const { graphql, core, queries, restCalls, readings, linear, byPush } = counted;
      const total = graphql + core;
      const left = limits.see("relay", "graphql");
      process.stdout.write(
        [
          `virtual time ${(clock.now() - started) / MINUTE} min, of it measured ${HOUR / MINUTE} min`,
          `open pull requests ${OPEN}: ${(await stories()).join(", ")}`,
          `pushes to the base ${HOUR / PUSH_EVERY}, readings because of them ${byPush}; comments ${comments}`,
          `readings ${readings}: GraphQL ${queries} queries, ${graphql} points; REST ${restCalls} calls; together ${total} of an hour's 5000 + 5000`,
          `longest without a reading ${longest / 1_000} s; GraphQL left in the running hour ${left.limit - left.used}; Linear readings ${linear}`,
          "",
        ].join("\n"),
      );
      expect(total).toBeLessThanOrEqual(1_000);
      expect(longest).toBeLessThanOrEqual(5 * MINUTE);
      expect(readAt.size).toBe(OPEN);
    },
  );
});

function payloadOf(number: number): Json {
  const repo = { id: 501 };
  return {
    number,
    html_url: `https://github.com/acme/app/pull/${number}`,
    state: "open",
    title: "A change",
    updated_at: new Date(started).toISOString(),
    head: { ref: `patchrelay/app-${number}`, sha: headOf(number), repo },
    base: { ref: "main", sha: headOf(1), repo },
  };
}
