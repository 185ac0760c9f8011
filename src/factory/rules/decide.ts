import { tryQuestion } from "../judge/another-try.ts";
import { reserve, type Refusal } from "../judge/budget.ts";
import { TRY_OPTIONS } from "../judge/offer.ts";
import type { Decision, Evidence, Step } from "./decision.ts";
import { RUN_TYPES } from "../facts/run-types.ts";
import type { Facts } from "../facts/facts.ts";
import type { PullRequest } from "../facts/pull-request.ts";
import type { Run } from "../facts/run.ts";
import type { SaidTo } from "../facts/ticket.ts";
import { trackerOf } from "../facts/ids.ts";
import type { Conditions, Policy } from "../facts/policy.ts";
import type { Answer } from "./answer.ts";
import { sentences } from "../words.ts";
import { RULES } from "./rules.ts";
import { situationOf, type Situation } from "./situation.ts";

/** The decision, and the run it reserved if a run is next. */
export interface Decided {
  readonly decision: Decision;
  readonly run: Run | null;
}

/**
 * Where the issue stands and what is next: the first row of the table that holds. A run is next only if
 * `reserve` grants it; a refusal is a decision too, with its own reason.
 */
export function decide(facts: Facts, policy: Policy, conditions: Conditions, now: number): Decided {
  const { situation, rule, answer } = answered(facts, policy, now);
  const decision: Decision = {
    state: answer.state,
    step: answer.step,
    rule,
    refusal: null,
    why: answer.why,
    waitsFor: answer.waitsFor,
    until: answer.until,
  };
  if (answer.step.kind !== "run" || situation.project === null) return { decision, run: null };
  const { type, cause } = answer.step;
  const reserved = reserve({
    facts,
    project: situation.project,
    runsPerHour: policy.runsPerHour,
    conditions,
    type,
    cause,
    now,
  });
  if ("run" in reserved) return { decision, run: reserved.run };
  const { refusal } = reserved;
  const escalated = refusal.kind === "escalate";
  return {
    decision: {
      state: escalated ? "escalated" : (answer.refused ?? answer.state),
      step: refusal.step ?? askToTry(facts, refusal) ?? { kind: escalated ? "escalate" : "wait" },
      rule: `${rule}/${refusal.name}`,
      refusal: refusal.name,
      why: sentences(answer.why, refusal.why),
      waitsFor: refusal.waitsFor,
      until: refusal.until,
    },
    run: null,
  };
}

/** Asks, once after each run, whether to try again what is tried no more. */
function askToTry(facts: Facts, { asks, why }: Refusal): Step | null {
  if (asks !== true || tryQuestion(facts) !== null) return null;
  const question = `budget:${facts.runs.at(-1)?.number ?? 0}`;
  const text = sentences(why, "Should I try again?");
  return { kind: "ask", about: "budget", question, text, options: TRY_OPTIONS };
}

/** The step that the facts call for, whether or not a run that is next would be granted. */
export function stepOf(facts: Facts, policy: Policy, now: number): Step {
  return answered(facts, policy, now).answer.step;
}

function answered(
  facts: Facts,
  policy: Policy,
  now: number,
): { readonly situation: Situation; readonly rule: string; readonly answer: Answer } {
  const situation = situationOf(facts, policy, now);
  for (const { name, answer } of RULES) {
    const given = answer(situation);
    if (given !== null) return { situation, rule: name, answer: given };
  }
  throw new Error("the last row of the table holds always");
}

