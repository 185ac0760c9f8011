import type { Question } from "../facts/ticket.ts";
import { waiting } from "./answer.ts";
import { counted, keyOf, quoting, sentences, withReason } from "../words.ts";
import { routeChoice } from "../judge/route.ts";
import { holds, rule, type Rule } from "./rule.ts";
import type { Situation } from "./situation.ts";

const RECHECK_MS = 300_000;
const HOUR_MS = 3_600_000;
/** How long the hand-over of a question waits for what is read before it: somebody may have answered while nobody told us. */
const LAST_READING_MS = 60_000;
const WHICH_REPOSITORY = "Which repository is this issue for?";
const NONE_OF_THEM = "That is none of the repositories that I can choose from.";

/** Where the issue goes, and what only a person can answer. */
export const TICKET_RULES: readonly Rule[] = [
  rule({
    name: "unread",
    says: "The issue has not been read from the tracker yet.",
    states: ["delegated"],
    when: ({ facts }) => holds(facts.ticket.core === null),
    gives: () => waiting("delegated", "The issue is being read.", "the issue to be read"),
  }),
  rule({
    name: "route_unclear",
    says: "Several projects take this issue equally well: ask which repository it is for.",
    states: ["awaiting_input"],
    when: ({ facts, policy }) => routeChoice(facts, policy),
    gives: ({ question }) => {
      const why = "Several configured projects take this issue.";
      const wait = waiting("awaiting_input", why, "a choice of the repository");
      if (question === null) return wait;
      const { id, options, again } = question;
      const text = again ? sentences(NONE_OF_THEM, WHICH_REPOSITORY) : WHICH_REPOSITORY;
      return { ...wait, step: { kind: "ask", about: "route", question: id, text, options } };
    },
  }),
  rule({
    name: "unrouted",
    says: "No configured project takes this issue: say so and wait.",
    states: ["awaiting_input"],
    when: ({ facts, questions }) =>
      facts.project === null && questions.length === 0 ? facts.ticket.core : null,
    gives: ({ value: { team, project } }) =>
      waiting(
        "awaiting_input",
        `No configured project takes issues from team ${team ?? "(none)"}${project === null ? "" : ` and project ${project}`}.`,
        "a project that accepts this team, or a different team",
      ),
  }),
  rule({
    name: "project_gone",
    says: "The project that the issue was routed to is no longer in the configuration.",
    states: ["awaiting_input"],
    when: ({ facts, project }) => (project === null ? facts.project : null),
    gives: ({ id }) =>
      waiting(
        "awaiting_input",
        `The project ${id} is no longer configured.`,
        "the project to be configured again",
      ),
  }),
  rule({
    name: "repository_problem",
    says: "The repository cannot be used (missing, no access, no base branch): say so and wait.",
    states: ["awaiting_input"],
    when: ({ facts, run }) => (run === null ? (facts.project?.problem?.value ?? null) : null),
    gives: (problem, { now }) =>
      waiting(
        "awaiting_input",
        withReason("The repository cannot be used", problem),
        "the repository or the configuration to be fixed",
        now + RECHECK_MS,
      ),
  }),
  rule({
    name: "question_overdue",
    says: "Nobody has answered a question within the time that policy gives it (`questions`), nor does a last reading show an answer: hand over. It stays open, and a late answer counts.",
    states: ["awaiting_input", "escalated"],
    when: (s) => overdue(s),
    gives: ({ question, hours }, { facts, now }) => {
      const why = sentences(
        quoting(askedBy(question), question.text),
        `Nobody has answered within ${counted(hours, "hour")}`,
      );
      const waitsFor = `a late answer, on the issue or with \`patchrelay issue answer ${keyOf(facts)}\``;
      if (question.dueAt === null) {
        const step = { kind: "call_in", question: question.id } as const;
        return { state: "awaiting_input", step, why, waitsFor, until: now + LAST_READING_MS };
      }
      const until = question.dueAt + LAST_READING_MS;
      return now < until
        ? waiting("awaiting_input", why, waitsFor, until)
        : { state: "escalated", step: { kind: "escalate" }, why, waitsFor, until: null };
    },
  }),
  rule({
    name: "question_open",
    says: "A question is waiting for a person's answer; it takes up no slot.",
    states: ["awaiting_input"],
    when: ({ questions, run }) => (run === null ? (questions[0] ?? null) : null),
    gives: (question, s) =>
      waiting(
        "awaiting_input",
        quoting(askedBy(question), question.text),
        `an answer, on the issue or with \`patchrelay issue answer ${keyOf(s.facts)}\``,
        timeoutOf(question, s),
      ),
  }),
];

function askedBy({ run }: Question): string {
  return run === null ? "I asked" : "The agent asks";
}

/** When the time for a question is over (Unix ms); null = never. An offer that nobody takes up holds up nothing. */
function timeoutOf({ about, askedAt }: Question, { project, policy }: Situation): number | null {
  const { timeoutHours } = (project ?? policy).questions;
  return about === "offer" || timeoutHours === null ? null : askedAt + timeoutHours * HOUR_MS;
}

/** The question that nobody has answered in time, and for how many hours it has been out. */
function overdue(s: Situation): { readonly question: Question; readonly hours: number } | null {
  const [question] = s.questions;
  if (s.run !== null || question === undefined) return null;
  const timeout = timeoutOf(question, s);
  return timeout === null || s.now < timeout
    ? null
    : { question, hours: (timeout - question.askedAt) / HOUR_MS };
}
