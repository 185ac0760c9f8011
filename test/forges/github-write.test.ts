import { afterEach, describe, expect, it } from "vitest";
import { markerOf } from "../../src/forges/github/write/comments.ts";
import type { MergeRequest } from "../../src/forges/forge.ts";
import type { Asked, Loopback, Reply } from "./github-loopback.ts";
import { forgeAt, NEVER, startLoopback } from "./github-loopback.ts";

const US = { id: 77, login: "relay" };
const HEAD = "a".repeat(40);

let server: Loopback | null = null;
afterEach(async () => {
  await server?.close();
  server = null;
});

async function serving(answer: (asked: Asked) => Reply | undefined): Promise<Loopback> {
  server = await startLoopback((asked) => (asked.path === "/user" ? { body: US } : answer(asked)));
  return server;
}

const writes = (loopback: Loopback): readonly Asked[] =>
  loopback.asked.filter((asked) => asked.method !== "GET");

describe("a comment", () => {
  it("carries its mark, and is found again by it on the second page", async () => {
    const others = Array.from({ length: 100 }, () => ({ body: "hello", user: { id: 1 } }));
    const loopback = await serving((asked) => {
      if (asked.method === "POST") return { status: 201, body: { id: 5 } };
      if (/[?&]page=1(&|$)/.test(asked.path)) return { body: others };
      return { body: [{ body: `text\n\n${markerOf("seen")}`, user: { id: 77 } }] };
    });
    const forge = forgeAt(loopback.url);
    await forge.comment("acme/app", 7, "seen", "text", NEVER);
    expect(writes(loopback)).toEqual([]);
    await forge.comment("acme/app", 7, "new", "text", NEVER);
    expect(writes(loopback)).toMatchObject([
      { path: "/repos/acme/app/issues/7/comments", body: { body: `text\n\n${markerOf("new")}` } },
    ]);
  });

  it("is not suppressed by a stranger who copies the mark", async () => {
    const loopback = await serving((asked) =>
      asked.method === "POST"
        ? { status: 201, body: { id: 5 } }
        : { body: [{ body: markerOf("key"), user: { id: 666 } }] },
    );
    await forgeAt(loopback.url).comment("acme/app", 7, "key", "text", NEVER);
    expect(writes(loopback)).toHaveLength(1);
  });

  it("is cut to what GitHub takes, mark and all", async () => {
    const loopback = await serving((asked) =>
      asked.method === "POST" ? { status: 201, body: { id: 5 } } : { body: [] },
    );
    await forgeAt(loopback.url).comment("acme/app", 7, "key", "x".repeat(100_000), NEVER);
    const body = String(writes(loopback)[0]?.body["body"]);
    expect(body.length).toBeLessThan(65_536);
    expect(body.endsWith(markerOf("key"))).toBe(true);
  });

  it("is marked differently for every key, and never by the key itself", () => {
    expect(markerOf("secret-key")).toMatch(/^<!-- patchrelay:[0-9a-f]{16} -->$/);
    expect(markerOf("a")).not.toBe(markerOf("b"));
  });
});

describe("answers to review conversations", () => {
  const threads = (
    bodies: Readonly<Record<string, readonly { body: string; by: number }[]>>,
    resolved = false,
  ): Reply => ({
    body: {
      data: {
        repository: {
          pullRequest: {
            reviewThreads: {
              pageInfo: { hasNextPage: false, endCursor: null },
              nodes: Object.entries(bodies).map(([id, comments]) => ({
                id,
                isResolved: resolved,
                comments: { nodes: comments.map(({ body, by }) => ({ body, author: { databaseId: by } })) },
              })),
            },
          },
        },
      },
    },
  });
  const mutations = (loopback: Loopback): readonly string[] =>
    loopback.asked
      .map((asked) => /^mutation (\w+)/.exec(String(asked.body["query"]).trim())?.[1])
      .filter((name) => name !== undefined);
  const REPLY = { thread: "T1", outcome: "fixed" as const, text: "Done." };

  it("goes on where an earlier try broke off", async () => {
    const marker = markerOf("run T1");
    const loopback = await serving((asked) =>
      String(asked.body["query"]).includes("mutation")
        ? { body: { data: {} } }
        : threads({ T1: [{ body: marker, by: 77 }], T2: [] }),
    );
    const second = { thread: "T2", outcome: "answered" as const, text: "No." };
    await forgeAt(loopback.url).replyThreads("acme/app", 7, "run", [REPLY, second], NEVER);
    expect(mutations(loopback)).toEqual(["Resolve", "Reply"]);
  });

  it("leaves out a conversation that is gone", async () => {
    const loopback = await serving(() => threads({}));
    await forgeAt(loopback.url).replyThreads("acme/app", 7, "run", [REPLY], NEVER);
    expect(mutations(loopback)).toEqual([]);
  });

  it("is content when GitHub does not let us resolve", async () => {
    const loopback = await serving((asked) => {
      const query = String(asked.body["query"]);
      if (query.includes("resolveReviewThread"))
        return { body: { data: null, errors: [{ type: "FORBIDDEN", message: "no" }] } };
      return query.includes("mutation") ? { body: { data: {} } } : threads({ T1: [] });
    });
    await forgeAt(loopback.url).replyThreads("acme/app", 7, "run", [REPLY], NEVER);
    expect(mutations(loopback)).toEqual(["Reply", "Resolve"]);
  });
});