/** The facts that a decision rests on, for `patchrelay why`. */
export function evidenceOf(facts: Facts, policy: Policy, now: number): readonly Evidence[] {
  const s = situationOf(facts, policy, now);
  const rows: Evidence[] = [];
  const { forge } = policy;
  const tracker = trackerOf(facts.id);
  const add = (
    source: string | null,
    fact: string,
    value: string | null | undefined,
    at: number | null = null,
  ): void => {
    if (value !== null && value !== undefined) rows.push({ fact, value, source, at });
  };
  const saidBy = (place: SaidTo): string => ({ tracker, forge, operator: "operator" })[place];
  add(
    s.authority === null ? null : saidBy(wordFrom(s)),
    "authority",
    s.authority === null
      ? "none"
      : `${s.authority.granted ? "granted" : "taken away"}: ${s.authority.cause} by ${s.authority.by.name ?? "somebody"}`,
    s.authority?.at ?? null,
  );
  add(tracker, "issue status", facts.ticket.status?.value.name, facts.ticket.status?.at ?? null);
  add(
    "config",
    "project",
    facts.project === null ? "none" : `${facts.project.id} → ${facts.project.repository}`,
  );
  add(forge, "repository problem", facts.project?.problem?.value, facts.project?.problem?.at ?? null);
  if (facts.paused?.value === true) add("operator", "paused", "by an operator", facts.paused.at);
  const pull = s.pullRequest;
  if (pull !== null) {
    const core = pull.core.value;
    add(
      forge,
      "pull request",
      `#${pull.number} ${core.merged ? "merged" : core.state}${core.draft ? ", draft" : ""}`,
      pull.core.at,
    );
    add(forge, "head", `${core.head.slice(0, 12)}${madeBy(pull)}`, pull.core.at);
    add(
      forge,
      "checks",
      s.verdict === null ? null : verdictWords(s.verdict),
      pull.heads[core.head]?.confirmedAt ?? null,
    );
    add(
      forge,
      "required checks",
      pull.required === null ? "not read yet" : pull.required.value.join(", ") || "none",
      pull.required?.at ?? null,
    );
    for (const review of s.reviews.blocking)
      add(forge, "changes requested", `by ${review.by.name ?? "?"}`, review.at);
    for (const review of s.reviews.vetoes)
      add(forge, "changes requested", `by ${review.by.name ?? "?"}, not passed on`, review.at);
    for (const review of s.reviews.answered)
      add(forge, "changes answered", `by ${review.by.name ?? "?"}, not reviewed again yet`, review.at);
    for (const review of s.reviews.approvals)
      add(
        forge,
        "approval",
        `by ${review.by.name ?? "?"}, ${review.head === core.head ? "for this head" : "and only the base was merged since"}`,
        review.at,
      );
    add(forge, "mergeable", pull.mergeable?.value.value, pull.mergeable?.at ?? null);
    if (core.state === "open" && pull.queue?.value != null) {
      const { state, position } = pull.queue.value;
      add(
        forge,
        "merge queue",
        `${state}${position === null ? "" : `, position ${position}`}`,
        pull.queue.at,
      );
    }
    if (s.ejection !== null) add(forge, "left the merge queue", s.ejection.reason, s.ejection.at);
    if (core.state === "open" && pull.hint !== null)
      add(forge, "needs reading", pull.hint.about.join(", "), pull.hint.at);
  }
  for (const question of s.questions) add("run", "open question", question.text, question.askedAt);
  for (const prompt of s.prompts)
    add(saidBy(prompt.from), "message not passed on yet", prompt.text.slice(0, 200), prompt.at);
  if (s.last !== null) {
    const { number, type, state, phase, end } = s.last;
    add(
      "run",
      "last run",
      `${number} (${RUN_TYPES[type].words}): ${end === null ? `${state} at ${phase}` : `${end.outcome}${end.failureClass === null ? "" : ` (${end.failureClass})`}${end.charged ? "" : ", refunded"}`}`,
      s.last.endedAt ?? s.last.startedAt ?? s.last.queuedAt,
    );
  }
  return rows;
}

/** Who made the head, where it was not us. */
function madeBy({ core, commits }: PullRequest): string {
  const commit = commits.find(({ sha }) => sha === core.value.head);
  if (commit === undefined || commit.by === "us") return "";
  const who = commit.name ?? (commit.by === "person" ? "a person" : "somebody unknown");
  return commit.brings === "base" ? ` (the base, merged by ${who})` : ` (by ${who})`;
}

/** Where the word was said that gives or takes away our authority. */
function wordFrom({ facts, authority }: Situation): SaidTo {
  if (authority?.by.kind === "operator") return "operator";
  const prompt = Object.values(facts.prompts).find(({ at }) => at === authority?.at);
  return authority?.cause === "prompted" && prompt !== undefined ? prompt.from : "tracker";
}

function verdictWords(verdict: NonNullable<ReturnType<typeof situationOf>["verdict"]>): string {
  switch (verdict.kind) {
    case "unread":
      return "not read yet";
    case "unconfirmed":
      return "changed since they were read";
    case "cut":
      return `more than the ${verdict.checks} that were read`;
    case "pending":
      if (verdict.names.length > 0) return `waiting for ${verdict.names.join(", ")}`;
      return verdict.more ? "finished so far; more may start" : "none has started yet";
    case "missing":
      return `not started: ${verdict.expected?.join(", ") ?? "those that cannot be seen"}`;
    case "green":
      return verdict.checks === 0 ? "pass (there are none)" : "pass";
    case "red":
      return `fail: ${verdict.failing.map((check) => `${check.name} ${check.conclusion}`).join(", ")}`;
    case "blocked":
      return `blocked: ${verdict.blocked.map((check) => `${check.name} ${check.conclusion}`).join(", ")}`;
  }
}
