import { openQuestions } from "../../factory/judge/authority.ts";
import type { Facts } from "../../factory/facts/facts.ts";
import type { Command } from "../../factory/facts/observation.ts";
import type { Policy } from "../../factory/facts/policy.ts";
import { TERMINAL } from "../../factory/facts/state.ts";
import type { IssueDocument } from "../../engines/documents.ts";

export type CommandName = Command | "prompt";

/** A command as it was sent. */
export interface Asked {
  readonly command: CommandName;
  readonly text: string | null;
  readonly question: string | null;
}

/** Why a command is rejected as the issue is now, for the person who gave it; null = it may go on. */
export function commandRejection(
  asked: Asked,
  issue: Pick<IssueDocument, "key" | "state" | "rule" | "why" | "waitsFor" | "run" | "pullRequest">,
  facts: Facts,
  policy: Policy,
): string | null {
  const { command, text } = asked;
  const { key, state } = issue;
  const over = TERMINAL.has(state) ? `${key} has ended (${state}): ${issue.why}` : null;
  const paused = facts.paused?.value === true;
  switch (command) {
    case "retry":
      if (issue.pullRequest?.merged === true) return `${key} is merged: there is nothing to retry`;
      if (issue.run !== null) return `${key} has a run in progress (${issue.run.id}); stop it first`;
      return NOT_MOVED_BY_RETRY.has(issue.rule) ? unmoved(issue) : null;
    case "stop":
      if (over !== null) return over;
      return state === "paused" && issue.run === null && facts.commanded?.value.granted === false
        ? `${key} is already stopped`
        : null;
    case "pause":
      return over ?? (paused ? `${key} is already paused` : null);
    case "resume":
      if (over !== null) return `${over}${startsAgain(issue)}`;
      return paused || state === "paused" ? null : `${key} is not paused (${state})`;
    case "cancel":
    case "close":
      return over;
    case "prompt":
      return isBlank(text) ? "the text is empty: say what to do" : null;
    case "answer":
      if (isBlank(text)) return "the text is empty: say what the answer is";
      return unanswerable(asked, issue.key, facts, policy);
  }
}

/** What there is to do in place of `resume` once an issue has ended. */
function startsAgain({
  key,
  rule,
  pullRequest,
}: Pick<IssueDocument, "key" | "rule" | "pullRequest">): string {
  if (NOT_MOVED_BY_RETRY.has(rule)) return "";
  return pullRequest?.merged === true
    ? ` To have more done, say what: \`patchrelay issue prompt ${key} TEXT\`.`
    : ` \`patchrelay issue retry ${key}\` starts it again.`;
}

/** What waits for something else than another try: a new budget would lie there unused. */
const NOT_MOVED_BY_RETRY: ReadonlySet<string> = new Set([
  "removed",
  "paused",
  "unrouted",
  "project_gone",
  "question_open",
  "question_overdue",
  "draft",
  "unapproved",
  "review_answered",
  "vetoed",
  "person_merges",
]);

function unmoved({ key, why, waitsFor }: Pick<IssueDocument, "key" | "why" | "waitsFor">): string {
  const helps = waitsFor === null ? "" : ` It waits for ${waitsFor}.`;
  return `a retry would change nothing for ${key}. ${why}${helps}`;
}

/** The question that an answer is for: the named one, else the only open one. */
export function openQuestion(named: string | null, facts: Facts, policy: Policy): string | null {
  return named ?? openQuestions(facts, policy)[0]?.id ?? null;
}

function unanswerable(
  { question }: Pick<Asked, "question">,
  key: string,
  facts: Facts,
  policy: Policy,
): string | null {
  const open = openQuestions(facts, policy);
  if (open.length === 0) return `${key} has no open question; use prompt to say something`;
  if (question === null) {
    return open.length === 1
      ? null
      : `${key} has more than one open question; name one: ${open.map(({ id }) => id).join(", ")}`;
  }
  if (open.some(({ id }) => id === question)) return null;
  return facts.questions[question] === undefined
    ? `${key} has no question ${JSON.stringify(question)}`
    : `question ${JSON.stringify(question)} is already answered`;
}

function isBlank(text: string | null): boolean {
  return text === null || text.trim() === "";
}
