import { afterEach, describe, expect, it } from "vitest";
import { parse } from "graphql";
import { createBrake } from "../../src/forges/github/client/brake.ts";
import { PULL_REQUESTS_AT_ONCE, pullRequestsDocument } from "../../src/forges/github/read/documents.ts";
import type { GitHubForge } from "../../src/forges/github/forge.ts";
import { COMMITTER } from "../../src/lib/committer.ts";
import { ExternalError } from "../../src/lib/external.ts";
import { costOf } from "../../world/github/graphql/cost.ts";
import type { Asked, Loopback, Reply } from "./github-loopback.ts";
import { forgeAt, NEVER, startLoopback, stillClock } from "./github-loopback.ts";

const NOW = Date.UTC(2026, 10, 20, 12);
const HEAD = "a".repeat(40);

let server: Loopback | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

type Json = Record<string, unknown>;

const THE_RELAY = { name: "patchrelay", email: COMMITTER.email, user: null };
const commitOfOurs = (oid: string): Json => ({
  oid,
  authoredDate: "2026-11-20T09:00:00Z",
  committedDate: "2026-11-20T09:00:00Z",
  tree: { oid: `tree of ${oid}` },
  author: THE_RELAY,
  committer: THE_RELAY,
});

function pull(number: number, changes: Json = {}): Json {
  return {
    id: `PR_${number}`,
    number,
    url: `https://github.com/acme/app/pull/${number}`,
    state: "OPEN",
    merged: false,
    isDraft: false,
    title: "A change",
    headRefOid: HEAD,
    headRefName: `patchrelay/app-${number}`,
    baseRefName: "main",
    mergeable: "MERGEABLE",
    updatedAt: "2026-11-20T10:05:00Z",
    closedAt: null,
    isMergeQueueEnabled: false,
    autoMergeRequest: null,
    mergeQueueEntry: null,
    latestOpinionatedReviews: { nodes: [] },
    reviews: { nodes: [] },
    reviewThreads: { nodes: [] },
    comments: { nodes: [] },
    timelineItems: { nodes: [] },
    baseChanges: { nodes: [] },
    history: { nodes: [{ commit: commitOfOurs(HEAD) }] },
    commits: { nodes: [{ commit: { oid: HEAD, committedDate: null, statusCheckRollup: null } }] },
    ...changes,
  };
}

/** The numbers that a query asks for, in order. */
function numbersIn(asked: Asked): readonly number[] {
  const variables = (asked.body["variables"] ?? {}) as Record<string, unknown>;
  return Object.entries(variables).flatMap(([name, value]) => (/^n\d+$/.test(name) ? [Number(value)] : []));
}

/** What a head without checks is asked for apart, once. */
const isKnownChecks = ({ body }: Asked): boolean => String(body["query"]).includes("query KnownChecks");
const UNCHECKED = { pullRequest: { commits: { nodes: [{ commit: { oid: HEAD } }] } }, ref: null };

async function serving(answer: (numbers: readonly number[], asked: Asked) => Reply): Promise<Loopback> {
  server = await startLoopback((asked) => {
    if (asked.path === "/user") return { body: { id: 77, login: "relay" } };
    if (isKnownChecks(asked)) return { body: { data: { repository: UNCHECKED } } };
    if (asked.path === "/graphql") return answer(numbersIn(asked), asked);
    return asked.path.includes("/rules/branches/") ? { body: [] } : undefined;
  });
  return server;
}

const whole = (numbers: readonly number[], of: (number: number) => Json | null = pull): Json => ({
  databaseId: 501,
  ...Object.fromEntries(numbers.map((number, index) => [`p${index}`, of(number)])),
});
const batches = ({ asked }: Loopback): readonly number[] =>
  asked.filter((one) => one.path === "/graphql" && !isKnownChecks(one)).map((one) => numbersIn(one).length);

function read(
  forge: GitHubForge,
  number: number,
  more: { readonly background?: boolean; readonly signal?: AbortSignal } = {},
): Promise<number | string> {
  const which = { number, branch: "", background: more.background === true };
  return forge.readPullRequest("acme/app", which, more.signal ?? NEVER).then(
    (reading) => (reading?.kind === "pull_request_read" ? reading.number : "nothing"),
    (error: unknown) => (error instanceof ExternalError ? error.kind : String(error)),
  );
}

