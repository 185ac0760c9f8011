import type { Decision, Evidence } from "../../../factory/rules/decision.ts";
import { trackerIdOf } from "../../../factory/facts/ids.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import type { FactoryState } from "../../../factory/facts/state.ts";
import type { Facts } from "../../../factory/facts/facts.ts";
import type { PullRequest } from "../../../factory/facts/pull-request.ts";
import { assert } from "../../../lib/assert.ts";
import type { Store } from "../database/store.ts";

export interface IssueRow {
  readonly seq: number;
  readonly id: IssueId;
  readonly key: string;
  readonly title: string;
  readonly url: string | null;
  readonly project: string | null;
  readonly repository: string | null;
  readonly branch: string | null;
  readonly state: FactoryState;
  readonly since: number;
  readonly rule: string;
  readonly why: string;
  readonly waits_for: string | null;
  readonly until: number | null;
  readonly decision: string;
  readonly evidence: string;
  readonly version: number;
  readonly revision: number;
  readonly sweep_at: number | null;
  readonly sweeps: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly facts: string;
}

/** What is kept of an issue, as an advance needs it. */
export interface KeptIssue {
  readonly facts: Facts;
  /** What the last advance decided. */
  readonly decision: Decision;
  readonly revision: number;
  readonly state: string;
  readonly since: number;
  readonly sweepAt: number | null;
}

/** The rows of `issues` and the look-up rows that follow from the facts. */
export type Issues = ReturnType<typeof issueRows>;

export function issueRows({ db }: Pick<Store, "db">) {
  const load = db.prepare<
    [string],
    Pick<IssueRow, "facts" | "decision" | "revision" | "state" | "since" | "sweep_at">
  >("SELECT facts, decision, revision, state, since, sweep_at FROM issues WHERE id = ?");
  const columns = [
    "key",
    "title",
    "url",
    "workspace",
    "project",
    "repository",
    "branch",
    "state",
    "since",
    "rule",
    "why",
    "waits_for",
    "until",
    "decision",
    "evidence",
    "sweep_at",
    "updated_at",
    "facts",
  ];
  const insert = db.prepare<[Record<string, unknown>]>(
    `INSERT INTO issues (id, version, created_at, ${columns.join(", ")})
     VALUES (@id, 1, @created_at, ${columns.map((name) => `@${name}`).join(", ")})`,
  );
  const update = db.prepare<[Record<string, unknown>]>(
    `UPDATE issues SET version = version + 1, revision = revision + 1, ${columns.map((name) => `${name} = @${name}`).join(", ")}
     WHERE id = @id AND revision = @revision`,
  );
  const confirm = db.prepare<[string, string, string, number | null, string, number]>(
    `UPDATE issues SET revision = revision + 1, facts = ?, evidence = ?, decision = ?, until = ?
     WHERE id = ? AND revision = ?`,
  );
  const addPullRequest = db.prepare(
    `INSERT INTO pull_requests (repository, number, repository_id, issue, branch, base, open)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (repository, number) DO UPDATE SET
       repository_id = coalesce(excluded.repository_id, repository_id), issue = excluded.issue,
       branch = excluded.branch, base = coalesce(excluded.base, base), open = excluded.open`,
  );
  const addCommit = db.prepare<[string, string, string, number]>(
    "INSERT OR IGNORE INTO commits (repository, sha, issue, at) VALUES (?, ?, ?, ?)",
  );

  return {
    load(issue: IssueId): KeptIssue | null {
      const row = load.get(issue);
      return row === undefined
        ? null
        : {
            facts: JSON.parse(row.facts) as Facts,
            decision: JSON.parse(row.decision) as Decision,
            revision: row.revision,
            state: row.state,
            since: row.since,
            sweepAt: row.sweep_at,
          };
    },

    /** Writes what was only found to be still so: no news, no new version. Throws when another write came between. */
    confirm(kept: KeptIssue, facts: Facts, decision: Decision, evidence: readonly Evidence[]): void {
      const { changes } = confirm.run(
        JSON.stringify(facts),
        JSON.stringify(evidence),
        JSON.stringify(decision),
        decision.until,
        facts.id,
        kept.revision,
      );
      assert(changes === 1, changedMeanwhile(facts.id));
    },

    /** Writes facts, decision and look-ups. Throws when another write came between load and save. */
    save(
      kept: KeptIssue | null,
      facts: Facts,
      decision: Decision,
      evidence: readonly Evidence[],
      at: { readonly now: number; readonly sweepAt: number | null },
    ): void {
      const core = facts.ticket.core?.value ?? null;
      const row = {
        id: facts.id,
        revision: kept?.revision ?? 0,
        created_at: facts.createdAt,
        key: core?.key ?? trackerIdOf(facts.id),
        title: core?.title ?? "",
        url: core?.url ?? null,
        workspace: facts.ticket.workspace,
        project: facts.project?.id ?? null,
        repository: facts.project?.repository ?? null,
        branch: facts.project?.branch ?? null,
        state: decision.state,
        since: kept !== null && kept.state === decision.state ? kept.since : at.now,
        rule: decision.rule,
        why: decision.why,
        waits_for: decision.waitsFor,
        until: decision.until,
        decision: JSON.stringify(decision),
        evidence: JSON.stringify(evidence),
        sweep_at: at.sweepAt,
        updated_at: at.now,
        facts: JSON.stringify(facts),
      };
      const { changes } = kept === null ? insert.run(row) : update.run(row);
      assert(changes === 1, changedMeanwhile(facts.id));
      const before = kept?.facts ?? null;
      const repository = facts.project?.repository ?? null;
      if (repository === null) return;
      for (const sha of newCommits(before, facts)) addCommit.run(repository, sha, facts.id, at.now);
      const now = facts.pullRequest;
      if (now !== null && isMoved(before?.pullRequest ?? null, now)) {
        const { value } = now.core;
        const open = value.state === "open" ? 1 : 0;
        addPullRequest.run(
          repository,
          now.number,
          now.repositoryId,
          facts.id,
          value.branch,
          value.base,
          open,
        );
      }
      for (const past of facts.past.slice(before?.past.length ?? 0)) {
        addPullRequest.run(repository, past.number, null, facts.id, past.branch, null, 0);
      }
    },
  };
}

function changedMeanwhile(issue: IssueId): string {
  return `${issue} was changed by another writer between reading and writing`;
}

function isMoved(before: PullRequest | null, now: PullRequest): boolean {
  return (
    before?.number !== now.number ||
    before.repositoryId !== now.repositoryId ||
    JSON.stringify(before.core.value) !== JSON.stringify(now.core.value)
  );
}

function newCommits(before: Facts | null, now: Facts): readonly string[] {
  const known = new Set(before === null ? [] : commitsOf(before));
  return commitsOf(now).filter((sha) => !known.has(sha));
}

function commitsOf({ pullRequest, runs }: Facts): readonly string[] {
  const all = [
    ...(pullRequest === null
      ? []
      : [
          pullRequest.core.value.head,
          ...Object.keys(pullRequest.heads),
          ...Object.values(pullRequest.ejections).map(({ group }) => group),
        ]),
    ...runs.map(({ headAfter }) => headAfter),
  ];
  return [...new Set(all.filter((sha): sha is string => sha !== null && sha !== ""))];
}
