import { reserve } from "../judge/budget.ts";
import type { Decision, Evidence, Step } from "./decision.ts";
import type { Facts, Run } from "../facts/facts.ts";
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
      step: refusal.step ?? { kind: escalated ? "escalate" : "wait" },
      rule: `${rule}/${refusal.name}`,
      refusal: refusal.name,
      why: sentences(answer.why, refusal.why),
      waitsFor: refusal.waitsFor,
      until: refusal.until,
    },
    run: null,
  };
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
  const add = (fact: string, value: string | null | undefined, at: number | null = null): void => {
    if (value !== null && value !== undefined) rows.push({ fact, value, at });
  };
  add(
    "authority",
    s.authority === null
      ? "none"
      : `${s.authority.granted ? "granted" : "taken away"}: ${s.authority.cause} by ${s.authority.by.name ?? "somebody"}`,
    s.authority?.at ?? null,
  );
  add("issue status", facts.ticket.status?.value.name, facts.ticket.status?.at ?? null);
  add("project", facts.project === null ? "none" : `${facts.project.id} → ${facts.project.repository}`);
  add("repository problem", facts.project?.problem?.value, facts.project?.problem?.at ?? null);
  if (facts.paused?.value === true) add("paused", "by an operator", facts.paused.at);
  const pull = s.pullRequest;
  if (pull !== null) {
    const core = pull.core.value;
    add(
      "pull request",
      `#${pull.number} ${core.merged ? "merged" : core.state}${core.draft ? ", draft" : ""}`,
      pull.core.at,
    );
    add(
      "head",
      `${core.head.slice(0, 12)}${pull.personHead?.sha === core.head ? " (by a person)" : ""}`,
      pull.core.at,
    );
    add(
      "checks",
      s.verdict === null ? null : verdictWords(s.verdict),
      pull.heads[core.head]?.confirmedAt ?? null,
    );
    add(
      "required checks",
      pull.required === null ? "not read yet" : pull.required.value.join(", ") || "none",
      pull.required?.at ?? null,
    );
    for (const review of s.reviews.blocking)
      add("changes requested", `by ${review.by.name ?? "?"}`, review.at);
    for (const review of s.reviews.answered)
      add("changes answered", `by ${review.by.name ?? "?"}, not reviewed again yet`, review.at);
    for (const review of s.reviews.approvals)
      add("approval", `of this head by ${review.by.name ?? "?"}`, review.at);
    add("mergeable", pull.mergeable?.value.value, pull.mergeable?.at ?? null);
    if (core.state === "open" && pull.queue?.value != null) {
      const { state, position } = pull.queue.value;
      add("merge queue", `${state}${position === null ? "" : `, position ${position}`}`, pull.queue.at);
    }
    if (s.ejection !== null) add("left the merge queue", s.ejection.reason, s.ejection.at);
    if (core.state === "open" && pull.hint !== null)
      add("needs reading", pull.hint.about.join(", "), pull.hint.at);
  }
  for (const question of s.questions) add("open question", question.text, question.askedAt);
  for (const prompt of s.prompts) add("message not passed on yet", prompt.text.slice(0, 200), prompt.at);
  if (s.last !== null) {
    const { number, type, state, phase, end } = s.last;
    add(
      "last run",
      `${number} ${type} ${end === null ? `${state} at ${phase}` : `${end.outcome}${end.failureClass === null ? "" : ` (${end.failureClass})`}${end.charged ? "" : ", refunded"}`}`,
      s.last.endedAt ?? s.last.startedAt ?? s.last.queuedAt,
    );
  }
  return rows;
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
    case "green":
      return verdict.checks === 0 ? "pass (there are none)" : "pass";
    case "red":
      return `fail: ${verdict.failing.map((check) => `${check.name} ${check.conclusion}`).join(", ")}`;
    case "blocked":
      return `blocked: ${verdict.blocked.map((check) => `${check.name} ${check.conclusion}`).join(", ")}`;
  }
}
