import type { FastifyInstance } from "fastify";
import { DELIVERY_STATES, EFFECT_STATES } from "../../engines/documents.ts";
import type { AgentDocument, DeliveryDocument, PageRequest } from "../../engines/documents.ts";
import { deliveryName, OBSERVATIONS } from "../../engines/engine.ts";
import type { Views } from "../../engines/engine.ts";
import { FACTORY_STATES } from "../../factory/facts/state.ts";
import { parseTime } from "../../lib/clock.ts";
import { conflict, notFound, Problem } from "../problem.ts";
import { answers } from "./describe.ts";
import { oneOf, page, reference } from "./schema.ts";
import type { Schema } from "./schema.ts";

/** Most issues, runs … on one page, and how many without `limit`. */
const PAGE_MOST = 500;
const PAGE_DEFAULT = 50;

const PAGING: Readonly<Record<string, Schema>> = {
  limit: { type: "integer", minimum: 1, maximum: PAGE_MOST, default: PAGE_DEFAULT },
  cursor: { type: "string", minLength: 1, maxLength: 200, description: "nextCursor of the previous page" },
};
const FILTER: Schema = { type: "string", minLength: 1, maxLength: 200 };

/** The routes that only look. */
export function inspection(
  app: FastifyInstance,
  views: Views,
  agents: () => Promise<readonly AgentDocument[]>,
  names: { readonly sources: readonly string[]; readonly repositories: readonly string[] },
): void {
  app.get(
    "/api/issues",
    {
      schema: answers("Issues, newest first", page("Issue"), {
        query: { state: oneOf(Object.keys(FACTORY_STATES)), repo: FILTER, q: FILTER, ...PAGING },
      }),
    },
    async (request) => {
      const { state, repo, q, ...rest } = request.query as Query & {
        state?: string;
        repo?: string;
        q?: string;
      };
      if (repo !== undefined) await refuseUnknownRepository(views, repo, names.repositories);
      return await views.issues({ state: state ?? null, repo: repo ?? null, q: q ?? null }, paging(rest));
    },
  );
  app.get(
    "/api/issues/:key",
    { schema: answers("One issue", reference("Issue"), { params: ["key"] }) },
    async (request) => found(await views.issue(keyOf(request)), keyOf(request)),
  );
  app.get(
    "/api/issues/:key/journal",
    {
      schema: answers("Its journal, newest first", page("JournalEntry"), { params: ["key"], query: PAGING }),
    },
    async (request) => found(await views.journal(keyOf(request), paging(request.query)), keyOf(request)),
  );
  app.get(
    "/api/issues/:key/runs",
    { schema: answers("Its runs, newest first", page("Run"), { params: ["key"], query: PAGING }) },
    async (request) => {
      const issue = found(await views.issueId(keyOf(request)), keyOf(request));
      return await views.runs({ issue }, paging(request.query));
    },
  );
  app.get(
    "/api/issues/:key/why",
    {
      schema: answers("Why it is where it is", reference("Why"), {
        params: ["key"],
        query: {
          at: { type: "string", description: "A seq of the journal or an ISO 8601 time in the past" },
        },
      }),
    },
    async (request) => {
      const key = keyOf(request);
      const { at } = request.query as { at?: string };
      found(await views.issueId(key), key);
      const why = await views.why(key, at === undefined ? null : moment(at));
      if (why === null) throw notFound(`nothing was known about ${key} at that time`);
      return why;
    },
  );
  app.get(
    "/api/runs",
    {
      schema: answers("Runs, newest first", page("Run"), {
        query: { issue: FILTER, ...PAGING },
        problems: [404],
      }),
    },
    async (request) => {
      const { issue } = request.query as Query;
      if (issue !== undefined) found(await views.issueId(issue), issue);
      return await views.runs({ issue: issue ?? null }, paging(request.query));
    },
  );
  app.get(
    "/api/runs/:id",
    { schema: answers("One run", reference("Run"), { params: ["id"] }) },
    async (request) => {
      const run = await views.run(idOf(request));
      if (run === null) throw notFound(`there is no run ${JSON.stringify(idOf(request))}`);
      return run;
    },
  );
  app.get(
    "/api/runs/:id/events",
    { schema: answers("Its log, oldest first", page("RunEvent"), { params: ["id"], query: PAGING }) },
    async (request) => {
      const events = await views.runEvents(idOf(request), paging(request.query));
      if (events === null) throw notFound(`there is no run ${JSON.stringify(idOf(request))}`);
      return events;
    },
  );
  app.get(
    "/api/queue",
    { schema: answers("Runs waiting for a slot", reference("Queue")) },
    async () => await views.queue(),
  );
  app.get("/api/agents", { schema: answers("The agents", page("Agent")) }, async () => ({
    items: await agents(),
    nextCursor: null,
  }));
  app.get(
    "/api/budget",
    { schema: answers("Today's spending", reference("Budget")) },
    async () => await views.budget(),
  );
  app.get(
    "/api/deliveries",
    {
      schema: answers("Webhooks, newest first", page("Delivery"), {
        query: {
          state: oneOf(DELIVERY_STATES),
          source: oneOf([...names.sources, OBSERVATIONS]),
          ...PAGING,
        },
      }),
    },
    async (request) => {
      const { state, source } = request.query as Query;
      return await views.deliveries({ state: state ?? null, source: source ?? null }, paging(request.query));
    },
  );
  app.get(
    "/api/deliveries/:id",
    {
      schema: answers("One webhook, by its delivery id or source:id", reference("Delivery"), {
        params: ["id"],
        problems: [409],
      }),
    },
    async (request) => await oneDelivery(views, idOf(request)),
  );
  app.get(
    "/api/outbox",
    {
      schema: answers("Effects, newest first", page("Effect"), {
        query: { state: oneOf(EFFECT_STATES), issue: FILTER, ...PAGING },
        problems: [404],
      }),
    },
    async (request) => {
      const { state, issue } = request.query as Query;
      const effects = await views.outbox(
        { state: state ?? null, issue: issue ?? null },
        paging(request.query),
      );
      // An effect may be what reads an issue that is not known yet.
      if (issue !== undefined && effects.items.length === 0) found(await views.issueId(issue), issue);
      return effects;
    },
  );
}

