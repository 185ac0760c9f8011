import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { ForgeContext } from "../../src/forges/forge.ts";
import { interpretEvent } from "../../src/forges/github/events/events.ts";
import { loadSchemas } from "../../world/github/schemas.ts";

/**
 * What GitHub may send by its own description is understood, whichever optional part is absent or null, and so are words
 * that it may have tomorrow: a delivery that is not understood is quarantined and calls for an operator.
 */

type Json = Record<string, unknown>;

const ISSUE = issueId("linear", "1");
const EVERYTHING_IS_OURS: ForgeContext = {
  us: { id: "77", login: "relay[bot]" },
  receivedAt: Date.UTC(2026, 10, 20, 11),
  byPullRequest: () => ISSUE,
  byBranch: () => ISSUE,
  byCommit: () => [ISSUE],
  byBase: () => [ISSUE],
};

/** Each event with the actions that are acted on; null = it has none. */
const EVENTS: Readonly<Record<string, readonly (string | null)[]>> = {
  pull_request: ["opened", "synchronize", "closed", "edited"],
  pull_request_review: ["submitted", "dismissed"],
  pull_request_review_comment: ["created"],
  pull_request_review_thread: ["resolved"],
  issue_comment: ["created", "edited"],
  check_run: ["completed", "created"],
  check_suite: ["completed"],
  workflow_run: ["completed"],
  status: [null],
  merge_group: ["checks_requested", "destroyed"],
  push: [null],
};

const schemas = loadSchemas("https://api.github.com");

function stored(event: string): Json {
  const text = readFileSync(new URL(`../payloads/github/${event}.json`, import.meta.url), "utf8");
  return JSON.parse(text) as Json;
}

const REPOSITORY = { id: 501, url: "https://api.github.com/repos/acme/app", name: "app" };
const REFERENCES = [
  {
    id: 1,
    number: 7,
    url: "https://api.github.com/repos/acme/app/pulls/7",
    head: { ref: "patchrelay/app-1", sha: "a".repeat(40), repo: REPOSITORY },
    base: { ref: "main", sha: "b".repeat(40), repo: REPOSITORY },
  },
];
const SIGNED = { name: "ada", email: "ada@example.com", date: "2026-11-20T10:00:00Z" };

/** What the stored payloads lack of what the description wants. */
const COMPLETE: Readonly<Record<string, (body: Json) => Json>> = {
  issue_comment: (body) => ({
    ...body,
    issue: { ...(body["issue"] as Json), user: (body["comment"] as Json)["user"] },
  }),
  check_suite: (body) => ({
    ...body,
    check_suite: { ...(body["check_suite"] as Json), pull_requests: REFERENCES },
  }),
  workflow_run: (body) => ({
    ...body,
    workflow_run: { ...(body["workflow_run"] as Json), pull_requests: REFERENCES },
  }),
  status: (body) => {
    const commit = (body["commit"] ?? {}) as Json;
    const inner = { ...(commit["commit"] as Json | undefined), author: SIGNED, committer: SIGNED };
    return { ...body, commit: { ...commit, commit: inner } };
  },
};

/** Every way to change one part of a body, by its path: `change` gives the new value, undefined = without it. */
function variants(
  body: Json,
  change: (key: string, value: unknown) => readonly unknown[],
): readonly (readonly [string, Json])[] {
  const found: (readonly [string, Json])[] = [];
  const walk = (part: Json, path: readonly string[]): void => {
    for (const [key, value] of Object.entries(part)) {
      for (const other of change(key, value)) {
        const copy = structuredClone(body);
        const parent = path.reduce((inner, name) => inner[name] as Json, copy);
        if (other === undefined) delete parent[key];
        else parent[key] = other;
        const how = other === undefined ? "absent" : JSON.stringify(other);
        found.push([`${[...path, key].join(".")} ${how}`, copy]);
      }
      if (typeof value === "object" && value !== null && !Array.isArray(value))
        walk(value as Json, [...path, key]);
    }
  };
  walk(body, []);
  return found;
}

function refusalOf(event: string, body: Json): string | null {
  try {
    interpretEvent(body, event, EVERYTHING_IS_OURS);
    return null;
  } catch (error) {
    return String(error);
  }
}

const CASES = Object.entries(EVENTS).flatMap(([event, actions]) =>
  actions.map((action): [string, string | null] => [event, action]),
);

/** What decides by being one of two words: a third is a contradiction of what is used. */
const TWO_WORDS: ReadonlySet<string> = new Set(["pull_request.state"]);

describe.each(CASES)("%s %s", (event, action) => {
  const name = (action === null ? event : `${event}-${action}`).replaceAll("_", "-");
  const body = { ...stored(event), ...(action === null ? {} : { action }) };

  it("is understood without any part that GitHub may leave out, or send as null", () => {
    const whole = schemas.webhook(name, COMPLETE[event]?.(body) ?? body) as Json;
    expect(schemas.webhookFault(name, whole)).toBeNull();
    const allowed = variants(whole, () => [undefined, null]).filter(
      ([, variant]) => schemas.webhookFault(name, variant) === null,
    );
    const refused = allowed.flatMap(([what, variant]) => {
      const why = refusalOf(event, variant);
      return why === null ? [] : [`${what}: ${why}`];
    });
    expect(refused).toEqual([]);
  });

  it("is understood with words and fields that are new", () => {
    const isWord = (value: unknown): value is string => typeof value === "string" && /^[a-z_]+$/i.test(value);
    const news = variants(body, (_key, value) => (isWord(value) ? ["something_new"] : [])).filter(
      ([what]) => !TWO_WORDS.has(what.split(" ")[0] ?? ""),
    );
    const more = variants(body, (_key, value) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? [{ ...value, something_new: { deep: [1] } }]
        : [],
    );
    const refused = [...news, ...more].flatMap(([what, variant]) => {
      const why = refusalOf(event, variant);
      return why === null ? [] : [`${what}: ${why}`];
    });
    expect(refused).toEqual([]);
  });
});

// A comment on a plain issue has no `issue.pull_request` at all.
it("a comment on an issue that is no pull request is ignored", () => {
  const body = stored("issue_comment");
  const { pull_request: _none, ...issue } = body["issue"] as Json;
  expect(interpretEvent({ ...body, issue }, "issue_comment", EVERYTHING_IS_OURS).ignored).toContain(
    "a comment on a GitHub issue",
  );
});
