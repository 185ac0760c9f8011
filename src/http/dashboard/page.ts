import { createHash } from "node:crypto";
import type { FastifyReply } from "fastify";
import { html } from "../../lib/html.ts";
import type { Content, Html } from "../../lib/html.ts";

/** Nothing but our own files runs or loads, and nobody may frame us. */
const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Answers with a page. */
export async function sendPage(reply: FastifyReply, page: Html): Promise<FastifyReply> {
  return await reply
    .header("content-security-policy", PAGE_CSP)
    .type("text/html; charset=utf-8")
    .send(`<!doctype html>\n${page.toString()}`);
}

/** A whole page of the dashboard. `here`: the entry of the menu it belongs to. */
export function page(title: string, here: "issues" | "deliveries" | null, body: Content): Html {
  const entry = (name: string, href: string, key: typeof here): Html =>
    html`<a href="${href}" ${key === here ? html`aria-current="page"` : null}>${name}</a>`;
  return html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>${title} · patchrelay</title>
      <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
      <link rel="stylesheet" href="/assets/dashboard.css" />
      <script src="/assets/dashboard.js" defer></script>
    </head>
    <body>
      <a class="skip" href="#main">Skip to content</a>
      <header class="top">
        <a class="brand" href="/"><img src="/assets/icon.svg" alt="" width="22" height="22" />patchrelay</a>
        <nav aria-label="Pages">
          ${entry("Issues", "/", "issues")} ${entry("Deliveries", "/deliveries", "deliveries")}
        </nav>
        <span class="live" id="live" role="status">not updating</span>
      </header>
      <main id="main">${body}</main>
      <p id="said" class="said" role="status" aria-live="polite"></p>
    </body>
  </html>`;
}

/** A tag for If-None-Match that changes with the content. */
export function etagOf(content: string): string {
  return `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`;
}
