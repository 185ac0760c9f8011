import { readdirSync } from "node:fs";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { check } from "../../src/engines/embedded/database/maintenance.ts";
import type { Facts } from "../../src/factory/facts/facts.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { RUN_TRAILER } from "../../src/lib/committer.ts";
import { runProgram } from "../../world/github/git/git.ts";
import { TEAMS } from "./stage.ts";
import type { Stage, Team } from "./stage.ts";
import { keyOf } from "./history/tasks.ts";
import type { Task, Tasks } from "./history/tasks.ts";
import { Sqlite } from "../../src/engines/embedded/database/sqlite.ts";

/** One thing that must hold after all kills, and where it does not. */
export interface Finding {
  readonly what: string;
  /** How many were looked at: nothing looked at is no proof. */
  readonly looked: number;
  readonly broken: readonly string[];
}

/**
 * Judges a history that has come to rest, with the relay stopped: the database against what the world saw. It looks at
 * every effect the world keeps, not only at the last state.
 */
export async function judge(
  stage: Stage,
  tasks: Tasks,
  acked: ReadonlySet<string>,
): Promise<readonly Finding[]> {
  const db = new Sqlite(stage.layout.database, { readonly: true, fileMustExist: true });
  try {
    const issues = readIssues(db);
    return [
      ackedDeliveries(db, acked),
      ended(stage, tasks, issues),
      pullRequests(tasks),
      await pushes(stage),
      activities(stage, tasks, db),
      conclusions(stage, tasks),
      replies(stage, tasks),
      merges(tasks),
      runs(issues),
      outbox(db),
      await salvage(stage),
      {
        what: "the database is sound and its invariants hold",
        looked: 1,
        broken: check(stage.layout.database, systemClock.now()).map(
          (found) => `${found.invariant}: ${found.detail}`,
        ),
      },
      {
        what: "the stand-ins found no fault with the relay's requests",
        looked: stage.github.requests.length + stage.linear.calls.length,
        broken: [...stage.linear.problems, ...stage.github.problems],
      },
    ];
  } finally {
    db.close();
  }
}

interface KeptIssue {
  readonly state: string;
  readonly facts: Facts;
}

function readIssues(db: Database.Database): ReadonlyMap<string, KeptIssue> {
  const rows = db.prepare<[], { id: string; state: string; facts: string }>(
    "SELECT id, state, facts FROM issues",
  );
  return new Map(
    rows.all().map(({ id, state, facts }) => [id, { state, facts: JSON.parse(facts) as Facts }]),
  );
}

function ackedDeliveries(db: Database.Database, acked: ReadonlySet<string>): Finding {
  const rows = db
    .prepare<[], { name: string; state: string }>(
      "SELECT source || ':' || delivery_id AS name, state FROM deliveries",
    )
    .all();
  const kept = new Map(rows.map(({ name, state }) => [name, state]));
  const broken = [...acked].flatMap((name) => {
    const state = kept.get(name);
    if (state === undefined) return [`${name} was acknowledged and is lost`];
    return state === "pending" ? [`${name} is still pending`] : [];
  });
  return { what: "no acknowledged delivery is lost or left lying", looked: acked.size, broken };
}

function ended(stage: Stage, tasks: Tasks, issues: ReadonlyMap<string, KeptIssue>): Finding {
  const broken = tasks.all.flatMap((task) => {
    const kept = issues.get(`linear:${task.id}`);
    if (kept === undefined) return [`${task.key} is not kept`];
    const { type } = stage.linear.issue(task.key).state;
    const merged = tasks.pullsOf(task).some(({ fields }) => fields.merged);
    return kept.state === "done" && merged && type === "completed"
      ? []
      : [
          `${task.key} is ${kept.state}, its pull request ${merged ? "merged" : "not merged"}, its ticket ${type}`,
        ];
  });
  return { what: "every issue is done, merged and completed", looked: tasks.all.length, broken };
}

function pullRequests(tasks: Tasks): Finding {
  const broken = tasks.all.flatMap((task) => {
    const count = tasks.pullsOf(task).length;
    return count === 1 ? [] : [`${task.key} has ${count} pull requests`];
  });
  return { what: "one pull request per issue", looked: tasks.all.length, broken };
}

/** Each run's commit arrives once; nothing of ours ever overwrites or rewinds a branch. */
async function pushes(stage: Stage): Promise<Finding> {
  const byRun = new Map<string, string[]>();
  const broken: string[] = [];
  const ours = stage.github.pushes.filter(
    ({ person, ref, after }) =>
      person === stage.github.credentials.botLogin && keyOf(ref) !== null && !/^0+$/.test(after),
  );
  for (const { repository, ref, after, forced } of ours) {
    const [team] = Object.entries(TEAMS).find(([, name]) => name === repository) ?? [];
    const commit = await stage.repositories[team as Team].git.commit(after);
    const run = commit === null ? null : trailerOf(commit.message);
    if (run === null) broken.push(`${ref} was pushed to ${after}, which names no run`);
    else byRun.set(run, [...(byRun.get(run) ?? []), after]);
    if (forced) broken.push(`${ref} was rewound by a push to ${after}`);
  }
  for (const [run, shas] of byRun)
    if (shas.length > 1) broken.push(`run ${run} was pushed ${shas.length} times`);
  return { what: "each run was pushed once", looked: ours.length, broken };
}

function trailerOf(message: string): string | null {
  return new RegExp(`^${RUN_TRAILER}: (\\S+)$`, "m").exec(message)?.[1] ?? null;
}