describe("opening a pull request", () => {
  const request = {
    repository: "acme/app",
    branch: "patchrelay/app-1",
    base: "main",
    title: "New",
    body: "Why.\nMore.",
  };
  const pull = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
    number: 7,
    html_url: "https://github.com/acme/app/pull/7",
    state: "open",
    title: "New",
    body: "Why.\nMore.",
    user: US,
    base: { ref: "main" },
    ...changes,
  });

  it("asks only for our own branch of this repository", async () => {
    const loopback = await serving(() => ({ body: [pull()] }));
    await forgeAt(loopback.url).openPullRequest(request, NEVER);
    expect(new URLSearchParams(loopback.asked[1]?.path.split("?")[1]).get("head")).toBe(
      "acme:patchrelay/app-1",
    );
  });

  it("writes nothing when title and body are as wanted, line ends aside", async () => {
    const loopback = await serving(() => ({ body: [pull({ body: "Why.\r\nMore." })] }));
    expect(await forgeAt(loopback.url).openPullRequest(request, NEVER)).toEqual({
      number: 7,
      url: "https://github.com/acme/app/pull/7",
    });
    expect(writes(loopback)).toEqual([]);
  });

  it("leaves a person's pull request of that branch as it is", async () => {
    const loopback = await serving(() => ({ body: [pull({ title: "Mine", user: { id: 5 } })] }));
    expect(await forgeAt(loopback.url).openPullRequest(request, NEVER)).toMatchObject({ number: 7 });
    expect(writes(loopback)).toEqual([]);
  });

  it("takes the one that appeared meanwhile when GitHub says that there is one", async () => {
    let lists = 0;
    const loopback = await serving((asked) => {
      if (asked.method === "POST") return { status: 422, body: { message: "A pull request already exists" } };
      lists += 1;
      return { body: lists === 1 ? [] : [pull()] };
    });
    expect(await forgeAt(loopback.url).openPullRequest(request, NEVER)).toMatchObject({ number: 7 });
  });

  it("says to come again when GitHub says that there is one but does not list it yet", async () => {
    const loopback = await serving((asked) =>
      asked.method === "POST"
        ? {
            status: 422,
            body: {
              message: "Validation Failed",
              errors: [{ message: "A pull request already exists for x." }],
            },
          }
        : { body: [] },
    );
    await expect(forgeAt(loopback.url).openPullRequest(request, NEVER)).rejects.toMatchObject({
      kind: "unavailable",
    });
  });

  it("passes on a refusal that has another reason", async () => {
    const loopback = await serving((asked) =>
      asked.method === "POST"
        ? {
            status: 422,
            body: { message: "Validation Failed", errors: [{ message: "No commits between main and x" }] },
          }
        : { body: [] },
    );
    await expect(forgeAt(loopback.url).openPullRequest(request, NEVER)).rejects.toMatchObject({
      kind: "refused",
      message: expect.stringContaining("No commits between"),
    });
  });
});

