import type { RunDocument, RunEventDocument } from "../../engines/documents.ts";
import { runTypeWords } from "../../factory/facts/run-types.ts";
import { html } from "../../lib/html.ts";
import type { Html } from "../../lib/html.ts";
import { page } from "./page.ts";
import { badge, count, issueLink, money, terms, when } from "./parts.ts";

export interface RunView {
  readonly run: RunDocument;
  /** Key of its issue. */
  readonly key: string;
  readonly events: readonly RunEventDocument[];
  /** Whether older lines are not shown. */
  readonly cut: boolean;
}

/** One run with its log, which goes on while you look. */
export function runPage({ run, key, events, cut }: RunView): Html {
  return page(
    `Run ${run.number} of ${key}`,
    "issues",
    html`<div id="run" data-live data-issue="${run.issue}" data-run="${run.id}">
        <p>${issueLink(key, `← ${key}`)}</p>
        <div class="line">
          <h1>Run ${run.number}: ${runTypeWords(run.type)}</h1>
          ${badge(run.outcome ?? run.state)}
        </div>
        <section class="card">
          ${run.why === null ? null : html`<p class="why"><bdi>${run.why}</bdi></p>`}
          ${terms([
            ["Started", when(run.startedAt)],
            ["Ended", when(run.endedAt)],
            ["Failure", run.failureClass],
            [
              "Head before",
              run.headBefore === null ? null : html`<code>${run.headBefore.slice(0, 12)}</code>`,
            ],
            ["Head after", run.headAfter === null ? null : html`<code>${run.headAfter.slice(0, 12)}</code>`],
            [
              "Tokens",
              `${count(run.tokens.input)} in (${count(run.tokens.cached)} cached), ${count(run.tokens.output)} out`,
            ],
            ["Cost", money(run.usd)],
            ["Thread", run.thread === null ? null : html`<code>${run.thread}</code>`],
          ])}
        </section>
      </div>
      <h2>Log</h2>
      ${cut ? html`<p class="faint small">Older lines are in the API: /api/runs/${run.id}/events</p>` : null}
      <ol class="log" id="log" data-log="${run.id}" data-after="${events.at(-1)?.seq ?? 0}" tabindex="0">
        ${events.map(
          (event) =>
            html`<li>
              ${when(event.at)}<span class="kind">${event.kind}</span><span class="text">${event.text}</span>
            </li>`,
        )}
      </ol>`,
  );
}
