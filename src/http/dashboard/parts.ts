import { html, webUrl } from "../../lib/html.ts";
import type { Content, Html } from "../../lib/html.ts";

/** Which colour a state has: it works, it waits for a person, it is over. */
const TONES: Readonly<Record<string, string>> = {
  preparing: "busy",
  implementing: "busy",
  repairing_ci: "busy",
  changes_requested: "busy",
  repairing_queue: "busy",
  pr_open: "busy",
  running: "busy",
  pending: "busy",
  doing: "busy",
  awaiting_input: "asks",
  escalated: "asks",
  quarantined: "bad",
  failed: "bad",
  done: "good",
  applied: "good",
  published: "good",
  answered: "good",
};

/** A state or outcome as a coloured word. */
export function badge(state: string): Html {
  return html`<span class="badge ${TONES[state] ?? "calm"}">${state.replaceAll("_", " ")}</span>`;
}

/** A time that the script turns into "3 min ago"; without it, UTC to the minute. */
export function when(at: string | null): Html | null {
  if (at === null) return null;
  return html`<time datetime="${at}" title="${at}">${at.slice(0, 16).replace("T", " ")} UTC</time>`;
}

/** A link to another site if the address is one that may be followed; else the words alone. */
export function outward(url: string | null, words: Content): Html {
  const safe = webUrl(url);
  return safe === null
    ? html`${words}`
    : html`<a href="${safe}" target="_blank" rel="noopener noreferrer">${words}</a>`;
}

/** Rows of name and value; rows without a value are left out. */
export function terms(rows: readonly (readonly [string, Content])[]): Html {
  const shown = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return html`<dl class="terms">
    ${shown.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

/** The link to the next page of a list, keeping its filters. */
export function more(
  path: string,
  filters: Readonly<Record<string, string | null>>,
  cursor: string | null,
): Content {
  if (cursor === null) return null;
  const query = new URLSearchParams({ cursor });
  for (const [name, value] of Object.entries(filters)) if (value !== null) query.set(name, value);
  return html`<p class="more"><a href="${path}?${query.toString()}">Older</a></p>`;
}

/** Large numbers in thousands and millions, as people say them. */
export function count(number: number): string {
  if (number >= 1_000_000) return `${(number / 1_000_000).toFixed(1)} M`;
  return number >= 10_000 ? `${Math.round(number / 1000)} k` : String(number);
}

export function money(usd: number | null): string | null {
  return usd === null ? null : `$${usd.toFixed(2)}`;
}

export function issueLink(key: string, words?: Content): Html {
  return html`<a href="/issues/${encodeURIComponent(key)}">${words ?? key}</a>`;
}

export function runLink(id: string, words: Content): Html {
  return html`<a href="/runs/${encodeURIComponent(id)}">${words}</a>`;
}
