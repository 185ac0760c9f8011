import { describe, expect, it, test } from "vitest";
import { parse } from "graphql";
import { KnownChecksAnswer, knownChecksDocument } from "../../src/forges/github/read/known/document.ts";
import { missingIn } from "../../src/forges/github/read/known/known-checks.ts";
import { startsOf } from "../../src/forges/github/read/known/workflow.ts";
import { costOf } from "../../world/github/graphql/cost.ts";

const PULL = { number: 7, head: "h2", branch: "patchrelay/app-1", base: "main", checks: "" };

/** `CI/lint` = a job of a workflow, `app Rabbit` = another App's, `status x` = a commit status; `CI/x@event`. */
function context(word: string): unknown {
  const [kind = "", name = ""] = word.split(" ");
  if (kind === "status") return { __typename: "StatusContext", context: name };
  const [, workflow = "", job = "", event = "pull_request"] = /^(\w+)\/(\w+)(?:@(\w+))?$/.exec(word) ?? [];
  const app =
    kind === "app" ? { databaseId: name.length, name } : { databaseId: 15_368, name: "GitHub Actions" };
  const file = { path: `.github/workflows/${workflow}.yml` };
  const workflowRun = kind === "app" ? null : { event, file, workflow: { name: workflow } };
  return { __typename: "CheckRun", name: kind === "app" ? name : job, checkSuite: { app, workflowRun } };
}

const commit = (oid: string, words: readonly string[] | undefined): unknown => ({
  oid,
  statusCheckRollup:
    words === undefined || words.length === 0
      ? null
      : { contexts: { pageInfo: { hasNextPage: words.includes("more") }, nodes: words.map(context) } },
});
const tree = (files: Readonly<Record<string, string>> = {}): unknown => ({
  entries: Object.entries(files).map(([name, text]) => ({ name, object: { text } })),
});

interface Known {
  readonly head?: readonly string[];
  readonly earlier?: readonly (readonly string[])[];
  readonly merged?: readonly (readonly string[])[];
  readonly base?: readonly string[];
  readonly headFiles?: Readonly<Record<string, string>>;
  readonly baseFiles?: Readonly<Record<string, string>>;
}

function missing({ head, earlier = [], merged = [], base, headFiles, baseFiles }: Known): unknown {
  const commits = [...earlier.map((words, index) => commit(`e${index}`, words)), commit("h2", head)];
  const repository = {
    pullRequest: { commits: { nodes: commits.map((one) => ({ commit: one })) } },
    pullRequests: {
      nodes: merged.map((words, index) => ({ commits: { nodes: [{ commit: commit(`m${index}`, words) }] } })),
    },
    ref: { target: commit("b", base) },
    headFiles: headFiles === undefined ? null : tree(headFiles),
    baseFiles: baseFiles === undefined ? null : tree(baseFiles),
  };
  return missingIn(KnownChecksAnswer.parse({ repository }), PULL);
}

const ON_PULLS = { "ci.yml": "on: pull_request\n" };
const ON_PATHS = { "ci.yml": "on:\n  pull_request:\n    paths: ['src/**']\n" };
const CI = ".github/workflows/ci.yml";

