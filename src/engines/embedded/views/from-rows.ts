import { type Facts, activeRun } from "../../../factory/facts/facts.ts";
import type { Evidence } from "../../../factory/rules/decision.ts";
import { budgetsOf } from "../../../factory/judge/budget.ts";
import { runId } from "../../../factory/facts/ids.ts";
import type { Policy } from "../../../factory/facts/policy.ts";
import { iso } from "../../../lib/clock.ts";
import type * as D from "../../documents.ts";
import { shownQuestion, spentInAll } from "../../policy/views.ts";
import type { IssueRow } from "../rows/issue.ts";
import type { OutboxRow } from "../rows/outbox.ts";
import type { RunRow } from "../rows/run.ts";

/** An issue as people read it; `beside` is what its row does not hold. */
export function issueDocument(
  row: IssueRow,
  beside: {
    readonly queue: D.QueueDocument["items"];
    readonly policy: Policy | null;
    readonly worktree: string | null;
  },
): D.IssueDocument {
  const facts = JSON.parse(row.facts) as Facts;
  const active = activeRun(facts);
  const question = shownQuestion(facts, beside.policy);
  const place = beside.queue.find(({ issue }) => issue === row.id) ?? null;
  const pull = facts.pullRequest;
  const project = beside.policy?.projects.find(({ id }) => id === row.project) ?? null;
  return {
    id: row.id,
    key: row.key,
    title: row.title,
    url: row.url,
    project: row.project,
    repository: row.repository,
    branch: row.branch,
    state: row.state,
    since: iso(row.since),
    rule: row.rule,
    why: row.why,
    waitsFor: row.waits_for,
    until: row.until === null ? null : iso(row.until),
    pullRequest:
      pull === null
        ? null
        : {
            number: pull.number,
            url: pull.url,
            head: pull.core.value.head,
            state: pull.core.value.state,
            merged: pull.core.value.merged,
          },
    run:
      active === null
        ? null
        : {
            id: runId(row.id, active.number),
            type: active.type,
            startedAt: active.startedAt === null ? null : iso(active.startedAt),
          },
    budgets: budgetsOf(facts, project?.budgets ?? null),
    question:
      question === null
        ? null
        : {
            id: question.id,
            text: question.text,
            options: question.options,
            askedAt: iso(question.askedAt),
          },
    queue: place === null ? null : { position: place.position, reason: place.reason },
    spent: spentInAll(facts),
    worktree: beside.worktree,
    createdAt: iso(row.created_at),
    updatedAt: iso(row.updated_at),
    version: row.version,
  };
}

/** The path of a run's worktree, which the pipeline keeps among its progress. */
export function worktreeOf(run: RunRow): string | null {
  const { worktree } = JSON.parse(run.progress) as { worktree?: { readonly path?: unknown } | null };
  return typeof worktree?.path === "string" ? worktree.path : null;
}

/** Why an issue is where it is, from its row or from a line of the journal. */
export function whyDocument(from: {
  readonly issue: string;
  readonly at: number;
  readonly state: string;
  readonly rule: string;
  readonly why: string;
  readonly waits_for: string | null;
  readonly until: number | null;
  readonly evidence: string;
}): D.WhyDocument {
  const evidence = JSON.parse(from.evidence) as readonly Evidence[];
  return {
    issue: from.issue,
    at: iso(from.at),
    state: from.state,
    rule: from.rule,
    why: from.why,
    waitsFor: from.waits_for,
    until: from.until === null ? null : iso(from.until),
    evidence: evidence.map((row) => ({ ...row, at: row.at === null ? null : iso(row.at) })),
  };
}

/** A run as people read it. */
export function runDocument(row: RunRow): D.RunDocument {
  return {
    id: row.id,
    issue: row.issue,
    number: row.number,
    type: row.type,
    state: row.state,
    outcome: row.outcome,
    failureClass: row.failure_class,
    startedAt: row.started_at === null ? null : iso(row.started_at),
    endedAt: row.ended_at === null ? null : iso(row.ended_at),
    headBefore: row.head_before,
    headAfter: row.head_after,
    thread: row.thread,
    turn: row.turn,
    tokens: { input: row.input, cached: row.cached, output: row.output },
    usd: row.usd,
    why: row.why,
  };
}

/** An effect as people read it. */
export function outboxDocument(row: OutboxRow): D.OutboxDocument {
  return {
    id: String(row.id),
    key: row.key,
    kind: row.kind,
    issue: row.issue,
    state: row.state,
    attempts: row.attempts,
    nextAt: row.state === "pending" && row.next_at > 0 ? iso(row.next_at) : null,
    error: row.error,
  };
}
