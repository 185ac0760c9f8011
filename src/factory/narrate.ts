import type { Decision } from "./decision.ts";
import type { Activity, Effect, PlanItem } from "./effect.ts";
import type { Facts, Run, Session } from "./facts.ts";
import { openQuestions } from "./authority.ts";
import type { Policy } from "./policy.ts";
import { RUN_TYPES } from "./run-types.ts";
import { TERMINAL } from "./state.ts";

/**
 * What the tracker is told, and when. All words to people in the tracker are in this file. Everything is
 * keyed by the fact it tells, so that nothing is told twice; routine repairs are thoughts and actions, an
 * error is only what needs a person (failure-modes.md 5.4).
 */
export function narration(facts: Facts, decision: Decision, policy: Policy): readonly Effect[] {
  const session = newestSession(facts);
  if (session === null) return [];
  const told: Effect[] = [];
  const tell = (key: string, activity: Activity, to: Session = session): void => {
    told.push({ kind: "tell", key: `tell:${facts.id}:${key}`, issue: facts.id, session: to.id, activity });
  };
  for (const { id } of Object.values(facts.sessions)) {
    const key = `tell:${facts.id}:ack:${id}`;
    const activity = acknowledgement(facts);
    told.push({ kind: "tell", key, issue: facts.id, session: id, activity, acknowledges: true });
  }
  for (const run of facts.runs) tellRun(facts, run, tell);
  tellPullRequest(facts, told, session);
  for (const question of openQuestions(facts, policy)) {
    tell(`question:${question.id}`, { type: "elicitation", body: question.text, options: question.options });
  }
  tellStanding(facts, decision, tell);
  told.push({
    kind: "show_plan",
    key: `plan:${facts.id}:${session.id}:${planKey(facts, decision)}`,
    issue: facts.id,
    session: session.id,
    items: plan(facts, decision),
  });
  return told;
}

type Tell = (key: string, activity: Activity) => void;

export function newestSession(facts: Facts): Session | null {
  return (
    Object.values(facts.sessions)
      .toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
      .at(-1) ?? null
  );
}

function acknowledgement(facts: Facts): Activity {
  const key = facts.ticket.core?.value.key;
  return {
    type: "thought",
    body: `On it${key === undefined ? "" : `: ${key}`}. I will say what I do here, and ask when only a person can decide.`,
  };
}

const DOING = {
  implementation: "Implementing",
  ci_repair: "Repairing CI",
  review_fix: "Answering the review",
  queue_repair: "Repairing for the merge queue",
} as const;

function tellRun(facts: Facts, run: Run, tell: Tell): void {
  if (run.startedAt !== null) {
    const about =
      run.cause.checks.join(", ") ||
      (run.headBefore === null ? (facts.project?.repository ?? "") : run.headBefore.slice(0, 8));
    tell(`run:${run.number}:started`, { type: "action", action: DOING[run.type], parameter: about });
  }
  const end = run.end;
  if (end === null) return;
  const key = `run:${run.number}:ended`;
  switch (end.outcome) {
    case "published":
      tell(key, {
        type: "action",
        action: DOING[run.type],
        parameter: (run.headAfter ?? "").slice(0, 8),
        result: end.summary,
      });
      return;
    case "answered":
      tell(key, { type: "response", body: end.summary });
      return;
    case "no_change":
      tell(key, { type: "thought", body: `Run ${run.number} changed nothing: ${end.summary}` });
      return;
    case "failed":
      tell(key, {
        type: "thought",
        body: `Run ${run.number} did not succeed (${end.failureClass ?? "unknown"}): ${end.summary}`,
      });
      return;
    case "asked":
    case "interrupted":
    case "superseded":
    case "stopped":
      return;
  }
}

function tellPullRequest(facts: Facts, told: Effect[], session: Session): void {
  const pull = facts.pullRequest;
  if (pull === null) return;
  told.push({
    kind: "link",
    key: `link:${facts.id}:${session.id}:${pull.number}`,
    issue: facts.id,
    session: session.id,
    label: `Pull request #${pull.number}`,
    url: pull.url,
  });
}