const count = (most: number): readonly number[] => Array.from({ length: most }, (_, index) => index + 1);

describe("readings that are asked for together", () => {
  it("share queries of one point each, and each caller gets its own", async () => {
    const loopback = await serving((numbers) => ({ body: { data: { repository: whole(numbers) } } }));
    const forge = forgeAt(loopback.url);
    await forge.whoAmI(NEVER);
    expect(await Promise.all(count(45).map((number) => read(forge, number)))).toEqual(count(45));
    expect(batches(loopback)).toEqual([16, 16, 13]);
    // docs.github.com, "Rate limits and node limits for the GraphQL API": a hundred connections are a point.
    const { points, requests } = costOf(
      parse(pullRequestsDocument(PULL_REQUESTS_AT_ONCE, false, new Set())),
      {},
    );
    expect({ points, requests }).toEqual({ points: 1, requests: 144 });
  });

  it("fail one by one: what is gone or refused takes no other with it", async () => {
    const loopback = await serving((numbers) => ({
      body: {
        data: { repository: whole(numbers, (number) => (number < 3 ? null : pull(number))) },
        errors: [
          { type: "NOT_FOUND", message: "Could not resolve", path: ["repository", "p0"] },
          { type: "FORBIDDEN", message: "Resource not accessible", path: ["repository", "p1", "reviews"] },
        ],
      },
    }));
    const forge = forgeAt(loopback.url);
    await forge.whoAmI(NEVER);
    expect(await Promise.all(count(4).map((number) => read(forge, number)))).toEqual([
      "not_found",
      "refused",
      3,
      4,
    ]);
  });

  it("are asked for in smaller parts where GitHub takes too long over all of them, also the next time", async () => {
    const loopback = await serving((numbers) =>
      numbers.length > 6
        ? { status: 502, body: "<html>502 Bad Gateway</html>" }
        : { body: { data: { repository: whole(numbers) } } },
    );
    const forge = forgeAt(loopback.url);
    await forge.whoAmI(NEVER);
    expect(await Promise.all(count(16).map((number) => read(forge, number)))).toEqual(count(16));
    expect(batches(loopback)).toEqual([16, 8, 4, 4, 8, 4, 4]);
    loopback.asked.length = 0;
    await Promise.all(count(10).map((number) => read(forge, number)));
    expect(Math.max(...batches(loopback))).toBeLessThan(8);
  });

  it("do not turn an outage into many requests", async () => {
    const loopback = await serving(() => ({ status: 502, body: "<html>502 Bad Gateway</html>" }));
    const forge = forgeAt(loopback.url);
    await forge.whoAmI(NEVER);
    const outcomes = await Promise.all(count(16).map((number) => read(forge, number)));
    expect(new Set(outcomes)).toEqual(new Set(["unavailable"]));
    expect(batches(loopback).length).toBeLessThanOrEqual(9);
  });

  it("are given up one by one", async () => {
    const stop = new AbortController();
    const loopback = await serving((numbers) => {
      stop.abort(new Error("stopping"));
      return { body: { data: { repository: whole(numbers) } } };
    });
    const forge = forgeAt(loopback.url);
    await forge.whoAmI(NEVER);
    expect(await Promise.all([read(forge, 1, { signal: stop.signal }), read(forge, 2)])).toEqual([
      "Error: stopping",
      2,
    ]);
  });

  it("go before sweeps when something waits for them", async () => {
    const loopback = await serving((numbers) => ({ body: { data: { repository: whole(numbers) } } }));
    const forge = forgeAt(loopback.url);
    await forge.whoAmI(NEVER);
    const sweeps = count(40).map((number) => read(forge, number, { background: true }));
    await Promise.all([...sweeps, read(forge, 99)]);
    expect(loopback.asked.flatMap((asked) => [numbersIn(asked)[0] ?? []].flat())[0]).toBe(99);
  });

  it("read what a server has that lacks merge queues", async () => {
    const loopback = await serving((numbers, asked) => {
      const query = String(asked.body["query"]);
      const lacking = ["mergeQueueEntry", "isMergeQueueEnabled"].filter((name) => query.includes(name));
      const errors = lacking.map((name) => ({
        message: `Field '${name}' doesn't exist on type 'PullRequest'`,
        extensions: { code: "undefinedField" },
      }));
      const { mergeQueueEntry: _entry, isMergeQueueEnabled: _enabled, ...older } = pull(1);
      return errors.length > 0
        ? { body: { errors } }
        : { body: { data: { repository: whole(numbers, () => older) } } };
    });
    const forge = forgeAt(loopback.url);
    expect([await read(forge, 1), await read(forge, 1)]).toEqual([1, 1]);
    expect(batches(loopback)).toHaveLength(3);
  });
});

