import { describe, expect, test } from "vitest";
import { branchAfter, freshBranch } from "../../src/factory/facts/ids.ts";
import { Life, pullReading, ticketReading, T0 } from "./world.ts";

// A branch is the by what the issue pushed to it, never by its name.

const OLD = {
  state: "closed" as const,
  merged: true,
  draft: false,
  head: "stale",
  branch: "patchrelay/app-1",
  base: "main",
  title: "Long ago",
  closedAt: T0 - 1_000_000,
};

function begun(): Life {
  const life = new Life();
  life.see(1, ticketReading());
  expect(life.facts.project?.branch).toBe("patchrelay/app-1");
  return life;
}

const taken = (branch: string, instead: string) =>
  ({ kind: "branch_taken", at: T0, branch, instead }) as const;

describe("a branch that is something else's", () => {
  test("is given up for another name, once however often it is told", () => {
    const life = begun();
    life.see(2, taken("patchrelay/app-1", "patchrelay/app-1-2"));
    life.see(3, taken("patchrelay/app-1", "patchrelay/app-1-2"));
    expect(life.facts.project?.branch).toBe("patchrelay/app-1-2");
    life.see(4, taken("patchrelay/app-1-2", "patchrelay/app-1-3"));
    life.see(5, taken("patchrelay/app-1", "patchrelay/app-1-2"));
    expect(life.facts.project?.branch).toBe("patchrelay/app-1-3");
  });

  test("is not given up once it has the issue's pull request", () => {
    const life = begun();
    life.run(20, {}, "h1");
    life.see(25, pullReading("h1", {}, 25));
    life.see(26, taken("patchrelay/app-1", "patchrelay/app-1-2"));
    expect(life.facts.project?.branch).toBe("patchrelay/app-1");
  });

  test.each([
    ["before we pushed", (life: Life) => life],
    ["after we pushed, before ours is read", (life: Life) => (life.run(20, {}, "h1"), life)],
  ])("and its ended pull request is not ours: %s", (_, prepared) => {
    const life = prepared(begun());
    life.see(30, pullReading("stale", { core: OLD }, 30));
    expect(life.facts).toMatchObject({
      pullRequest: null,
      past: [],
      project: { branch: "patchrelay/app-1" },
    });
  });

  test("ours is known by its head, even when it is merged before it is first read", () => {
    const life = begun();
    life.run(20, {}, "h1");
    life.see(30, pullReading("h1", { core: { ...OLD, head: "h1", closedAt: T0 + 29_000 } }, 30));
    expect(life.decision?.rule).toBe("merged");
  });
});

describe("names of branches", () => {
  test("count on from the one that is taken", () => {
    const after = (name: string): string => branchAfter("patchrelay/", "APP-1", name);
    expect(["patchrelay/app-1", "patchrelay/app-1-2", "patchrelay/app-1-x", "other"].map(after)).toEqual([
      "patchrelay/app-1-2",
      "patchrelay/app-1-3",
      "patchrelay/app-1-2",
      "patchrelay/app-1-2",
    ]);
  });

  test("are never those of an earlier pull request of the issue", () => {
    const fresh = (...past: readonly string[]): string =>
      freshBranch(
        "patchrelay/",
        "APP-1",
        past.map((branch) => ({ branch })),
      );
    expect(fresh()).toBe("patchrelay/app-1");
    expect(fresh("patchrelay/app-1")).toBe("patchrelay/app-1-2");
    expect(fresh("patchrelay/app-1-2")).toBe("patchrelay/app-1-3");
    expect(fresh("patchrelay/app-1-2", "patchrelay/app-1-3")).toBe("patchrelay/app-1-4");
  });
});