function tellStanding(facts: Facts, decision: Decision, tell: Tell): void {
  const head = facts.pullRequest?.core.value.head ?? "none";
  const runs = facts.runs.length;
  switch (decision.state) {
    case "done":
      if (decision.step.kind === "finish")
        tell(`done:${decision.rule}:${facts.pullRequest?.number ?? 0}:${facts.past.length}`, {
          type: "response",
          body: conclusion(facts, decision),
        });
      return;
    case "failed":
      if (decision.step.kind === "finish")
        tell(`failed:${decision.rule}:${facts.pullRequest?.number ?? 0}:${facts.past.length}`, {
          type: "response",
          body: `${decision.why} I have stopped. Delegate again or write here to go on.`,
        });
      return;
    case "escalated":
      tell(`escalated:${decision.rule}:${head}:${runs}`, { type: "error", body: handOver(facts, decision) });
      return;
    case "awaiting_input":
      if (decision.rule !== "question_open" && decision.rule !== "said_all") {
        tell(`input:${decision.rule}:${head}:${runs}`, {
          type: "elicitation",
          body: `${decision.why} I wait for ${decision.waitsFor ?? "you"}.`,
        });
      }
      if (decision.rule === "said_all" && facts.runs.at(-1)?.end?.outcome === "no_change") {
        tell(`input:no_change:${runs}`, {
          type: "elicitation",
          body: `${decision.why}\n\nWhat should I do?`,
        });
      }
      return;
    case "awaiting_review":
      // A review that has just come is judged by a reading: until then there is nothing true to say.
      if (facts.pullRequest?.hint != null) return;
      tell(`review:${decision.rule}:${head}`, { type: "thought", body: decision.why });
      return;
    case "awaiting_queue":
      if (["merge", "in_queue", "person_merges"].includes(decision.rule))
        tell(`merge:${decision.rule}:${head}`, { type: "thought", body: decision.why });
      return;
    case "paused":
      if (facts.runs.every((run) => run.state === "ended") && decision.rule === "taken_away") {
        const at = Math.max(facts.stopped?.at ?? 0, facts.delegation?.at ?? 0, facts.commanded?.at ?? 0);
        tell(`paused:${at}`, {
          type: "response",
          body: `${decision.why} Nothing is running, and nothing will be published until you delegate again or write here.`,
        });
      }
      return;
    case "delegated":
      if (decision.rule.includes("/"))
        tell(`waits:${decision.rule}:${runs}`, {
          type: "thought",
          body: `Not started yet: ${decision.why}`,
          ephemeral: true,
        });
      return;
    case "preparing":
    case "implementing":
    case "pr_open":
    case "repairing_ci":
    case "changes_requested":
    case "repairing_queue":
      return;
  }
}

function conclusion(facts: Facts, decision: Decision): string {
  const runs = facts.runs.filter((run) => run.end?.outcome === "published");
  if (decision.rule !== "merged") return `${decision.why} My work here has ended.`;
  const what = runs.map(
    (run) => `- ${RUN_TYPES[run.type].type.replace("_", " ")}: ${run.end?.summary ?? ""}`,
  );
  return [
    `${decision.why} ${facts.pullRequest?.url ?? ""}`.trim(),
    ...(what.length > 0 ? ["", "What was done:", ...what] : []),
  ].join("\n");
}

function handOver(facts: Facts, decision: Decision): string {
  const tried = facts.runs
    .slice(-6)
    .map(
      (run) =>
        `- run ${run.number}, ${run.type.replace("_", " ")}: ${run.end?.outcome ?? run.state}${run.end?.summary ? `: ${run.end.summary}` : ""}`,
    );
  return [
    `I hand this over. ${decision.why}`,
    "",
    "What was tried:",
    ...tried,
    "",
    `I wait for ${decision.waitsFor ?? "a person"}.`,
  ].join("\n");
}

const STAGES = [
  "Implement",
  "Open a pull request",
  "Make the checks pass",
  "Answer the review",
  "Merge",
] as const;

/** How far each state is through the stages: all before are completed, this one is in progress. */
const STAGE_OF: Readonly<Record<Decision["state"], number>> = {
  delegated: 0,
  preparing: 0,
  implementing: 0,
  pr_open: 2,
  repairing_ci: 2,
  awaiting_review: 3,
  changes_requested: 3,
  awaiting_queue: 4,
  repairing_queue: 4,
  awaiting_input: 0,
  escalated: 0,
  done: 5,
  failed: 0,
  paused: 0,
};

function stage(facts: Facts, decision: Decision): number {
  const stated = STAGE_OF[decision.state];
  return stated === 0 && facts.pullRequest !== null ? 2 : stated;
}

function plan(facts: Facts, decision: Decision): readonly PlanItem[] {
  const reached = stage(facts, decision);
  const ended = TERMINAL.has(decision.state) && decision.state !== "done";
  return STAGES.map((content, index) => ({
    content,
    status:
      index < reached
        ? "completed"
        : ended
          ? "canceled"
          : index === reached && decision.state !== "delegated"
            ? "inProgress"
            : "pending",
  }));
}

function planKey(facts: Facts, decision: Decision): string {
  // The same picture again after another one in between is news once more, so head and runs count too.
  const ended = facts.runs.filter((run) => run.end !== null).length;
  const head = facts.pullRequest?.core.value.head.slice(0, 12) ?? "none";
  const mark = TERMINAL.has(decision.state) ? decision.state : decision.state === "delegated" ? "d" : "";
  return `${stage(facts, decision)}${mark}:${facts.runs.length}.${ended}:${head}`;
}