/** What the session shows is what the outbox told it, one for one. */
function activities(stage: Stage, tasks: Tasks, db: Database.Database): Finding {
  const told = db.prepare<[string], { payload: string }>(
    "SELECT payload FROM outbox WHERE issue = ? AND kind = 'tell' AND state = 'done'",
  );
  let looked = 0;
  const broken = tasks.all.flatMap((task) => {
    const wanted = told.all(`linear:${task.id}`).map(({ payload }) => {
      const { activity } = JSON.parse(payload) as { activity: Readonly<Record<string, unknown>> };
      return text(activity);
    });
    const shown = stage.linear
      .activities(task.session)
      .filter(({ content }) => content.type !== "prompt")
      .map(({ content }) => text({ ...content }));
    looked += shown.length;
    return differences(wanted, shown).map((each) => `${task.key}: ${each}`);
  });
  return { what: "each activity was shown once", looked, broken };
}

/** Every session of an issue that has ended is closed, by one word about its end. */
function conclusions(stage: Stage, tasks: Tasks): Finding {
  let looked = 0;
  const broken = tasks.all.flatMap((task) =>
    stage.linear.issue(task.key).sessions.flatMap(({ id, status }) => {
      looked += 1;
      const ends = stage.linear
        .activities(id)
        .filter(
          ({ content }) => content.type === "response" && content.body?.includes("is merged.") === true,
        );
      return status === "complete" && ends.length === 1
        ? []
        : [`session ${id} of ${task.key} is ${status} and was told of the merge ${ends.length} times`];
    }),
  );
  return { what: "each session was told of the end, once", looked, broken };
}

function text(activity: Readonly<Record<string, unknown>>): string {
  return JSON.stringify([
    activity["type"],
    activity["body"] ?? activity["action"],
    activity["parameter"] ?? null,
  ]);
}

function differences(wanted: readonly string[], shown: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const each of wanted) counts.set(each, (counts.get(each) ?? 0) - 1);
  for (const each of shown) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts].flatMap(([each, count]) => {
    if (count === 0) return [];
    return [count > 0 ? `${each} is shown ${count} times too often` : `${each} is missing ${-count} times`];
  });
}

/** Our own words on pull requests: a thread is answered once per run, a comment stands once. */
function replies(stage: Stage, tasks: Tasks): Finding {
  const us = stage.github.credentials.botLogin;
  let looked = 0;
  const broken = tasks.all.flatMap((task) =>
    tasks.pullsOf(task).flatMap((pull) => {
      const groups = [pull.comments, ...pull.threads.map(({ comments }) => comments)];
      return groups.flatMap((comments) => {
        const bodies = comments.filter(({ author }) => author.login === us).map(({ body }) => body);
        looked += bodies.length;
        return new Set(bodies).size === bodies.length
          ? []
          : [`#${pull.number} holds a comment of ours twice`];
      });
    }),
  );
  return { what: "each comment and reply stands once", looked, broken };
}

function merges(tasks: Tasks): Finding {
  const broken = tasks.all.flatMap((task: Task) =>
    tasks.pullsOf(task).flatMap((pull) => {
      const added = pull.queueEvents.filter(({ kind }) => kind === "added").length;
      const removed = pull.queueEvents.filter(({ reason }) => reason !== null && reason !== "MERGE").length;
      return added > 1 + removed ? [`#${pull.number} was enqueued ${added} times`] : [];
    }),
  );
  return { what: "each merge was asked for once", looked: tasks.all.length, broken };
}

/** Never two runs at a time, and never two that succeeded for one cause. */
function runs(issues: ReadonlyMap<string, KeptIssue>): Finding {
  let looked = 0;
  const broken = [...issues].flatMap(([id, { facts }]) => {
    const found: string[] = [];
    const succeeded = new Set<string>();
    let before = 0;
    for (const run of facts.runs) {
      looked += 1;
      if (run.state !== "ended") found.push(`run ${run.number} of ${id} is still ${run.state}`);
      if ((run.startedAt ?? before) < before)
        found.push(`run ${run.number} of ${id} began before the last one ended`);
      before = run.endedAt ?? before;
      if (run.end?.outcome !== "published") continue;
      if (succeeded.has(run.cause.key)) found.push(`${id} was worked on twice for ${run.cause.key}`);
      succeeded.add(run.cause.key);
    }
    return found;
  });
  return { what: "one run at a time, one success per cause", looked, broken };
}

function outbox(db: Database.Database): Finding {
  const rows = db
    .prepare<[], { issue: string; key: string; state: string; error: string | null }>(
      "SELECT issue, key, state, error FROM outbox",
    )
    .all();
  const broken = rows
    .filter(({ state }) => state !== "done" && state !== "dropped")
    .map(({ key, state, error }) => `${key} is ${state}: ${error ?? "no error"}`);
  return { what: "every effect came to its end", looked: rows.length, broken };
}

/** Whatever was salvaged is there, whole, and the mirrors are sound. */
async function salvage(stage: Stage): Promise<Finding> {
  const broken: string[] = [];
  let looked = 0;
  for (const name of readdirSync(stage.layout.mirrors)) {
    if (!name.endsWith(".git")) continue;
    const git = (args: readonly string[]) =>
      runProgram("git", ["--git-dir", join(stage.layout.mirrors, name), ...args]);
    const fsck = await git(["fsck", "--connectivity-only", "--no-dangling", "--no-progress"]);
    if (fsck.code !== 0) broken.push(`the mirror ${name} is damaged: ${fsck.stderr.slice(0, 500)}`);
    const refs = await git(["for-each-ref", "--format=%(objecttype) %(refname)", "refs/patchrelay/salvage/"]);
    for (const line of refs.stdout.toString("utf8").split("\n").filter(Boolean)) {
      looked += 1;
      if (!line.startsWith("commit ")) broken.push(`${line} is no commit`);
    }
    looked += 1;
  }
  return { what: "mirrors and salvage are whole", looked, broken };
}
