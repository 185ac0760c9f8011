import { afterEach, describe, expect, it } from "vitest";
import type { PullRequestReading } from "../../src/factory/facts/observation.ts";
import { ejectionsOf } from "../../src/forges/github/read/reading.ts";
import type { Asked, Loopback, Reply } from "./github-loopback.ts";
import { forgeAt, NEVER, startLoopback, stillClock } from "./github-loopback.ts";

const HEAD = "a".repeat(40);
const OLD = "b".repeat(40);
const NOW = Date.UTC(2026, 10, 20, 12);

let server: Loopback | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

type Json = Record<string, unknown>;

const check = (name: string, conclusion = "SUCCESS", required = false): Json => ({
  __typename: "CheckRun",
  databaseId: 1,
  name,
  status: "COMPLETED",
  conclusion,
  startedAt: "2026-11-20T10:00:00Z",
  completedAt: "2026-11-20T10:01:00Z",
  detailsUrl: null,
  isRequired: required,
  checkSuite: { app: { databaseId: 15368 } },
});
const contexts = (nodes: readonly Json[], next: string | null = null): Json => ({
  contexts: { pageInfo: { hasNextPage: next !== null, endCursor: next }, nodes },
});
const ada = { __typename: "User", login: "ada", databaseId: 11 };
const review = (author: Json | null, id = 1): Json => ({
  fullDatabaseId: String(id),
  databaseId: null,
  state: "APPROVED",
  body: "",
  submittedAt: "2026-11-20T10:00:00Z",
  authorAssociation: "MEMBER",
  author,
  commit: { oid: HEAD },
});

const THE_RELAY = { name: "patchrelay", email: "patchrelay@users.noreply.invalid", user: null };

function gitCommit(oid: string, changes: Json = {}): Json {
  return {
    oid,
    authoredDate: "2026-11-20T09:00:00Z",
    committedDate: "2026-11-20T09:00:00Z",
    tree: { oid: `tree of ${oid}` },
    author: THE_RELAY,
    committer: THE_RELAY,
    ...changes,
  };
}

function pull(changes: Json = {}, commit: Json = {}): Json {
  return {
    history: { nodes: [{ commit: gitCommit((changes["headRefOid"] as string | undefined) ?? HEAD) }] },
    baseChanges: { nodes: [] },
    id: "PR_7",
    number: 7,
    url: "https://github.com/acme/app/pull/7",
    state: "OPEN",
    merged: false,
    isDraft: false,
    title: "A change",
    headRefOid: HEAD,
    headRefName: "patchrelay/app-1",
    baseRefName: "main",
    mergeable: "UNKNOWN",
    updatedAt: "2026-11-20T10:05:00Z",
    closedAt: null,
    isMergeQueueEnabled: false,
    autoMergeRequest: null,
    mergeQueueEntry: null,
    reviews: { nodes: [] },
    reviewThreads: { nodes: [] },
    comments: { nodes: [] },
    timelineItems: { nodes: [] },
    commits: {
      nodes: [
        { commit: { oid: HEAD, committedDate: "2026-11-20T09:00:00Z", statusCheckRollup: null, ...commit } },
      ],
    },
    ...changes,
  };
}

/** No check is known to have ever run. */
const UNCHECKED = { pullRequest: { commits: { nodes: [{ commit: { oid: HEAD } }] } }, ref: null };

interface Service {
  readonly pull: Json;
  /** By the name of the query. */
  readonly more?: (name: string, variables: Json) => Json;
  readonly rest?: (asked: Asked) => Reply | undefined;
}

async function serving(service: Service): Promise<Loopback> {
  server = await startLoopback((asked) => {
    if (asked.path === "/user") return { body: { id: 77, login: "relay" } };
    if (asked.path === "/graphql") {
      const name = /query (\w+)/.exec(String(asked.body["query"]))?.[1] ?? "";
      if (name === "ThreadComments") {
        const { nodes: threads } = service.pull["reviewThreads"] as { readonly nodes: readonly Json[] };
        const { ids } = asked.body["variables"] as { readonly ids: readonly string[] };
        return { body: { data: { nodes: ids.map((id) => threads.find((thread) => thread["id"] === id)) } } };
      }
      const parentless = { p0: { parents: { nodes: [] } } };
      const repository =
        name === "CommitParents"
          ? parentless
          : name === "PullRequests"
            ? { databaseId: 501, p0: service.pull }
            : name === "KnownChecks"
              ? UNCHECKED
              : service.more?.(name, asked.body["variables"] as Json);
      return { body: { data: { repository } }, headers: { date: new Date(NOW).toUTCString() } };
    }
    const given = service.rest?.(asked);
    if (given !== undefined) return given;
    return asked.path.includes("/rules/branches/") ? { body: [] } : undefined;
  });
  return server;
}

