import { renameSync, writeFileSync } from "node:fs";
import type { ScriptedAgentScriptInput } from "../../../src/agents/scripted/script.ts";
import type { CiJob, CiResult, Pull, Repository } from "../../../world/github/model/model.ts";
import type { Dice } from "../random.ts";
import { TEAMS } from "../stage.ts";
import type { Stage, Team } from "../stage.ts";

/** One issue of the stream, and what the world has in store for it. */
export interface Task {
  readonly key: string;
  readonly id: string;
  readonly session: string;
  readonly team: Team;
  /** CI refuses the first commit. */
  readonly redOnce: boolean;
  /** The reviewer asks for a change once. */
  readonly reviewOnce: boolean;
}

/** The stream of issues and the people around it: who delegates, reviews and approves. */
export interface Tasks {
  readonly all: readonly Task[];
  /** Writes another issue and delegates it. */
  begin(): void;
  /** The reviewer looks at every pull request that waits for her. */
  review(): Promise<void>;
  /** Issues whose pull request is not merged or whose ticket is not completed. */
  open(): readonly Task[];
  pullsOf(task: Task): readonly Pull[];
}

type Rule = ScriptedAgentScriptInput["rules"][number];

const DRAFT = "draft";
/** So that a random instant falls into the agent's work often enough. */
const WORK_MS = 150;

export function openTasks(stage: Stage, dice: Dice): Tasks {
  const { linear, github } = stage;
  const all: Task[] = [];
  const rules: Rule[] = [];
  const asked = new Set<string>();

  // Only ever added to: the agent remembers the rule of a turn by its place.
  const play = (rule: Rule): void => {
    rules.push(rule);
    const draft = `${stage.scriptFile}.new`;
    writeFileSync(draft, JSON.stringify({ rules }));
    renameSync(draft, stage.scriptFile);
  };
  const writing = (
    type: "implementation" | "ci_repair" | "review_fix" | "queue_repair",
    task: Pick<Task, "key">,
    text: string,
    threads: readonly string[] = [],
  ): void =>
    play({
      when: { type, promptIncludes: threads[0] ?? `${task.key} ` },
      do: [
        { say: `I write the file of ${task.key}.` },
        { write: { path: fileOf(task.key), text: `${text}\n` } },
        { wait: WORK_MS },
        { spend: { input: 100, output: 10 } },
      ],
      report: {
        outcome: "done",
        summary: `${task.key}: ${text}`,
        question: null,
        threads: threads.map((id) => ({ id, outcome: "fixed", reply: `${task.key}: ${text}` })),
      },
    });
  const pullsOf = (task: Task): readonly Pull[] =>
    [...repositoryOf(task).pulls.values()].filter(({ headRef }) => keyOf(headRef) === task.key);
  const repositoryOf = (task: Task): Repository => stage.repositories[task.team];
  const green = (task: Task, sha: string): boolean => {
    const runs = new Map(
      (repositoryOf(task).checks.get(sha)?.runs ?? []).map((run) => [run.name, run.conclusion]),
    );
    return runs.get("test") === "success";
  };

  const look = async (task: Task, pull: Pull): Promise<void> => {
    const { state, headSha } = pull.fields;
    if (state !== "open" || !green(task, headSha)) return;
    const name = `${TEAMS[task.team]}#${pull.number}`;
    const mine = pull.reviews.filter(
      ({ author, state: said }) => author.login === "grace" && said !== "COMMENTED",
    );
    if (task.reviewOnce && !asked.has(task.key)) {
      asked.add(task.key);
      await github.review("grace", name, {
        state: "CHANGES_REQUESTED",
        body: "One thing before this goes in.",
        comments: [{ path: fileOf(task.key), line: 1, body: "Please say reviewed here." }],
      });
      writing(
        "review_fix",
        task,
        "reviewed",
        pull.threads.map(({ nodeId }) => nodeId),
      );
      return;
    }
    const last = mine.at(-1);
    if (last?.commit === headSha) return;
    await github.review("grace", name, { state: "APPROVED", body: "Thanks." });
  };

  let reviewing = false;
  github.ci = judge;
  return {
    all,
    begin() {
      const team: Team = dice.chance(0.35) ? "OPS" : "APP";
      const { identifier: key, id } = linear.createIssue({ team, title: "a file of its own", by: "Ada" });
      // The first always: a history without any review would prove nothing of replies.
      const reviewOnce = dice.chance(0.4) || all.length === 0;
      const task = { key, id, team, redOnce: dice.chance(0.4), reviewOnce };
      // The whole story is written down before the relay hears of the issue.
      writing("implementation", task, task.redOnce ? DRAFT : "done");
      writing("ci_repair", task, "repaired");
      writing("queue_repair", task, "repaired");
      all.push({ ...task, session: linear.delegate(key, "Ada").id });
    },
    async review() {
      // Where the stand-in is slow the next round begins before this one is over: she would approve what she has just objected to.
      if (reviewing) return;
      reviewing = true;
      try {
        for (const task of all) for (const pull of pullsOf(task)) await look(task, pull);
      } finally {
        reviewing = false;
      }
    },
    open: () =>
      all.filter(
        (task) =>
          linear.issue(task.key).state.type !== "completed" ||
          !pullsOf(task).some(({ fields }) => fields.merged),
      ),
    pullsOf,
  };
}

/** CI: looks at the one file of the issue whose branch it is; what is merged already was looked at before. */
async function judge(job: CiJob): Promise<readonly CiResult[]> {
  const key = keyOf(job.branch);
  const text = key === null ? null : await job.read(fileOf(key));
  if (text?.trim() !== DRAFT) return [{ name: "test", conclusion: "success" }];
  return [
    { name: "test", conclusion: "failure", log: `Run check\nError: ${fileOf(key ?? "")} is still a draft\n` },
  ];
}

function fileOf(key: string): string {
  return `tasks/${key}.txt`;
}

/** The key of the issue that a branch belongs to, or null. */
export function keyOf(branch: string): string | null {
  return /\b(?:app|ops)-\d+$/.exec(branch)?.[0].toUpperCase() ?? null;
}