describe("the hourly allowance", () => {
  const headers = (remaining: number, resetIn: number): Record<string, string> => ({
    "x-ratelimit-limit": "5000",
    "x-ratelimit-remaining": String(remaining),
    "x-ratelimit-reset": String((NOW + resetIn) / 1_000),
    "x-ratelimit-resource": "graphql",
  });
  const MINUTE = 60_000;
  const until = (remaining: number, resetIn: number, need: "background" | "wanted"): number | null => {
    const brake = createBrake();
    brake.heard("", headers(remaining, resetIn), NOW);
    try {
      brake.hold("", need, NOW);
      return null;
    } catch (error) {
      return error instanceof ExternalError && error.retryAt !== null ? (error.retryAt - NOW) / MINUTE : NaN;
    }
  };

  it.each([
    [5_000, 60, null, null],
    [2_500, 60, null, null],
    [2_000, 60, 12, null],
    [2_000, 48, null, null],
    [400, 60, 50.4, 12],
    [400, 9, null, null],
    [0, 30, 30, 30],
  ])(
    "with %i of 5000 points left for %i minutes sweeps wait %s minutes, other readings %s",
    (remaining, minutes, sweeps, wanted) => {
      expect([
        until(remaining, minutes * MINUTE, "background"),
        until(remaining, minutes * MINUTE, "wanted"),
      ]).toEqual([sweeps, wanted]);
    },
  );

  it("is not held where there are no limits, nor after its hour, nor for another account", () => {
    const brake = createBrake();
    expect(() => brake.hold("", "background", NOW)).not.toThrow();
    brake.heard("acme", headers(0, 10 * MINUTE), NOW);
    expect(() => brake.hold("other", "background", NOW)).not.toThrow();
    expect(() => brake.hold("acme", "wanted", NOW)).toThrow(/runs low/);
    expect(() => brake.hold("acme", "wanted", NOW + 10 * MINUTE)).not.toThrow();
  });

  it("is what the newest answer says, whichever overtakes which", () => {
    const brake = createBrake();
    brake.heard("", headers(100, 30 * MINUTE), NOW);
    brake.heard("", headers(4_900, 30 * MINUTE), NOW);
    expect(() => brake.hold("", "background", NOW)).toThrow(ExternalError);
    brake.heard("", headers(5_000, 90 * MINUTE), NOW + 31 * MINUTE);
    expect(() => brake.hold("", "background", NOW + 31 * MINUTE)).not.toThrow();
  });

  it("holds sweeps before anything is asked, and lets readings that are waited for go on", async () => {
    const loopback = await serving((numbers) => ({
      headers: headers(1_000, 60 * MINUTE),
      body: { data: { repository: whole(numbers) } },
    }));
    const forge = forgeAt(loopback.url, { clock: stillClock(NOW) });
    expect(await read(forge, 1, { background: true })).toBe(1);
    expect(await read(forge, 1, { background: true })).toBe("rate_limited");
    expect(await read(forge, 1)).toBe(1);
    expect(batches(loopback)).toEqual([1, 1]);
  });
});

