import { NOBODY, type Actor } from "../../src/factory/facts/actor.ts";
import type { Decision } from "../../src/factory/rules/decision.ts";
import type { Effect } from "../../src/factory/effects/effect.ts";
import { type Facts, emptyFacts } from "../../src/factory/facts/facts.ts";
import { NOTHING_SPENT, type RunReport } from "../../src/factory/facts/run.ts";
import type { Check, Commit } from "../../src/factory/facts/pull-request.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { Observation, PullRequestReading, TicketReading } from "../../src/factory/facts/observation.ts";
import type { Conditions, Policy } from "../../src/factory/facts/policy.ts";
import { advance } from "../../src/factory/advance.ts";

// Small building blocks for tests of the factory: one issue, one project, time in whole seconds.

export const T0 = Date.UTC(2026, 0, 5, 9, 0, 0);
export const ISSUE = issueId("linear", "6b1c2f9e-0000-4000-8000-000000000001");
export const ANN: Actor = { ...NOBODY, kind: "person", id: "u-ann", name: "Ann" };
export const REV: Actor = {
  kind: "person",
  id: "501",
  name: "rev",
  association: "member",
  permission: "write",
};
export const STRANGER: Actor = {
  kind: "person",
  id: "999",
  name: "stranger",
  association: "none",
  permission: "none",
};

export const POLICY: Policy = {
  runsPerHour: 6,
  forge: "github",
  reminders: { afterHours: 24, times: 2 },
  questions: { timeoutHours: null },
  ci: { settleSeconds: 30, noChecksSeconds: 120, reruns: 0 },
  projects: [
    {
      id: "app",
      repository: "acme/app",
      baseBranch: "main",
      branchPrefix: "patchrelay/",
      mentions: "answer",
      subIssues: "wait",
      reminders: { afterHours: 24, times: 2 },
      questions: { timeoutHours: null },
      match: { teams: ["APP"], projects: [], labels: [] },
      agent: "scripted",
      budgets: {
        implementations: 3,
        ciRepairs: 3,
        reviewFixes: 5,
        queueRepairs: 3,
        runs: 12,
        usdPerIssue: null,
        usdPerDay: null,
        tokensPerRun: 4_000_000,
        tokensPerIssue: 20_000_000,
        runMinutes: 60,
      },
      merge: { policy: "when_approved", method: "squash", label: null, because: null },
      trust: { mayDelegate: "members", maySteer: "collaborators" },
    },
  ],
};

export const READY: Conditions = { agents: { scripted: null }, disk: null, usdToday: 0 };

export function ticketReading(change: Partial<TicketReading> = {}, at = 0): Observation {
  return {
    kind: "ticket_read",
    at: T0 + at * 1_000,
    core: {
      key: "APP-1",
      title: "Add subtraction",
      description: "It only adds.",
      url: "https://linear.app/acme/issue/APP-1",
      workspace: "w1",
      team: "APP",
      project: null,
      labels: [],
      creator: "u-ann",
    },
    status: { id: "s1", name: "Todo", type: "unstarted", endedAt: null },
    ownEnd: null,
    blockers: [],
    removed: false,
    authorities: [{ granted: true, at: T0, cause: "delegated", by: ANN, session: null }],
    sessions: [{ id: "session-1", at: T0, by: ANN, automatic: false, staleAt: null }],
    prompts: [],
    ...change,
  };
}

/**
 * A commit of a pull request; its name tells what it is: p… a person's, b… a bot's, u… of somebody unknown, m… the base
 * merged by a person, x… such a merge that may hold more; any other is ours.
 */
export function commit(sha: string, at: number, change: Partial<Commit> = {}): Commit {
  const by = ({ p: "person", m: "person", x: "person", b: "bot", u: "unknown" } as const)[sha.charAt(0)];
  const name = { person: "rev", bot: "fix[bot]", unknown: "nobody", us: "patchrelay" }[by ?? "us"];
  const brings = sha.startsWith("m") ? "base" : sha.startsWith("x") ? "unknown" : "change";
  return { sha, by: by ?? "us", name, brings, key: sha, tree: `tree-${sha}`, at, ...change };
}

export function pullReading(head: string, change: Partial<PullRequestReading> = {}, at = 0): Observation {
  return {
    kind: "pull_request_read",
    at: T0 + at * 1_000,
    readAt: T0 + at * 1_000,
    askedAt: T0 + at * 1_000,
    number: 7,
    url: "https://github.com/acme/app/pull/7",
    node: "PR_7",
    repositoryId: "100",
    core: {
      state: "open",
      merged: false,
      draft: false,
      head,
      branch: "patchrelay/app-1",
      base: "main",
      title: "Add subtraction (APP-1)",
      closedAt: null,
    },
    commits: [commit(head, T0)],
    baseChangedAt: null,
    mergeable: "yes",
    mergeState: "open",
    required: ["test"],
    hasQueue: false,
    checks: [],
    checksExpected: [],
    checksCut: false,
    redOnBase: [],
    reviews: [],
    threads: [],
    queue: null,
    autoMerge: false,
    autoMergeOurs: false,
    ejections: [],
    prompts: [],
    ...change,
  };
}

export function check(name: string, conclusion: Check["conclusion"], change: Partial<Check> = {}): Check {
  return {
    name,
    app: "15368",
    id: "1",
    status: conclusion === null ? "running" : "completed",
    conclusion,
    at: T0,
    url: null,
    workflowRun: null,
    summary: null,
    ...change,
  };
}

/** One issue's life, advance by advance, with the effects it asked for. */
export class Life {
  facts: Facts = emptyFacts(ISSUE, T0);
  decision: Decision | null = null;
  readonly effects: Effect[] = [];
  policy: Policy = POLICY;
  conditions: Conditions = READY;
  now = T0;

  /** Applies observations `at` seconds after the start; returns "state rule" and the kinds of new effects. */
  see(at: number, ...observations: readonly Observation[]): string {
    this.now = T0 + at * 1_000;
    const result = advance({
      facts: this.facts,
      before: this.decision,
      observations,
      policy: this.policy,
      conditions: this.conditions,
      now: this.now,
    });
    this.facts = result.facts;
    this.decision = result.decision;
    this.effects.push(...result.effects);
    const kinds = result.effects.map((effect) =>
      effect.kind === "tell" ? `tell ${effect.activity.type}` : effect.kind,
    );
    return `${result.decision.state} ${result.decision.rule}${kinds.length === 0 ? "" : ` → ${kinds.join(", ")}`}`;
  }

  /** The active run starts, does its work and ends at `at` seconds. */
  run(at: number, end: Partial<RunReport>, push?: string): string {
    const run = this.facts.runs.at(-1);
    if (run === undefined) throw new Error("no run");
    const id = { run: run.number, fence: run.fence };
    this.see(at, { kind: "run_started", at: this.now, ...id });
    if (push !== undefined)
      this.see(at, { kind: "push_intended", at: this.now, ...id, sha: push, expected: null });
    return this.see(at, {
      kind: "run_ended",
      at: T0 + at * 1_000,
      ...id,
      end: {
        outcome: "published",
        failureClass: null,
        summary: "did it",
        retryAt: null,
        replies: [],
        ...end,
      },
      question: null,
      spent: NOTHING_SPENT,
    });
  }
}
