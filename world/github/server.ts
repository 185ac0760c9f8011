import { createHash } from "node:crypto";
import type { WireReply, WireRequest } from "../wire.ts";
import { jsonReply } from "../wire.ts";
import type { Actor, Auth } from "./auth.ts";
import { answerGit, gitRequest } from "./git/http.ts";
import type { GitRequest } from "./git/http.ts";
import { answerGraphql, isMutation, priceOf } from "./graphql/answer.ts";
import type { GraphqlRequest } from "./graphql/answer.ts";
import type { Budget, Limits, Resource } from "./limits.ts";
import { limited, limitHeaders } from "./limits.ts";
import type { Ci, Core, Repository } from "./model/model.ts";
import { exclusive, mayWrite, permissionOf } from "./model/model.ts";
import { refsMoved } from "./model/pushes.ts";
import { actionRoutes } from "./rest/actions.ts";
import { appRoutes } from "./rest/apps.ts";
import { checkRoutes } from "./rest/checks.ts";
import { issueRoutes } from "./rest/issues.ts";
import { pullRoutes } from "./rest/pulls.ts";
import { repositoryRoutes } from "./rest/repositories.ts";
import type { Call, Routes } from "./rest/route.ts";
import { checkRunOf } from "./rest/route.ts";
import type { Asked, Schemas } from "./schemas.ts";
import { Refused } from "./schemas.ts";
import type { Webhooks } from "./webhooks.ts";

export interface ServerParts {
  readonly core: Core;
  readonly auth: Auth;
  readonly schemas: Schemas;
  readonly webhooks: Webhooks;
  readonly limits: Limits;
  readonly ci: () => Ci;
  /** Reads show the state of this time; Infinity = now. */
  readonly horizon: () => number;
  /** How the next limited requests are refused. */
  readonly limitKind: () => "primary" | "secondary";
}

const ROUTES: Routes = {
  ...repositoryRoutes,
  ...pullRoutes,
  ...issueRoutes,
  ...checkRoutes,
  ...actionRoutes,
  ...appRoutes,
};

// What a person without write access may do in a repository that they can read.
const OPEN_TO_READERS = new Set([
  "issues/create-comment",
  "pulls/create-reply-for-review-comment",
  "pulls/create",
]);

export interface Front {
  answer(request: WireRequest): Promise<WireReply>;
  rateLimited(request: WireRequest): WireReply;
}

/** Answers everything that the stand-in serves: git, job logs, GraphQL and REST. */
export function openFront(parts: ServerParts): Front {
  const answer = async (request: WireRequest): Promise<WireReply> => {
    try {
      const git = gitRequest(request.url);
      if (git !== null) return await answerGitRequest(parts, request, git);
      if (request.url.pathname.startsWith("/_logs/")) return answerLog(parts, request);
      const actor = parts.auth.authenticate(request.headers.authorization);
      if (request.url.pathname === "/graphql") return await answerQuery(parts, request, actor);
      return await answerRest(parts, request, actor);
    } catch (error) {
      if (error instanceof Refused) return refusal(error);
      throw error;
    }
  };
  return {
    answer,
    rateLimited(request) {
      // Git knows no budgets in headers: it is told "too many requests" and no more.
      if (gitRequest(request.url) !== null)
        return { status: 429, headers: { "content-type": "text/plain" }, body: "Too many requests" };
      const resource: Resource = request.url.pathname === "/graphql" ? "graphql" : "core";
      const kind = parts.limitKind();
      return limited(kind, parts.limits.see("limited", resource), resource);
    },
  };
}

function refusal(error: Refused): WireReply {
  const errors = error.errors.length === 0 ? {} : { errors: error.errors };
  return jsonReply(error.status, {
    message: error.message,
    ...errors,
    documentation_url: "https://docs.github.com/rest",
    status: String(error.status),
  });
}

function callerOf(actor: Actor): string {
  return actor.kind === "anonymous" ? "anonymous" : `${actor.kind} ${actor.person.login}`;
}

function parsedBody(request: WireRequest): unknown {
  if (request.body.length === 0) return undefined;
  try {
    return JSON.parse(request.body.toString("utf8")) as unknown;
  } catch {
    throw new Refused(400, "Problems parsing JSON");
  }
}