/** A misspelt repository must not look like one without issues. Rejects with 400. */
async function refuseUnknownRepository(
  views: Views,
  repo: string,
  configured: readonly string[],
): Promise<void> {
  const isSame = (name: string): boolean => name.toLowerCase() === repo.toLowerCase();
  if (configured.some(isSame)) return;
  // It may have been taken out of the configuration.
  const kept = await views.issues({ state: null, repo, q: null }, { limit: 1, cursor: null });
  if (kept.items.length > 0) return;
  throw new Problem(400, "bad_value", `no project has the repository ${JSON.stringify(repo)}`, {
    hint: configured.length === 0 ? "no project is configured" : `one of: ${configured.join(", ")}`,
  });
}

/** The delivery of that id. Rejects with 404, or 409 when two sources have one of that id. */
export async function oneDelivery(views: Views, id: string): Promise<DeliveryDocument> {
  const [first, ...others] = await views.delivery(id);
  if (first === undefined) throw notFound(`there is no delivery ${JSON.stringify(id)}`);
  if (others.length > 0) {
    const names = [first, ...others].map(deliveryName);
    throw conflict(
      `more than one delivery has the id ${JSON.stringify(id)}`,
      `name one: ${names.join(", ")}`,
    );
  }
  return first;
}

/** What was found. Throws 404 when that is nothing. */
export function found<T>(document: T | null, key: string): T {
  if (document === null)
    throw notFound(
      `there is no issue ${JSON.stringify(key)}`,
      "patchrelay issue list, or GET /api/issues, lists the known ones",
    );
  return document;
}

export function keyOf(request: { readonly params: unknown }): string {
  return (request.params as { key: string }).key;
}

export function idOf(request: { readonly params: unknown }): string {
  return (request.params as { id: string }).id;
}

interface Query {
  readonly limit?: number;
  readonly cursor?: string;
  readonly state?: string;
  readonly source?: string;
  readonly issue?: string;
}

function paging(query: unknown): PageRequest {
  const { limit, cursor } = query as Query;
  return { limit: limit ?? PAGE_DEFAULT, cursor: cursor ?? null };
}

function moment(at: string): { readonly seq: number } | { readonly time: number } {
  if (/^\d{1,15}$/.test(at)) return { seq: Number(at) };
  const time = /^\d{4}-\d{2}-\d{2}/.test(at) ? parseTime(at) : null;
  if (time === null) {
    throw new Problem(400, "bad_value", "the query's at is neither a journal seq nor an ISO 8601 time");
  }
  return { time };
}
