import type { IssueDocument, JournalDocument, Page, RunDocument } from "../../engines/documents.ts";
import { runTypeWords } from "../../factory/facts/run-types.ts";
import { html } from "../../lib/html.ts";
import type { Content, Html } from "../../lib/html.ts";
import type { CommandName } from "../api/command-guard.ts";
import { page } from "./page.ts";
import { badge, count, money, more, outward, runLink, terms, when } from "./parts.ts";

export interface IssueView {
  readonly issue: IssueDocument;
  readonly journal: Page<JournalDocument>;
  readonly runs: Page<RunDocument>;
  /** Why a command is rejected now; null = it is not. */
  readonly rejectionOf: (command: CommandName) => string | null;
}

/** One issue: where it stands, what is asked, what may be done, what happened. */
export function issuePage(view: IssueView): Html {
  const { issue, journal, runs } = view;
  return page(
    `${issue.key} ${issue.title}`,
    "issues",
    html`<div id="state" data-live data-issue="${issue.id}">
        <div class="line">
          <h1><span class="key">${issue.key}</span> <bdi>${outward(issue.url, issue.title)}</bdi></h1>
          ${badge(issue.state)}
        </div>
        ${currentState(issue)}
      </div>
      <div id="question" data-live>${question(issue)}</div>
      <div id="commands" data-live>${actions(view)}</div>
      ${prompt(issue)}
      <div class="columns">
        <section>
          <h2>Timeline</h2>
          <div id="timeline" data-live>
            ${
              journal.items.length === 0
                ? html`<p class="faint">Nothing has happened yet.</p>`
                : html`<ol class="timeline">
                    ${folded(journal.items).map(step)}
                  </ol>`
            }
            ${more(`/issues/${encodeURIComponent(issue.key)}`, {}, journal.nextCursor)}
          </div>
        </section>
        <aside id="beside" data-live>
          <h2>Facts</h2>
          ${facts(issue)} ${budgets(issue)}
          <h2>Runs</h2>
          ${runList(runs.items)}
        </aside>
      </div>`,
  );
}

function currentState(issue: IssueDocument): Html {
  return html`<section class="card" aria-label="Current state">
    <p class="why"><bdi>${issue.why}</bdi></p>
    <p class="faint small">
      ${issue.waitsFor === null ? null : html`Waits for ${issue.waitsFor}. `}
      ${issue.until === null ? null : html`Looks again ${when(issue.until)}. `} Since ${when(issue.since)}, by
      the rule <code>${issue.rule}</code>.
    </p>
  </section>`;
}

function question(issue: IssueDocument): Content {
  const asked = issue.question;
  if (asked === null) return null;
  return html`<section class="card asked" aria-label="Open question">
    <h2>A question for you</h2>
    <p class="said-text"><bdi>${asked.text}</bdi></p>
    <form data-command="${path(issue, "answer")}" class="stack">
      <input type="hidden" name="question" value="${asked.id}" />
      ${
        asked.options.length === 0
          ? null
          : html`<p class="buttons">
              ${asked.options.map((option) => html`<button name="text" value="${option}">${option}</button>`)}
            </p>`
      }
      <label for="answer">Your answer</label>
      <textarea id="answer" name="text" rows="3"></textarea>
      <p class="buttons">
        <button class="main">Answer</button><span class="faint small">asked ${when(asked.askedAt)}</span>
      </p>
    </form>
  </section>`;
}

/** Command, its button, and what to ask before it: the consequence follows the name of the issue. */
const ACTIONS: readonly (readonly [CommandName, string, string | null])[] = [
  ["retry", "Retry", null],
  ["pause", "Pause", null],
  ["resume", "Resume", null],
  ["stop", "Stop", "The relay stops the run and all work on it."],
  ["close", "Close", "The relay stops working on it and leaves the pull request open."],
  ["cancel", "Cancel", "The relay stops working on it and closes the pull request."],
];

function actions({ issue, rejectionOf }: IssueView): Html {
  return html`<div class="buttons" role="group" aria-label="Commands">
    ${ACTIONS.map(([command, words, consequence]) => {
      const why = rejectionOf(command);
      return html`<form
        data-command="${path(issue, command)}"
        ${consequence === null ? null : html`data-confirm="${words} ${issue.key}? ${consequence}"`}
      >
        <button ${why === null ? null : html`disabled title="${why}"`}>${words}</button>
      </form>`;
    })}
  </div>`;
}