async function answerRest(parts: ServerParts, request: WireRequest, actor: Actor): Promise<WireReply> {
  const { core, limits, schemas } = parts;
  const asked = schemas.find(request.method, request.url.pathname);
  const caller = callerOf(actor);
  if (asked === null) {
    core.problem(`${request.method} ${request.url.pathname} is no operation that the stand-in knows`);
    throw new Refused(404, "Not Found");
  }
  if (asked.operation.id === "rate-limit/get") return rateLimits(parts, caller);
  const spent = limits.take(caller, "core", 1);
  if (!spent.enough) return limited("primary", spent.budget, "core");
  const headers = {
    ...limitHeaders(spent.budget, "core"),
    "x-github-media-type": "github.v3; format=json",
    "x-github-api-version-selected": "2022-11-28",
  };
  try {
    const route = ROUTES[asked.operation.id];
    if (route === undefined)
      throw new Error(`the stand-in describes ${asked.operation.id} but has no route for it`);
    const repository = repositoryFor(parts, asked, actor);
    const checked = schemas.check(asked, request.url.searchParams, parsedBody(request));
    const call: Call = {
      ...checked,
      core,
      auth: parts.auth,
      webhooks: parts.webhooks,
      ci: parts.ci,
      actor,
      at: request.method === "GET" ? parts.horizon() : Infinity,
      url: request.url,
      get repository() {
        if (repository === null) throw new Refused(404, "Not Found");
        return repository;
      },
    };
    const given = await route(call);
    const reply = { ...headers, ...given.headers };
    if (given.body === undefined) return { status: given.status, headers: reply, body: "" };
    const whole = jsonReply(
      given.status,
      schemas.response(asked.operation.id, given.status, given.body),
      reply,
    );
    return request.method === "GET" ? conditional(request, whole) : whole;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const reply = refusal(error);
    return { ...reply, headers: { ...headers, ...reply.headers } };
  }
}

/** A stored `etag` that still fits is answered 304 without a body. */
function conditional(request: WireRequest, reply: WireReply): WireReply {
  const etag = `W/"${createHash("sha256").update(reply.body).digest("hex")}"`;
  const headers = { ...reply.headers, etag, "cache-control": "private, max-age=60, s-maxage=60" };
  if (request.headers["if-none-match"] !== etag) return { ...reply, headers };
  return { status: 304, headers, body: "" };
}

/** The repository that the path names, if the caller may see it; null for paths without one. */
function repositoryFor(parts: ServerParts, asked: Asked, actor: Actor): Repository | null {
  const { owner, repo } = asked.path;
  if (owner === undefined || repo === undefined) {
    if (actor.kind === "anonymous" && asked.operation.id !== "meta/get")
      throw new Refused(401, "Requires authentication");
    return null;
  }
  const repository = named(parts.core, `${owner}/${repo}`);
  if (repository === null || permissionOf(repository, actor.person) === "none")
    throw new Refused(404, "Not Found");
  // An App itself may only ask about installations; its installation does the rest.
  if (actor.kind === "app" && !asked.operation.id.startsWith("apps/"))
    throw new Refused(403, "Resource not accessible by integration");
  if (asked.operation.method === "GET") return repository;
  if (actor.kind === "anonymous") throw new Refused(401, "Requires authentication");
  if (!mayWrite(repository, actor.person) && !OPEN_TO_READERS.has(asked.operation.id)) {
    throw new Refused(
      403,
      actor.kind === "installation"
        ? "Resource not accessible by integration"
        : "Must have push access to repository",
    );
  }
  return repository;
}

function named(core: Core, fullName: string): Repository | null {
  return core.repositories.get(fullName.toLowerCase()) ?? null;
}

