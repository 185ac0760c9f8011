import { html } from "../../lib/html.ts";
import type { Html } from "../../lib/html.ts";
import type { Problem } from "../problem.ts";
import { page } from "./page.ts";

/** What a browser shows instead of a problem document. */
export function problemPage(problem: Problem): Html {
  const { title, detail, status } = problem.toJSON();
  return page(
    title,
    null,
    html`<section class="card">
      <h1>${status} ${title}</h1>
      <p>${detail}</p>
      ${problem.hint === null ? null : html`<p class="faint">${problem.hint}</p>`}
      <p><a href="/">All issues</a></p>
    </section>`,
  );
}
