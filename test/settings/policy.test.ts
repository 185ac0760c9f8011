import { expect, test } from "vitest";
import { policyOf } from "../../src/settings/policy.ts";
import { PROJECT, settingsOf } from "./sources.ts";

test("the factory is given each project with its overrides filled in, and nothing of how work is done", () => {
  const policy = policyOf(
    settingsOf({
      ci: { reruns: 0 },
      budgets: { runs: 4 },
      projects: [
        {
          ...PROJECT,
          linear: { teams: ["APP"], labels: ["relay"] },
          merge: { policy: "external", label: "ready" },
          budgets: { ciRepairs: 1 },
        },
      ],
    }),
    { policy: "person", because: "reasons" },
  );
  expect(policy).toEqual({
    runsPerHour: 6,
    forge: "github",
    reminders: { afterHours: 24, times: 2 },
    questions: { timeoutHours: null },
    ci: { settleSeconds: 30, noChecksSeconds: 120, reruns: 0 },
    projects: [
      {
        id: "app",
        repository: "example/app",
        baseBranch: null,
        branchPrefix: "patchrelay/",
        match: { teams: ["APP"], projects: [], labels: ["relay"] },
        agent: "codex",
        budgets: expect.objectContaining({ runs: 4, ciRepairs: 1, reviewFixes: 5 }) as unknown,
        merge: { policy: "external", method: "squash", label: "ready", because: null },
        mentions: "answer",
        subIssues: "wait",
        reminders: { afterHours: 24, times: 2 },
        questions: { timeoutHours: null },
        trust: { mayDelegate: "members", maySteer: "collaborators" },
      },
    ],
  });
});

test("a project that names no merge policy has the one that fits the credentials, with the reason for it", () => {
  const merging = (config: object) =>
    policyOf(settingsOf(config), { policy: "person", because: "reasons" }).projects.map(
      ({ merge: { policy, because } }) => [policy, because],
    );
  const second = { ...PROJECT, id: "second", merge: { policy: "when_rules_allow" } };
  expect(merging({ projects: [PROJECT, second] })).toEqual([
    ["person", "reasons"],
    ["when_rules_allow", null],
  ]);
  expect(merging({ merge: { policy: "when_approved" } })).toEqual([["when_approved", null]]);
  expect(merging({ merge: { policy: "person" } })).toEqual([["person", null]]);
});