async function read(loopback: Loopback, forge = forgeAt(loopback.url)): Promise<PullRequestReading> {
  const reading = await forge.readPullRequest("acme/app", { number: 7, branch: "patchrelay/app-1" }, NEVER);
  if (reading?.kind !== "pull_request_read") throw new Error("nothing was read");
  return reading;
}

const queries = (loopback: Loopback): readonly string[] =>
  loopback.asked.flatMap((asked) => /query (\w+)/.exec(String(asked.body["query"]))?.[1] ?? []);

describe("reading a pull request", () => {
  it("takes GitHub's own clock for when it was read", async () => {
    expect((await read(await serving({ pull: pull() }))).readAt).toBe(NOW);
  });

  it("never was read before what it says, whatever the clocks say", async () => {
    const late = "2026-11-20T13:00:00Z";
    expect((await read(await serving({ pull: pull({ updatedAt: late }) }))).readAt).toBe(Date.parse(late));
  });

  const paged = (total: number, red: number): Promise<Loopback> => {
    const page = (start: number): Json => {
      const nodes = Array.from({ length: Math.min(100, total - start) }, (_, index) =>
        check(`c${start + index}`, start + index === red ? "FAILURE" : "SUCCESS"),
      );
      return contexts(nodes, start + 100 < total ? String(start + 100) : null);
    };
    return serving({
      pull: pull({}, { statusCheckRollup: page(0) }),
      more: (name, { after }) =>
        name === "CommitChecks"
          ? { object: { oid: HEAD, statusCheckRollup: page(Number(after)) } }
          : { ref: { target: { oid: OLD, statusCheckRollup: null } } },
    });
  };

  it("reads all pages of checks: what fails on the last of them is seen", async () => {
    const reading = await read(await paged(350, 340));
    expect(reading.checks).toHaveLength(350);
    expect(reading.checks.filter(({ conclusion }) => conclusion === "failure")).toMatchObject([
      { name: "c340" },
    ]);
    expect(reading.checksCut).toBe(false);
  });

  it("says so where there are more checks than are read", async () => {
    const loopback = await paged(1_001, -1);
    const reading = await read(loopback);
    expect([reading.checks.length, reading.checksCut]).toEqual([1_000, true]);
    expect(queries(loopback)).toHaveLength(10);
  });

  const job = (name: string, run: number, conclusion: string): Json => ({
    ...check(name, conclusion),
    databaseId: run * 10,
    detailsUrl: `https://github.com/acme/app/actions/runs/${run}/job/${run * 10}`,
  });
  const workflowRun = (id: number, workflow: number, event: string): Json => ({
    id,
    workflow_id: workflow,
    event,
  });
  const doubled = (nodes: readonly Json[], runs: Reply): Promise<Loopback> =>
    serving({
      pull: pull({}, { statusCheckRollup: contexts(nodes) }),
      more: () => ({ ref: { target: { oid: OLD, statusCheckRollup: null } } }),
      rest: (asked) => (asked.path.includes("/actions/runs") ? runs : undefined),
    });
  const told = async (loopback: Loopback): Promise<readonly string[]> =>
    (await read(loopback)).checks.map((one) => `${one.workflowRun} ${one.name} ${one.conclusion}`);

  it("leaves out what a later run of the same workflow did again, and nothing else", async () => {
    const runs = [
      workflowRun(5, 1, "push"),
      workflowRun(9, 1, "pull_request"),
      workflowRun(10, 1, "pull_request"),
    ];
    const nodes = [
      job("title", 10, "SUCCESS"),
      job("title", 9, "FAILURE"),
      job("build", 5, "FAILURE"),
      job("build", 10, "SUCCESS"),
      job("unit", 9, "FAILURE"),
      job("unit", 10, "SKIPPED"),
      job("unit", 77, "CANCELLED"),
    ];
    expect(await told(await doubled(nodes, { body: { workflow_runs: runs } }))).toEqual([
      "10 title success",
      "5 build failure",
      "10 build success",
      "9 unit failure",
      "10 unit skipped",
      "77 unit cancelled",
    ]);
  });

  it("counts all of them where it may not see the workflow runs, and does not ask without need", async () => {
    const refused = await doubled([job("title", 9, "FAILURE"), job("title", 10, "SUCCESS")], {
      status: 403,
      body: { message: "Resource not accessible" },
    });
    expect(await told(refused)).toEqual(["9 title failure", "10 title success"]);
    await refused.close();
    const single = await doubled([job("title", 9, "SUCCESS"), job("unit", 10, "SUCCESS")], {
      status: 500,
      body: {},
    });
    expect(await told(single)).toHaveLength(2);
  });

  it("finds the review that blocks, however many words in threads came after it", async () => {
    const requested = { ...review(ada, 1), state: "CHANGES_REQUESTED" };
    const words = Array.from({ length: 100 }, (_, index) => ({
      ...review(ada, index + 2),
      state: "COMMENTED",
    }));
    const loopback = await serving({
      pull: pull({
        latestOpinionatedReviews: { nodes: [requested] },
        reviews: { nodes: [...words.slice(1), requested] },
      }),
    });
    expect((await read(loopback)).reviews.filter(({ state }) => state === "changes_requested")).toHaveLength(
      1,
    );
    await loopback.close();
    const fallen = await serving({
      pull: pull({ latestOpinionatedReviews: { nodes: [requested] }, reviews: { nodes: words } }),
    });
    expect((await read(fallen)).reviews.map(({ id }) => id)).toContain("1");
  });

  it("does not take another commit's checks for the head's", async () => {
    const loopback = await serving({
      pull: pull({}, { oid: OLD, statusCheckRollup: contexts([check("unit", "FAILURE")]) }),
      more: () => ({ object: { oid: HEAD, statusCheckRollup: contexts([check("unit")]) } }),
    });
    expect((await read(loopback)).checks).toMatchObject([{ name: "unit", conclusion: "success" }]);
  });

  it("asks for the base's checks only when something failed, and names what fails on both", async () => {
    const base = (): Json => ({
      ref: {
        target: {
          oid: OLD,
          statusCheckRollup: contexts([check("flaky", "FAILURE"), check("other", "FAILURE")]),
        },
      },
    });
    const red = [check("flaky", "TIMED_OUT"), check("unit", "FAILURE"), check("stopped", "CANCELLED")];
    const loopback = await serving({ pull: pull({}, { statusCheckRollup: contexts(red) }), more: base });
    expect((await read(loopback)).redOnBase).toEqual(["flaky"]);
    await loopback.close();
    const green = await serving({
      pull: pull({}, { statusCheckRollup: contexts([check("unit", "CANCELLED")]) }),
    });
    expect((await read(green)).redOnBase).toEqual([]);
    expect(queries(green)).toEqual(["PullRequests"]);
  });

  it("finds required checks in rules, in older protection and in what GitHub marks as required", async () => {
    const loopback = await serving({
      pull: pull({}, { statusCheckRollup: contexts([check("marked", "SUCCESS", true), check("free")]) }),
      rest: (asked) => {
        if (asked.path.includes("/rules/branches/main"))
          return {
            body: [
              { type: "merge_queue", parameters: {} },
              {
                type: "required_status_checks",
                parameters: { required_status_checks: [{ context: "ruled" }] },
              },
            ],
          };
        return asked.path.endsWith("/branches/main/protection")
          ? { body: { required_status_checks: { contexts: ["classic"], checks: [{ context: "classic" }] } } }
          : undefined;
      },
    });
    expect(await read(loopback)).toMatchObject({ required: ["classic", "marked", "ruled"], hasQueue: true });
  });

  it("reads on where it may not see the older protection", async () => {
    const loopback = await serving({
      pull: pull(),
      rest: (asked) =>
        asked.path.endsWith("/protection")
          ? { status: 403, body: { message: "Resource not accessible" } }
          : undefined,
    });
    expect((await read(loopback)).required).toEqual([]);
  });

  it("reads on where the plan of the repository has no rules to show", async () => {
    const loopback = await serving({
      pull: pull({}, { statusCheckRollup: contexts([check("marked", "SUCCESS", true)]) }),
      rest: (asked) =>
        asked.path.includes("/rules/") || asked.path.endsWith("/protection")
          ? { status: 403, body: { message: "Upgrade to GitHub Pro or make this repository public" } }
          : undefined,
    });
    expect(await read(loopback)).toMatchObject({ required: ["marked"], hasQueue: false });
  });

  it("does not take a failing look at the rules for no rules", async () => {
    const loopback = await serving({
      pull: pull(),
      rest: (asked) => (asked.path.includes("/rules/") ? { status: 500, body: {} } : undefined),
    });
    await expect(read(loopback)).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("does not take the rules of a repository that was renamed for none", async () => {
    const loopback = await serving({
      pull: pull(),
      rest: (asked) =>
        asked.path.includes("/rules/")
          ? { status: 301, headers: { location: "/repositories/501/rules/branches/main" }, body: {} }
          : undefined,
    });
    await expect(read(loopback)).rejects.toMatchObject({
      kind: "not_found",
      message: expect.stringContaining("Set repository.name to its new name"),
    });
  });

  it("keeps the rules for five minutes, and no longer than until GitHub says that they changed", async () => {
    const loopback = await serving({ pull: pull() });
    const clock = stillClock(NOW);
    const forge = forgeAt(loopback.url, { clock });
    const looks = (): number => loopback.asked.filter((asked) => asked.path.includes("/rules/")).length;
    await read(loopback, forge);
    await read(loopback, forge);
    expect(looks()).toBe(1);
    const nobody = {
      us: null,
      receivedAt: NOW,
      byPullRequest: () => null,
      byBranch: () => null,
      byCommit: () => [],
      byBase: () => [],
    };
    forge.interpret(
      { action: "edited", repository: { full_name: "Acme/App" } },
      "repository_ruleset",
      nobody,
    );
    await read(loopback, forge);
    expect(looks()).toBe(2);
    clock.at += 5 * 60_000;
    await read(loopback, forge);
    expect(looks()).toBe(3);
  });

  it("looks up what reviewers may do, once per person, and takes no answer for no right", async () => {
    const answers: Record<string, Reply> = {
      ada: { body: { permission: "write" } },
      bob: { status: 404, body: {} },
      eve: { status: 403, body: { message: "Must have push access" } },
    };
    const people = ["ada", "bob", "eve"].map((login, index) => ({ ...ada, login, databaseId: 11 + index }));
    const bot = { __typename: "Bot", login: "scan", databaseId: 99 };
    const loopback = await serving({
      pull: pull({
        reviews: { nodes: [...people, bot, null].map((author, index) => review(author, index + 1)) },
      }),
      rest: (asked) => answers[/collaborators\/(\w+)\/permission/.exec(asked.path)?.[1] ?? ""],
    });
    const forge = forgeAt(loopback.url);
    const looked = (): readonly string[] =>
      loopback.asked.flatMap((asked) => /collaborators\/(\w+)/.exec(asked.path)?.[1] ?? []);
    expect((await read(loopback, forge)).reviews.map(({ by }) => [by.kind, by.name, by.permission])).toEqual([
      ["person", "ada", "write"],
      ["person", "bob", "none"],
      ["person", "eve", null],
      ["bot", "scan[bot]", null],
      ["unknown", null, null],
    ]);
    expect(looked()).toEqual(["ada", "bob", "eve"]);
    await read(loopback, forge);
    expect(looked()).toEqual(["ada", "bob", "eve", "eve"]);
  });

  it("takes part of an answer with an error for none", async () => {
    const loopback = await startLoopback((asked) =>
      asked.path === "/user"
        ? { body: { id: 77, login: "relay" } }
        : {
            body: {
              data: { repository: { databaseId: 501, p0: pull() } },
              errors: [{ message: "timeout" }],
            },
          },
    );
    server = loopback;
    await expect(read(loopback)).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("asks once what is known to check it where nothing failed or runs, and only then", async () => {
    const known = (loopback: Loopback): number =>
      queries(loopback).filter((name) => name === "KnownChecks").length;
    const of = async (...nodes: readonly Json[]): Promise<number> => {
      const loopback = await serving({
        pull: pull({}, nodes.length === 0 ? {} : { statusCheckRollup: contexts(nodes) }),
        more: () => ({ ref: null }),
      });
      const forge = forgeAt(loopback.url);
      await read(loopback, forge);
      await read(loopback, forge);
      await loopback.close();
      return known(loopback);
    };
    expect(await of()).toBe(1);
    expect(await of(check("test"))).toBe(1);
    expect(await of(check("test"), check("lint", "FAILURE"))).toBe(0);
    expect(await of(check("test", "SUCCESS", true))).toBe(0);
    expect(await of({ ...check("test"), status: "IN_PROGRESS", conclusion: null })).toBe(0);
  });

  it("does not take what it may not see, nor a failing look, for no checks", async () => {
    const answering = async (errors: readonly Json[]): Promise<PullRequestReading["checksExpected"]> => {
      await server?.close();
      server = await startLoopback((asked) => {
        if (asked.path === "/user") return { body: { id: 77, login: "relay" } };
        if (asked.path !== "/graphql") return asked.path.includes("/rules/") ? { body: [] } : undefined;
        const isKnown = String(asked.body["query"]).includes("KnownChecks");
        if (isKnown) return { body: { data: { repository: UNCHECKED }, errors } };
        const more = { parents: { nodes: [] } };
        return { body: { data: { repository: { databaseId: 501, p0: { ...pull(), ...more } } } } };
      });
      return (await read(server)).checksExpected;
    };
    const path = ["repository", "pullRequest", "commits", "nodes", 0, "commit", "statusCheckRollup"];
    expect(await answering([])).toEqual([]);
    const forbidden = {
      type: "FORBIDDEN",
      message: "Resource not accessible by personal access token",
      path,
    };
    expect(await answering([forbidden])).toBeNull();
    await expect(answering([{ message: "Something went wrong", path }])).rejects.toMatchObject({
      kind: "unavailable",
    });
  });

  it("knows nothing of checks where it sees neither them nor their sum", async () => {
    const path = ["repository", "p0", "commits", "nodes", 0, "commit", "statusCheckRollup"];
    server = await startLoopback((asked) => {
      if (asked.path === "/user") return { body: { id: 77, login: "relay" } };
      if (asked.path.endsWith("/pulls/7")) return { body: { mergeable_state: "clean" } };
      if (asked.path.includes("/rules/")) return { body: [] };
      if (asked.path !== "/graphql") return undefined;
      const errors = [
        { type: "FORBIDDEN", message: "Resource not accessible by personal access token", path },
      ];
      const repository = { databaseId: 501, p0: { ...pull(), parents: { nodes: [] } } };
      return {
        body: {
          data: { repository },
          errors: String(asked.body["query"]).includes("PullRequests") ? errors : [],
        },
      };
    });
    expect((await read(server)).checksExpected).toBeNull();
  });

  it("finds by branch the open one of ours, else the newest, and never a fork's", async () => {
    const entry = (number: number, state: string, repo: number | null): Json => ({
      number,
      state,
      head: { ref: "patchrelay/app-1", repo: repo === null ? null : { id: repo } },
      base: { repo: { id: 501 } },
    });
    const numbers: unknown[] = [];
    const loopback = await startLoopback((asked) => {
      if (asked.path === "/user") return { body: { id: 77, login: "relay" } };
      if (asked.path.includes("/pulls?"))
        return {
          body: [
            entry(9, "open", 666),
            entry(8, "open", null),
            entry(7, "closed", 501),
            entry(5, "open", 501),
          ],
        };
      if (asked.path !== "/graphql") return asked.path.includes("/rules/") ? { body: [] } : undefined;
      const which = (asked.body["variables"] as Json)["n0"];
      if (which === undefined) return { body: { data: { repository: UNCHECKED } } };
      numbers.push(which);
      return { body: { data: { repository: { databaseId: 501, p0: pull({ number: 5 }) } } } };
    });
    server = loopback;
    await forgeAt(loopback.url).readPullRequest(
      "acme/app",
      { number: null, branch: "patchrelay/app-1" },
      NEVER,
    );
    expect(numbers).toEqual([5]);
  });
});

describe("the times the queue sent it away", () => {
  const removed = (at: number) =>
    ({
      __typename: "RemovedFromMergeQueueEvent",
      createdAt: at,
      reason: "failed_checks",
      actor: null,
      beforeCommit: "g",
    }) as const;
  const pushed = (oid: string) => ({ __typename: "PullRequestCommit", commit: oid }) as const;
  const forced = (oid: string) => ({ __typename: "HeadRefForcePushedEvent", afterCommit: oid }) as const;
  const heads = (
    timeline: Parameters<typeof ejectionsOf>[0],
    head: string,
    headAt: number | null,
  ): readonly string[] => ejectionsOf(timeline, head, headAt, null).map((ejection) => ejection.head);

  it("belong to the head of now when nothing was pushed since", () => {
    expect(heads([pushed("one"), removed(5)], HEAD, null)).toEqual([HEAD]);
    expect(heads([removed(5)], HEAD, 4)).toEqual([HEAD]);
  });

  it("belong to the head before when something was pushed since", () => {
    expect(heads([pushed("one"), removed(5), pushed("two"), removed(7), forced(HEAD)], HEAD, null)).toEqual([
      "one",
      "two",
    ]);
  });

  it("belong to no known head when the head of now is younger than they are", () => {
    expect(heads([removed(5)], HEAD, 6)).toEqual([""]);
  });
});
