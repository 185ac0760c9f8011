import { existsSync } from "node:fs";
import type { IssueDocument } from "../../../engines/documents.ts";
import { runTypeWords } from "../../../factory/facts/run-types.ts";
import { escapeHidden } from "../../../lib/text.ts";
import type { Context } from "../../usage/command.ts";
import { fieldLines } from "../../show/fields.ts";
import { count, dollars } from "../../show/numbers.ts";
import { stateStyle } from "../../show/style.ts";
import { timeWriter } from "../../show/times.ts";

/** An issue as a page for a person. */
export function issuePage(issue: IssueDocument, context: Context): readonly string[] {
  const { style } = context;
  const time = timeWriter(context.terminal, context.host.clock.now());
  const { pullRequest: pull, run, queue, spent } = issue;
  return [
    `${style.bold(escapeHidden(issue.key))}  ${escapeHidden(issue.title)}`,
    "",
    ...fieldLines(
      [
        ["state", issue.state, stateStyle(issue.state, style)],
        ["since", time(issue.since)],
        ["why", `${issue.why} (${issue.rule})`],
        ["waits for", issue.waitsFor],
        ["until", issue.until === null ? null : time(issue.until)],
        ["queue", queue === null ? null : `place ${queue.position}: ${queue.reason}`],
        [
          "run",
          run === null ? null : `${run.id}  ${runTypeWords(run.type)}, ${started(run.startedAt, time)}`,
        ],
        ["pull request", pull === null ? null : `#${pull.number} ${pullState(pull)}  ${pull.url}`],
        ["head", pull === null ? null : pull.head],
        ["issue", issue.url],
        ["repository", issue.repository],
        ["branch", issue.branch],
        ["worktree", worktreeText(issue.worktree)],
        ["budgets", budgetsText(issue.budgets)],
        ["spent", spentText(spent)],
        ["updated", time(issue.updatedAt)],
      ],
      style,
    ),
    ...questionLines(issue, context),
  ];
}

function worktreeText(worktree: string | null): string | null {
  return worktree === null || existsSync(worktree) ? worktree : "removed";
}

function started(startedAt: string | null, time: (time: string | null) => string): string {
  return startedAt === null ? "not started yet" : `started ${time(startedAt)}`;
}

function pullState({ state, merged }: NonNullable<IssueDocument["pullRequest"]>): string {
  return merged ? "merged" : state;
}

function spentText({ runs, tokens, usd }: IssueDocument["spent"]): string {
  const money = dollars(usd);
  return `${runs} ${runs === 1 ? "run" : "runs"}, ${count(tokens)} tokens${money === null ? "" : `, ${money}`}`;
}

function budgetsText(budgets: IssueDocument["budgets"]): string | null {
  const used = Object.entries(budgets).filter(([, { spent }]) => spent > 0);
  if (used.length === 0) return null;
  return used
    .map(([name, { spent, limit }]) => `${name} ${count(spent)}${limit === null ? "" : `/${count(limit)}`}`)
    .join(", ");
}

function questionLines({ question, key }: IssueDocument, { style }: Context): readonly string[] {
  if (question === null) return [];
  return [
    "",
    style.yellow("It asks:"),
    ...escapeHidden(question.text, "layout")
      .split("\n")
      .map((line) => `  ${line}`),
    ...question.options.map((option, index) => `  ${index + 1}. ${escapeHidden(option)}`),
    style.dim(`Answer: patchrelay issue answer ${escapeHidden(key)} "…"`),
  ];
}