describe("merging", () => {
  const request: MergeRequest = {
    repository: "acme/app",
    number: 7,
    head: HEAD,
    method: "squash",
    policy: "when_rules_allow",
    label: null,
  };
  const mergeStatus = (changes: Record<string, unknown> = {}): Reply => ({
    body: {
      data: {
        repository: {
          pullRequest: {
            id: "PR_7",
            state: "OPEN",
            merged: false,
            headRefOid: HEAD,
            mergeStateStatus: "CLEAN",
            isMergeQueueEnabled: false,
            autoMergeRequest: null,
            mergeQueueEntry: null,
            ...changes,
          },
        },
      },
    },
  });
  const refusing = (type: string): Reply => ({ body: { data: null, errors: [{ type, message: "no" }] } });

  const asked = async (
    changes: Record<string, unknown>,
    mutation: Reply = { body: { data: {} } },
    put: Reply = { body: { merged: true } },
  ) => {
    const loopback = await serving((call) => {
      if (call.method === "PUT") return put;
      return String(call.body["query"]).includes("mutation") ? mutation : mergeStatus(changes);
    });
    const answer = await forgeAt(loopback.url).merge(request, NEVER);
    const done = loopback.asked.map((call) =>
      call.method === "PUT" ? call : (/(?:mutation|query) (\w+)/.exec(String(call.body["query"]))?.[1] ?? ""),
    );
    return { answer, done };
  };

  it("is done at once, guarded by the head", async () => {
    const { answer, done } = await asked({});
    expect(answer).toEqual({ ok: true, detail: "merged", because: null });
    expect(done).toMatchObject([
      "MergeStatus",
      { path: "/repos/acme/app/pulls/7/merge", body: { sha: HEAD, merge_method: "squash" } },
    ]);
  });

  it.each([
    ["merged already", { merged: true, state: "MERGED" }, true],
    ["closed", { state: "CLOSED" }, false],
    ["on another head", { headRefOid: "b".repeat(40) }, false],
    ["in the queue already", { isMergeQueueEnabled: true, mergeQueueEntry: { id: "E" } }, true],
    ["set to merge by itself", { mergeStateStatus: "BLOCKED", autoMergeRequest: { enabledAt: "x" } }, true],
  ])("asks for nothing when the pull request is %s", async (_name, changes, ok) => {
    const { answer, done } = await asked(changes);
    expect(answer.ok).toBe(ok);
    expect(done).toEqual(["MergeStatus"]);
  });

  it("enqueues where there is a queue, and passes on why not", async () => {
    expect((await asked({ isMergeQueueEnabled: true })).answer).toMatchObject({ ok: true });
    await server?.close();
    const { answer, done } = await asked({ isMergeQueueEnabled: true }, refusing("UNPROCESSABLE"));
    expect(answer).toEqual({ ok: false, detail: expect.stringContaining("UNPROCESSABLE no"), because: null });
    expect(done).toEqual(["MergeStatus", "Enqueue"]);
  });

  it("waits, and merges past no rule, when auto-merge is not allowed there", async () => {
    const blocked = { mergeStateStatus: "BLOCKED", reviewDecision: "REVIEW_REQUIRED" };
    const { answer, done } = await asked(blocked, refusing("UNPROCESSABLE"));
    expect(done).toEqual(["MergeStatus", "AutoMerge", "MergeStatus"]);
    expect(answer).toEqual({
      ok: false,
      because: "held",
      detail: expect.stringContaining("require another approval"),
    });
  });

  it("merges when the rules were met in the moment in which auto-merge was asked for", async () => {
    const states = ["BLOCKED", "CLEAN"];
    const loopback = await serving((call) => {
      if (call.method === "PUT") return { body: { merged: true } };
      if (String(call.body["query"]).includes("mutation")) return refusing("UNPROCESSABLE");
      return mergeStatus({ mergeStateStatus: states.shift() });
    });
    expect(await forgeAt(loopback.url).merge(request, NEVER)).toEqual({
      ok: true,
      detail: "merged",
      because: null,
    });
  });

  it("waits for the rules where the queue does not take it yet", async () => {
    const blocked = { isMergeQueueEnabled: true, mergeStateStatus: "BLOCKED" };
    const { answer, done } = await asked(blocked, refusing("UNPROCESSABLE"));
    expect(done).toEqual(["MergeStatus", "Enqueue"]);
    expect(answer).toMatchObject({ ok: false, because: "held" });
  });

  it.each([405, 409, 422])("says no with the reason when GitHub answers %i", async (status) => {
    const { answer } = await asked({}, {}, { status, body: { message: "because" } });
    expect(answer).toEqual({ ok: false, detail: expect.stringContaining("because"), because: null });
  });

  // https://docs.github.com/en/graphql/reference/enums#mergestatestatus; a token that may pass the rules by merges any of them.
  it.each([
    ["BEHIND", { ok: false, because: "held", detail: expect.stringContaining("up to date") as string }],
    ["DRAFT", { ok: false, because: "held", detail: "it is a draft" }],
    ["DIRTY", { ok: false, because: null, detail: expect.stringContaining("dirty") as string }],
    ["ANOTHER", { ok: false, because: null, detail: expect.stringContaining("another") as string }],
  ])("never merges what GitHub calls %s", async (mergeStateStatus, expected) => {
    const { answer, done } = await asked({ mergeStateStatus });
    expect(answer).toEqual(expected);
    expect(done).toEqual(["MergeStatus"]);
  });

  it.each(["CLEAN", "UNSTABLE", "HAS_HOOKS"])("merges what GitHub calls %s", async (mergeStateStatus) => {
    expect((await asked({ mergeStateStatus })).answer).toMatchObject({ ok: true, detail: "merged" });
  });

  it("is not asked for while GitHub works out whether it can be merged, even if that would be granted", async () => {
    await expect(asked({ mergeStateStatus: "UNKNOWN" })).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("is no final no while GitHub still works out whether it can be merged", async () => {
    const refused = { status: 405, body: { message: "not mergeable" } };
    const pending = asked({ mergeStateStatus: "UNKNOWN" }, {}, refused);
    await expect(pending).rejects.toMatchObject({ kind: "unavailable" });
  });

  it("throws what may pass: that is no answer", async () => {
    await expect(asked({}, {}, { status: 502, body: "<html>" })).rejects.toMatchObject({
      kind: "unavailable",
    });
  });
});

describe("running checks again", () => {
  it.each([
    ["running", { status: "in_progress", conclusion: null }, true, 0],
    ["green by now", { status: "completed", conclusion: "success" }, true, 0],
    ["red", { status: "completed", conclusion: "failure" }, true, 1],
  ])("does what is needed for a run that is %s", async (_name, run, ok, posts) => {
    const loopback = await serving((asked) => (asked.method === "POST" ? { status: 201 } : { body: run }));
    expect(await forgeAt(loopback.url).rerunChecks("acme/app", ["8800"], NEVER)).toMatchObject({ ok });
    expect(writes(loopback)).toHaveLength(posts);
  });

  it("says why GitHub does not", async () => {
    const loopback = await serving((asked) =>
      asked.method === "POST"
        ? { status: 403, body: { message: "created over a month ago" } }
        : { body: { status: "completed", conclusion: "failure" } },
    );
    expect(await forgeAt(loopback.url).rerunChecks("acme/app", ["8800"], NEVER)).toEqual({
      ok: false,
      detail: expect.stringContaining("over a month ago"),
    });
  });

  it("says so when no check belongs to a workflow", async () => {
    expect(await forgeAt("http://127.0.0.1:1").rerunChecks("acme/app", [], NEVER)).toMatchObject({
      ok: false,
    });
  });
});

// Enterprise Server shows mergeStateStatus to previews only, and has had no merge queue for long.
it("merges on a server whose schema lacks how a pull request stands, by what REST says of it", async () => {
  let isMerged = false;
  const state = { of: "clean" };
  const loopback = await serving((asked) => {
    if (asked.path === "/graphql") {
      const query = String(asked.body["query"]);
      const errors = ["mergeStateStatus", "isMergeQueueEnabled", "mergeQueueEntry"]
        .filter((name) => query.includes(name))
        .map((name) => ({ message: `Field '${name}' doesn't exist on type 'PullRequest'` }));
      const pullRequest = { id: "PR_7", state: "OPEN", merged: false, headRefOid: "a".repeat(40) };
      return { body: errors.length > 0 ? { errors } : { data: { repository: { pullRequest } } } };
    }
    if (asked.path.endsWith("/pulls/7")) return { body: { mergeable_state: state.of } };
    if (!asked.path.endsWith("/pulls/7/merge")) return undefined;
    isMerged = true;
    return { body: { merged: true, sha: "b".repeat(40), message: "merged" } };
  });
  const forge = forgeAt(loopback.url);
  const asking = {
    repository: "acme/app",
    number: 7,
    head: "a".repeat(40),
    method: "squash",
    policy: "when_approved",
    label: null,
  } as const;
  state.of = "dirty";
  expect([(await forge.merge(asking, NEVER)).ok, isMerged]).toEqual([false, false]);
  state.of = "clean";
  expect([(await forge.merge(asking, NEVER)).ok, isMerged]).toEqual([true, true]);
});