function prompt(issue: IssueDocument): Html {
  return html`<details class="card">
    <summary>Message the agent</summary>
    <form data-command="${path(issue, "prompt")}" class="stack">
      <label for="prompt">Message</label>
      <textarea id="prompt" name="text" rows="4" required></textarea>
      <p class="buttons"><button class="main">Send</button></p>
    </form>
  </details>`;
}

type Step = readonly [JournalDocument, ...JournalDocument[]];

/** Neighbours that left the issue where it stood, for the same reason, are one step with the newest line in front. */
function folded(lines: readonly JournalDocument[]): readonly Step[] {
  const steps: [JournalDocument, ...JournalDocument[]][] = [];
  for (const line of lines) {
    const last = steps.at(-1);
    if (last !== undefined && !isMove(last[0]) && !isMove(line) && last[0].why === line.why) last.push(line);
    else steps.push([line]);
  }
  return steps;
}

const isMove = (line: JournalDocument): boolean => line.from !== line.to;

function step([first, ...others]: Step): Html {
  const before =
    others.length === 0
      ? null
      : html`<details class="small">
          <summary>${others.length} earlier ${others.length === 1 ? "entry" : "entries"}, no change</summary>
          <ol class="timeline">
            ${others.map((line) => entry(line, null))}
          </ol>
        </details>`;
  return entry(first, before);
}

function entry(line: JournalDocument, before: Html | null): Html {
  const { observation, effects } = line;
  const moved = isMove(line);
  return html`<li class="${moved ? "moved" : ""}">
    <p class="line small">
      <span>
        ${moved ? html`${line.from === null ? null : html`${badge(line.from)} → `}${badge(line.to)}` : null}
        <span class="faint">${observation.kind.replaceAll("_", " ")} · ${observation.source}</span>
      </span>
      <span class="faint">${when(line.at)}</span>
    </p>
    <p><bdi>${line.why}</bdi></p>
    ${
      effects.length === 0
        ? null
        : html`<details class="small">
            <summary>
              ${effects.length} ${effects.length === 1 ? "effect" : "effects"}, rule ${line.rule}
            </summary>
            <ul class="plain">
              ${effects.map(
                (effect) =>
                  html`<li>
                    ${badge(effect.state)} ${effect.kind.replaceAll("_", " ")}
                    <code>${effect.key}</code>
                  </li>`,
              )}
            </ul>
          </details>`
    }
    ${before}
  </li>`;
}

function facts(issue: IssueDocument): Html {
  const pull = issue.pullRequest;
  return terms([
    ["Repository", issue.repository],
    ["Branch", issue.branch === null ? null : html`<code>${issue.branch}</code>`],
    [
      "Pull request",
      pull === null
        ? null
        : html`${outward(pull.url, `#${pull.number}`)} ${pull.merged ? "merged" : pull.state},
            <code>${pull.head.slice(0, 10)}</code>`,
    ],
    ["Run", issue.run === null ? null : runLink(issue.run.id, runTypeWords(issue.run.type))],
    ["Queue", issue.queue === null ? null : `place ${issue.queue.position}: ${issue.queue.reason}`],
    ["Project", issue.project],
    ["Worktree", issue.worktree === null ? null : html`<code>${issue.worktree}</code>`],
    ["Spent", [`${count(issue.spent.tokens)} tokens`, money(issue.spent.usd)].filter(Boolean).join(", ")],
    ["Tracked since", when(issue.createdAt)],
  ]);
}

function budgets(issue: IssueDocument): Content {
  const rows = Object.entries(issue.budgets);
  if (rows.length === 0) return null;
  return html`<h2>Budgets</h2>
    <ul class="plain budgets">
      ${rows.map(
        ([name, { spent, limit }]) =>
          html`<li>
            <span>${name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}</span>
            <span class="faint">${count(spent)}${limit === null ? "" : ` of ${count(limit)}`}</span>
            ${
              limit === null || limit === 0
                ? null
                : html`<meter min="0" max="${limit}" high="${limit * 0.99}" value="${spent}">${spent}</meter>`
            }
          </li>`,
      )}
    </ul>`;
}

function runList(runs: readonly RunDocument[]): Html {
  if (runs.length === 0) return html`<p class="faint">None yet.</p>`;
  return html`<ul class="plain runs">
    ${runs.map(
      (run) =>
        html`<li>
          ${runLink(run.id, `${run.number} ${runTypeWords(run.type)}`)} ${badge(run.outcome ?? run.state)}
          <span class="faint small">${when(run.endedAt ?? run.startedAt)}</span>
        </li>`,
    )}
  </ul>`;
}

function path(issue: IssueDocument, command: CommandName): string {
  return `/api/issues/${encodeURIComponent(issue.id)}/${command}`;
}
