import type { BudgetOverview, IssueDocument, Page, QueueDocument } from "../../engines/documents.ts";
import { FACTORY_STATES } from "../../factory/facts/state.ts";
import { html } from "../../lib/html.ts";
import type { Html } from "../../lib/html.ts";
import { badge, count, issueLink, money, more, outward, when } from "./parts.ts";
import { page } from "./page.ts";

export interface IssuesView {
  readonly issues: Page<IssueDocument>;
  readonly byState: Readonly<Record<string, number>>;
  readonly queue: QueueDocument;
  readonly budget: BudgetOverview;
  readonly filter: { readonly state: string | null; readonly q: string | null };
  /** Where issues come from, for people. */
  readonly trackers: readonly string[];
}

/** All issues, newest first, with where each stands and what it waits for. */
export function issuesPage(view: IssuesView): Html {
  const { issues, byState, queue, budget, filter, trackers } = view;
  const today = [
    `${queue.slots.used} of ${queue.slots.total} slots`,
    `${budget.runsToday} runs today`,
    `${count(budget.tokensToday)} tokens`,
    `${money(budget.usdToday) ?? ""}${budget.usdPerDay === null ? "" : ` of ${money(budget.usdPerDay)}`}`,
  ];
  return page(
    "Issues",
    "issues",
    html`<div class="line">
        <h1>Issues</h1>
        <p class="faint" id="today" data-live>${today.join(" · ")}</p>
      </div>
      <form class="filter" method="get" action="/" role="search">
        <label>
          <span>Search</span>
          <input type="search" name="q" value="${filter.q}" placeholder="Key or title" />
        </label>
        <label>
          <span>State</span>
          <select name="state">
            <option value="">all</option>
            ${Object.keys(FACTORY_STATES).map(
              (state) =>
                html`<option value="${state}" ${state === filter.state ? html`selected` : null}>
                  ${state.replaceAll("_", " ")} (${byState[state] ?? 0})
                </option>`,
            )}
          </select>
        </label>
        <button>Show</button>
      </form>
      <div id="issues" data-live>
        ${
          issues.items.length === 0
            ? html`<p class="card faint">
                ${
                  filter.q === null && filter.state === null
                    ? `No issues yet. Delegate a ${trackers.join(" or ")} issue to the relay, or mention it on one.`
                    : "No issues match."
                }
              </p>`
            : html`<ul class="issues">
                ${issues.items.map(row)}
              </ul>`
        }
        ${more("/", filter, issues.nextCursor)}
      </div>`,
  );
}

function row(issue: IssueDocument): Html {
  const pull = issue.pullRequest;
  return html`<li class="card issue">
    <div class="line">
      <h2>${issueLink(issue.key, html`<span class="key">${issue.key}</span> <bdi>${issue.title}</bdi>`)}</h2>
      ${badge(issue.state)}
    </div>
    <p><bdi>${issue.why}</bdi></p>
    ${asks(issue)}
    <p class="faint small">
      ${issue.waitsFor === null ? null : html`waits for ${issue.waitsFor} · `}
      ${issue.queue === null ? null : html`place ${issue.queue.position} in the queue · `}
      ${pull === null ? null : html`${outward(pull.url, `#${pull.number}`)} · `}
      ${issue.repository === null ? null : html`${issue.repository} · `} since ${when(issue.since)}
    </p>
  </li>`;
}

// Often the why quotes the question already.
function asks({ question, why }: IssueDocument): Html | null {
  if (question === null || why.includes(question.text)) return null;
  return html`<p class="asks-text">Asks: <bdi>${question.text}</bdi></p>`;
}
