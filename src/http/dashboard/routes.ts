import type { FastifyInstance } from "fastify";
import { DELIVERY_STATES } from "../../engines/documents.ts";
import type { Page, RunEventDocument } from "../../engines/documents.ts";
import type { Engine, Views } from "../../engines/engine.ts";
import { FACTORY_STATES } from "../../factory/facts/state.ts";
import type { Policy } from "../../factory/facts/policy.ts";
import { found, idOf, keyOf } from "../api/inspection.ts";
import { commandRejection } from "../api/command-guard.ts";
import { notFound } from "../problem.ts";
import type { Source } from "../webhooks/source.ts";
import { deliveriesPage } from "./deliveries-page.ts";
import { issuePage } from "./issue-page.ts";
import { issuesPage } from "./issues-page.ts";
import { etagOf, sendPage } from "./page.ts";
import { runPage } from "./run-page.ts";
import { ICON } from "./icon.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** Lines of a log, entries of a timeline, rows of a list on one page. */
const LOG_LINES = 500;
const LOG_PAGES = 8;
const ENTRIES = 100;
const ROWS = 50;

const config = { page: true };
const schema = { hide: true };

/** The pages. They show documents of the engine's views and nothing else. */
export function dashboard(
  app: FastifyInstance,
  engine: Engine,
  policy: Policy,
  sources: readonly Source[],
): void {
  const { views } = engine;
  const trackers = sources.filter(({ isTracker }) => isTracker).map(({ label }) => label);

  app.get("/", { config, schema }, async (request, reply) => {
    const { state, q, cursor } = request.query as Query;
    const filter = { state: known(state, Object.keys(FACTORY_STATES)), q: filled(q) };
    const issues = await views.issues({ ...filter, repo: null }, { limit: ROWS, cursor: filled(cursor) });
    const { byState } = await views.counts();
    return await sendPage(
      reply,
      issuesPage({
        issues,
        byState,
        queue: await views.queue(),
        budget: await views.budget(),
        filter,
        trackers,
      }),
    );
  });

  app.get("/issues/:key", { config, schema }, async (request, reply) => {
    const key = keyOf(request);
    const cursor = filled((request.query as Query).cursor);
    const issue = found(await views.issue(key), key);
    const journal = found(await views.journal(issue.id, { limit: ENTRIES, cursor }), key);
    const runs = await views.runs({ issue: issue.id }, { limit: ENTRIES, cursor: null });
    const id = await views.issueId(issue.id);
    const facts = id === null ? null : await engine.facts(id);
    return await sendPage(
      reply,
      issuePage({
        issue,
        journal,
        runs,
        rejectionOf: (command) =>
          facts === null
            ? null
            : commandRejection({ command, text: null, question: null }, issue, facts, policy),
      }),
    );
  });

  app.get("/runs/:id", { config, schema }, async (request, reply) => {
    const id = idOf(request);
    const run = await views.run(id);
    if (run === null) throw notFound(`there is no run ${JSON.stringify(id)}`);
    const key = (await views.issue(run.issue))?.key ?? run.issue;
    return await sendPage(reply, runPage({ run, key, ...(await newestLines(views, id)) }));
  });

  app.get("/deliveries", { config, schema }, async (request, reply) => {
    const { state, cursor } = request.query as Query;
    const filter = { state: known(state, DELIVERY_STATES) };
    const deliveries = await views.deliveries(
      { ...filter, source: null },
      { limit: ROWS, cursor: filled(cursor) },
    );
    return await sendPage(reply, deliveriesPage({ deliveries, filter }));
  });

  asset(app, "/assets/dashboard.css", "text/css; charset=utf-8", STYLE);
  asset(app, "/assets/dashboard.js", "text/javascript; charset=utf-8", SCRIPT);
  asset(app, "/assets/icon.svg", "image/svg+xml", ICON);
}

/** The last lines of a run's log; its pages begin with the oldest. */
async function newestLines(
  views: Views,
  id: string,
): Promise<{ readonly events: readonly RunEventDocument[]; readonly cut: boolean }> {
  let cursor: string | null = null;
  let events: readonly RunEventDocument[] = [];
  let read = 0;
  for (let round = 0; round < LOG_PAGES; round += 1) {
    const next: Page<RunEventDocument> | null = await views.runEvents(id, { limit: LOG_LINES, cursor });
    read += next?.items.length ?? 0;
    events = [...events, ...(next?.items ?? [])].slice(-LOG_LINES);
    cursor = next?.nextCursor ?? null;
    if (cursor === null) break;
  }
  return { events, cut: read > events.length };
}

interface Query {
  readonly state?: unknown;
  readonly q?: unknown;
  readonly cursor?: unknown;
}

/** An empty field of a form means that it was not filled in. */
function filled(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.slice(0, 200) : null;
}

function known(value: unknown, words: readonly string[]): string | null {
  const given = filled(value);
  return given !== null && words.includes(given) ? given : null;
}

function asset(app: FastifyInstance, url: string, type: string, content: string): void {
  const etag = etagOf(content);
  app.get(url, { schema }, async (request, reply) => {
    reply.header("etag", etag).header("cache-control", "no-cache").type(type);
    if (request.headers["if-none-match"] === etag) return await reply.status(304).send();
    return await reply.send(content);
  });
}