function rateLimits(parts: ServerParts, caller: string): WireReply {
  const shown = (budget: Budget): unknown => ({
    limit: budget.limit,
    used: budget.used,
    remaining: budget.limit - budget.used,
    reset: Math.ceil(budget.resetAt / 1000),
  });
  const core = parts.limits.see(caller, "core");
  const body = {
    resources: {
      core: shown(core),
      graphql: shown(parts.limits.see(caller, "graphql")),
      search: shown(core),
    },
    rate: shown(core),
  };
  return jsonReply(200, parts.schemas.response("rate-limit/get", 200, body), limitHeaders(core, "core"));
}

async function answerQuery(parts: ServerParts, request: WireRequest, actor: Actor): Promise<WireReply> {
  if (request.method !== "POST") throw new Refused(404, "Not Found");
  if (actor.kind === "anonymous") throw new Refused(401, "This endpoint requires you to be authenticated.");
  const body = parsedBody(request);
  const given = (typeof body === "object" && body !== null ? body : {}) as Partial<GraphqlRequest>;
  if (typeof given.query !== "string")
    throw new Refused(400, "A query attribute must be specified and must be a string.");
  const query: GraphqlRequest = {
    query: given.query,
    variables: given.variables ?? {},
    operationName: given.operationName ?? null,
  };
  const caller = callerOf(actor);
  const cost = priceOf(query);
  const spent = parts.limits.take(caller, "graphql", cost.points);
  if (!spent.enough) return limited("primary", spent.budget, "graphql");
  // What takes longer than GitHub allows a query is cut off at its front, and charged all the same.
  if (cost.requests > parts.core.habits.graphqlRequests) {
    const headers = { "content-type": "text/html", ...limitHeaders(spent.budget, "graphql") };
    return { status: 502, headers, body: "<html><head><title>502 Bad Gateway</title></head></html>" };
  }
  const { limit, used, resetAt } = spent.budget;
  const at = isMutation(query) ? Infinity : parts.horizon();
  const result = await answerGraphql(
    { core: parts.core, at },
    actor,
    { cost, limit, remaining: limit - used, resetAt },
    query,
  );
  return jsonReply(200, result, limitHeaders(spent.budget, "graphql"));
}

/** The plain text of a job's log; the address is good for a minute and takes no credentials. */
function answerLog(parts: ServerParts, request: WireRequest): WireReply {
  const plain = { "content-type": "text/plain; charset=utf-8" };
  const [, , owner = "", name = "", job = ""] = request.url.pathname.split("/");
  if (request.headers.authorization !== undefined)
    return { status: 400, headers: plain, body: "an Authorization header is not welcome here" };
  if (Number(request.url.searchParams.get("until")) < parts.core.clock.now())
    return { status: 403, headers: plain, body: "this address has expired" };
  const repository = named(parts.core, `${owner}/${name}`);
  if (repository === null) throw new Refused(404, "Not Found");
  return { status: 200, headers: plain, body: checkRunOf(repository, Number(job)).log };
}

async function answerGitRequest(
  parts: ServerParts,
  request: WireRequest,
  git: GitRequest,
): Promise<WireReply> {
  const { core, auth } = parts;
  const repository = named(core, git.repository);
  const plain = { "content-type": "text/plain" };
  const challenge: WireReply = {
    status: 401,
    headers: { ...plain, "www-authenticate": 'Basic realm="GitHub"' },
    body: "",
  };
  let actor: Actor;
  try {
    actor = auth.authenticate(request.headers.authorization);
  } catch {
    return challenge;
  }
  if (actor.kind === "app") return challenge;
  const seen = repository !== null && permissionOf(repository, actor.person) !== "none";
  if (actor.kind === "anonymous" && (!seen || git.writes)) return challenge;
  if (repository === null || !seen) return { status: 404, headers: plain, body: "Repository not found." };
  if (git.writes && !mayWrite(repository, actor.person)) {
    return {
      status: 403,
      headers: plain,
      body: `Permission to ${repository.fullName}.git denied to ${actor.person.login}.`,
    };
  }
  const run = (): Promise<WireReply> =>
    answerGit(repository.git.folder, request, git.path, actor.person.login);
  if (request.method !== "POST" || !git.writes) return run();
  return exclusive(repository, async () => {
    const before = await repository.git.refs();
    const reply = await run();
    await refsMoved(core, repository, before, await repository.git.refs(), actor.person);
    return reply;
  });
}