describe("checks that GitHub does not show", () => {
  // cli/cli#12597: a fine-grained token has no permission for check runs. Each of them is refused; their sum is not.
  const hidden = (sum: string | null, statuses: readonly Json[] = []): Json => ({
    commits: {
      nodes: [
        {
          commit: {
            oid: HEAD,
            committedDate: "2026-11-20T09:00:00Z",
            statusCheckRollup:
              sum === null
                ? null
                : {
                    state: sum,
                    contexts: {
                      pageInfo: { hasNextPage: false, endCursor: null },
                      nodes: [null, ...statuses],
                    },
                  },
          },
        },
      ],
    },
  });
  const told = async (
    sum: string | null,
    jobs: readonly Json[] | null,
    required: readonly string[],
    more: { readonly statuses?: readonly Json[]; readonly mergeable?: string } = {},
  ): Promise<readonly string[]> => {
    server = await startLoopback((asked) => {
      if (asked.path === "/user") return { body: { id: 77, login: "relay" } };
      if (asked.path === "/graphql") {
        const [number = 0] = numbersIn(asked);
        const path = ["repository", "p0", "commits", "nodes", 0, "commit", "statusCheckRollup"];
        const error = { type: "FORBIDDEN", message: "Resource not accessible by personal access token" };
        const at = sum === null ? path : [...path, "contexts", "nodes", 0];
        const repository = whole([number], () => pull(number, hidden(sum, more.statuses)));
        return numbersIn(asked).length === 0
          ? { body: { data: { repository: { ref: null } } } }
          : { body: { data: { repository }, errors: [{ ...error, path: at }] } };
      }
      if (asked.path.includes("/rules/"))
        return {
          body: [
            {
              type: "required_status_checks",
              parameters: { required_status_checks: required.map((context) => ({ context })) },
            },
          ],
        };
      const refused = { status: 403, body: { message: "Resource not accessible by personal access token" } };
      if (asked.path.includes("/actions/runs/5/jobs")) return { body: { jobs } };
      if (asked.path.includes("/actions/runs"))
        return jobs === null ? refused : { body: { workflow_runs: [{ id: 5 }] } };
      if (asked.path.includes("/status?")) return { body: { statuses: [] } };
      return asked.path.includes("/pulls/7")
        ? { body: { mergeable_state: more.mergeable ?? "unstable" } }
        : undefined;
    });
    const forge = forgeAt(server.url);
    const reading = await forge.readPullRequest("acme/app", { number: 7, branch: "" }, NEVER);
    if (reading?.kind !== "pull_request_read") throw new Error("nothing was read");
    await server.close();
    return reading.checks.map(({ name, status, conclusion }) => `${name}: ${conclusion ?? status}`);
  };
  const job = (name: string, conclusion: string | null): Json => ({
    id: 50,
    name,
    status: conclusion === null ? "in_progress" : "completed",
    conclusion,
    started_at: null,
    completed_at: null,
    html_url: "https://github.com/acme/app/actions/runs/5/job/50",
  });
  const UNSEEN = "checks that GitHub does not show to this credential";

  it("are told by GitHub Actions, commit statuses and the sum of all", async () => {
    const status = {
      __typename: "StatusContext",
      context: "ci",
      state: "SUCCESS",
      createdAt: "2026-11-20T10:00:00Z",
    };
    expect(await told("SUCCESS", [job("test", "success")], [], { statuses: [status] })).toEqual([
      "test: success",
      "ci: success",
      `${UNSEEN}: success`,
    ]);
    expect(await told("FAILURE", [job("test", "failure")], ["test"])).toEqual(["test: failure"]);
  });

  it("never count as passed, nor as absent, when only their sum is known and it is not green", async () => {
    expect(await told("PENDING", [job("test", "success")], [])).toEqual([
      "test: success",
      `${UNSEEN}: running`,
    ]);
    expect(await told("FAILURE", [job("test", "success")], [])).toEqual([
      "test: success",
      `${UNSEEN}: action_required`,
    ]);
    expect(await told("FAILURE", null, [])).toEqual([`${UNSEEN}: action_required`]);
    expect(await told("SUCCESS", null, ["test", "lint"])).toEqual(["lint: success", "test: success"]);
  });

  it("are judged by whether GitHub would merge where even their sum is hidden", async () => {
    expect(await told(null, null, [])).toEqual([`${UNSEEN}: action_required`]);
    expect(await told(null, null, [], { mergeable: "clean" })).toEqual([`${UNSEEN}: success`]);
  });
});