describe("what a head lacks of what is known", () => {
  const cases: readonly (readonly [string, Known, readonly string[] | null])[] = [
    ["nothing, where no check was ever seen", {}, []],
    ["what an earlier commit had", { earlier: [["ci/test", "status vercel"]] }, [CI, "vercel"]],
    ["what merged pull requests had", { merged: [["ci/test"], []] }, [CI]],
    ["workflows by their text alone", { baseFiles: ON_PULLS }, [CI]],
    ["workflows that it adds itself", { headFiles: ON_PULLS }, [CI]],
    ["workflows that it takes away", { headFiles: {}, baseFiles: ON_PULLS }, [CI]],
    ["what others say of the base", { base: ["status circle", "deploy/prod@push"] }, ["circle"]],
    [
      "not what only the base had, where merged ones tell",
      { base: ["status prod"], merged: [["ci/t"]] },
      [CI],
    ],
    ["nothing that reported", { head: ["ci/test"], earlier: [["ci/test", "ci/lint"]] }, []],
    ["what has not reported yet", { head: ["ci/test"], earlier: [["ci/test", "app Rabbit"]] }, ["Rabbit"]],
    ["what others have not said yet", { head: ["ci/test"], base: ["status circle"] }, ["circle"]],
    [
      "what every merged one had",
      {
        head: ["ci/t"],
        merged: [
          ["ci/t", "app A"],
          ["ci/t", "app A"],
        ],
      },
      ["A"],
    ],
    ["not what only some merged ones had", { head: ["ci/t"], merged: [["ci/t", "app A"], ["ci/t"]] }, []],
    ["not what paths may leave out", { head: ["app A"], earlier: [["ci/t"]], baseFiles: ON_PATHS }, []],
    ["paths or not, where nothing reported", { earlier: [["ci/t"]], baseFiles: ON_PATHS }, [CI]],
    ["not what was started by hand", { earlier: [["ci/test@workflow_dispatch"]] }, []],
    ["what is started by hand and else", { earlier: [["ci/a@pull_request", "ci/b@schedule"]] }, [CI]],
    [
      "not what a new commit does not start",
      { earlier: [["ci/t"]], baseFiles: { "ci.yml": "on: issues\n" } },
      [],
    ],
    ["no one knows, where there are more checks than are shown", { head: ["ci/test", "more"] }, null],
  ];
  it.each(cases)("%s", (_, known, expected) => {
    expect(missing(known)).toEqual(expected);
  });

  it("is not known of a commit that is not shown yet", () => {
    const repository = { pullRequest: { commits: { nodes: [] } }, ref: null };
    expect(() => missingIn(KnownChecksAnswer.parse({ repository }), PULL)).toThrow("does not show h2 yet");
  });

  it("costs a point", () => {
    expect(costOf(parse(knownChecksDocument(true)), {}).points).toBe(1);
  });
});

// docs.github.com, "Events that trigger workflows" and "Workflow syntax for GitHub Actions".
test.each([
  ["on: pull_request", "always"],
  ["on: [push, pull_request]", "always"],
  ["'on': push", "always"],
  ["on:\n  - push\n  - workflow_dispatch", "always"],
  ["on:\n  pull_request:\n  schedule:\n    - cron: '0 0 * * *'", "always"],
  ["on:\n  pull_request_target:\n    types: [opened, synchronize]", "always"],
  ["on:\n  pull_request:\n    types:\n      - opened\n      - labeled", "never"],
  ["on:\n  pull_request:\n    branches: [dev, 'release/**']", "always"],
  ["on:\n  pull_request:\n    branches: [dev]", "never"],
  ["on:\n  pull_request:\n    branches:\n    - main", "always"],
  ["on:\n  pull_request:\n    branches-ignore: [main]", "never"],
  ["on:\n  pull_request:\n    paths:\n      - 'src/**'", "sometimes"],
  ["on:\n  push:\n  pull_request:\n    paths: [src]", "always"],
  ["on:\n  push:\n    branches: [main]", "never"],
  ["on:\n  push:\n    branches: ['patchrelay/**']", "always"],
  ["on:\n  push:\n    branches:\n      - patchrelay/app-1", "always"],
  ["on:\n  push:\n    tags: ['v*']", "never"],
  ["on:\n  push: # every one\n    paths-ignore: [docs]", "sometimes"],
  ["on:\n  schedule:\n    - cron: '0 0 * * *'\n  workflow_dispatch:\n", "never"],
  ["on: workflow_call\njobs:\n  a:\n    steps:\n      - run: git push\n", "never"],
  ["# on: pull_request\non: issues", "never"],
  ["on: {push: {branches: [main]}}", "always"],
  ["on: [push,\n  pull_request]", "always"],
  ["on:\n  pull_request:\n    branches: [\n      dev\n    ]", "always"],
  ["nothing that is understood", "always"],
  [null, "always"],
])("a workflow with %j starts %s", (text, starts) => {
  expect(startsOf(text, { head: "patchrelay/app-1", base: "main" })).toBe(starts);
});
