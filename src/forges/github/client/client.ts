import { z } from "zod";
import type { Clock } from "../../../lib/clock.ts";
import { parseTime } from "../../../lib/clock.ts";
import type { Randomness } from "../../../lib/ids.ts";
import type { Log } from "../../../lib/log.ts";
import { ExternalError, withDeadline } from "../../../lib/external.ts";
import type { Secret } from "../../../lib/secrets/secret.ts";
import type { GitHubAuth } from "./auth.ts";
import { createCredentials } from "./auth.ts";
import { createBrake } from "./brake.ts";
import type { Need } from "./brake.ts";
import { faultOf, graphqlFault, graphqlFaults, refusalOf } from "./errors.ts";
import type { PartFault } from "./errors.ts";
import { createBucket, createGate } from "./limits.ts";
import type { FetchOptions, Transport } from "./transport.ts";

export interface GitHubLimits {
  readonly writesPerMinute: number;
  /** Default 400, below GitHub's 500 for content creation. */
  readonly writesPerHour?: number;
  /** Requests in flight. */
  readonly concurrent: number;
  readonly connectMs: number;
  readonly totalMs: number;
}

export interface ClientParts {
  readonly apiUrl: string;
  readonly graphqlUrl: string;
  readonly auth: GitHubAuth;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
  readonly limits: GitHubLimits;
  readonly transport: Transport;
}

interface Call<T> {
  /** `owner/name`: whose credential, and the `{owner}` and `{repo}` of the route. Null = about ourselves. */
  readonly repository: string | null;
  /** As GitHub documents it, e.g. `GET /repos/{owner}/{repo}`. Anything but GET is a write. */
  readonly route: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly schema: z.ZodType<T>;
  /** Take a redirect as the answer instead of a fault. */
  readonly redirect?: boolean;
}

interface Answer<T> {
  readonly value: T;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** GitHub's clock when it answered, Unix ms. */
  readonly at: number;
}

/**
 * Calls to GitHub: credential, deadline, limits, one kind of fault. It never retries, but once with a new
 * token: retries belong to the outbox, which survives a restart. (That is why Octokit's own throttling and
 * retry plugins are not used: they wait on timers that neither a signal nor our clock reaches, repeat writes
 * whose answer was lost, and space GraphQL reads by a second.)
 */
export interface Client {
  call<T>(call: Call<T>, signal: AbortSignal): Promise<Answer<T>>;
  /** A GraphQL query or mutation; `what` names it in faults. */
  query<T>(
    repository: string,
    what: string,
    document: string,
    variables: Readonly<Record<string, unknown>>,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<Answer<T>>;
  /** The same for a reading whose parts may fail one by one. A fault of the whole is thrown. */
  queryParts(
    repository: string,
    what: string,
    document: string,
    variables: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<Parts>;
  /** Throws `rate_limited` when a reading has to wait for the sake of what matters more. */
  hold(repository: string, need: Need): void;
  gitToken(repository: string, signal: AbortSignal): Promise<Secret>;
}

/** A GraphQL answer with what went wrong beside it. */
export interface Parts {
  /** Null = nothing was answered, for the reasons in `faults`. */
  readonly data: unknown;
  readonly faults: readonly PartFault[];
  /** GitHub's clock when it answered, Unix ms. */
  readonly at: number;
}

type Send = (options: Record<string, unknown>) => Promise<{
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly data: unknown;
}>;

const API_VERSION = "2022-11-28";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DEFAULT_WRITES_PER_HOUR = 400;
const SPREAD_MS = 5_000;

export function createClient(parts: ClientParts): Client {
  const { clock, limits } = parts;
  const inFlight = createGate(limits.concurrent);
  const writing = createGate(1);
  const brake = createBrake();
  // An App has an allowance per installation, which is of one owner; a token has one.
  const accountOf = (repository: string | null): string =>
    parts.auth.kind === "token" ? "" : (repository?.split("/")[0] ?? "").toLowerCase();
  const buckets = [
    createBucket(clock, limits.writesPerMinute, MINUTE_MS),
    createBucket(clock, limits.writesPerHour ?? DEFAULT_WRITES_PER_HOUR, HOUR_MS),
  ];
  let octokit: Promise<Send> | null = null;
  const sender = (): Promise<Send> => {
    octokit ??= loadOctokit(parts);
    return octokit;
  };

  // Everybody who was told the same moment would come back at once and be refused again.
  const spread = (fault: Error): Error =>
    fault instanceof ExternalError && fault.retryAt !== null
      ? new ExternalError(fault.kind, fault.message, {
          cause: fault.cause,
          retryAt: fault.retryAt + Math.round(parts.randomness.fraction() * SPREAD_MS),
        })
      : fault;

  const exchange = async (
    what: string,
    token: Secret,
    options: Readonly<Record<string, unknown>>,
    redirect: boolean,
    account: string | null,
    signal: AbortSignal,
  ): Promise<Answer<unknown>> => {
    const send = await sender();
    return inFlight.run(signal, async () => {
      try {
        const answer = await withDeadline(clock, signal, limits.totalMs, what, (until) =>
          send({
            ...options,
            headers: { authorization: `Bearer ${token.reveal()}`, "x-github-api-version": API_VERSION },
            request: { signal: until },
          }),
        );
        const headers = textHeaders(answer.headers);
        if (account !== null) brake.heard(account, headers, clock.now());
        if (answer.status >= 300 && !redirect)
          throw refusalOf({ status: answer.status, message: "", headers }, what, clock.now());
        const at = parseTime(headers["date"]) ?? clock.now();
        return { value: answer.data, status: answer.status, headers, at };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        throw spread(faultOf(error, what, clock.now()));
      }
    });
  };

  // Over the limit nothing waits here: the caller is told when there is room again and does something else.
  const spendWrite = (what: string): void => {
    const wait = Math.max(...buckets.map((bucket) => bucket.wait()));
    if (wait > 0)
      throw new ExternalError("rate_limited", `${what}: our own limit on writes to GitHub is reached`, {
        retryAt: clock.now() + wait,
      });
    for (const bucket of buckets) bucket.take();
  };

  const credentials = createCredentials(parts.auth, clock, async (jwt, route, parameters, schema, signal) => {
    const answer = await exchange(route, jwt, optionsOf(route, parameters), false, null, signal);
    return understood(schema, answer.value, route);
  });

  const authorised = async (
    what: string,
    repository: string | null,
    options: Readonly<Record<string, unknown>>,
    redirect: boolean,
    signal: AbortSignal,
  ): Promise<Answer<unknown>> => {
    const ask = async (): Promise<Answer<unknown>> => {
      // An App's own calls, with its JWT, are not an installation's.
      const account = repository === null && parts.auth.kind === "app" ? null : accountOf(repository);
      const token = await credentials.tokenFor(repository, signal);
      return exchange(what, token, options, redirect, account, signal);
    };
    try {
      return await ask();
    } catch (error) {
      const refused = error instanceof ExternalError && error.kind === "unauthorized";
      if (!refused || !credentials.forget(repository)) throw error;
      parts.log.info("GitHub refused a token, requesting a new one", { repository });
      return ask();
    }
  };

  const limited = async <T>(
    write: boolean,
    what: string,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> => {
    if (!write) return work();
    return writing.run(signal, async () => {
      spendWrite(what);
      return work();
    });
  };

  return {
    async call({ repository, route, parameters = {}, schema, redirect = false }, signal) {
      const [owner, repo] = repository?.split("/") ?? [];
      const given = repository === null ? parameters : { owner, repo, ...parameters };
      const options = optionsOf(route, given);
      const what = named(route, given);
      const answer = await limited(!route.startsWith("GET "), what, signal, () =>
        authorised(what, repository, options, redirect, signal),
      );
      return { ...answer, value: understood(schema, answer.value, what) };
    },
    async query(repository, what, document, variables, schema, signal) {
      const options = { method: "POST", url: parts.graphqlUrl, query: document, variables };
      const story = `${what} of ${repository}`;
      const write = document.trimStart().startsWith("mutation");
      const answer = await limited(write, story, signal, async () => {
        const given = await authorised(story, repository, options, false, signal);
        const fault = graphqlFault(given.value, given.headers, story, clock.now());
        if (fault !== null) throw spread(fault);
        return given;
      });
      return { ...answer, value: understood(z.object({ data: schema }), answer.value, story).data };
    },
    async queryParts(repository, what, document, variables, signal) {
      const options = { method: "POST", url: parts.graphqlUrl, query: document, variables };
      const story = `${what} of ${repository}`;
      const { value, headers, at } = await authorised(story, repository, options, false, signal);
      const faults = graphqlFaults(value, headers, story, clock.now());
      const whole = faults.find(({ fault }) => fault.kind === "rate_limited");
      if (whole !== undefined) throw spread(whole.fault);
      const { data } = understood(z.object({ data: z.unknown().optional() }), value, story);
      return { data: data ?? null, faults, at };
    },
    hold: (repository, need) => brake.hold(accountOf(repository), need, clock.now()),
    gitToken: (repository, signal) => credentials.gitTokenFor(repository, signal),
  };
}

async function loadOctokit(parts: ClientParts): Promise<Send> {
  const { Octokit } = await import("@octokit/rest");
  const quiet = (): undefined => undefined;
  const octokit = new Octokit({
    baseUrl: parts.apiUrl,
    userAgent: "patchrelay",
    log: { debug: quiet, info: quiet, error: quiet, warn: (line: string) => parts.log.debug(line) },
    request: {
      fetch: (url: string, options: FetchOptions) => parts.transport.fetch(url, options),
    },
  });
  return (options) => octokit.request(options as { method: "GET"; url: string });
}

// The route with its places filled in, for faults and logs.
function named(route: string, parameters: Readonly<Record<string, unknown>>): string {
  return route.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = parameters[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : place;
  });
}

function optionsOf(
  route: string,
  parameters: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const [method, url] = route.split(" ");
  return { ...parameters, method, url };
}

function textHeaders(headers: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

// A proxy's page or a broken answer is no fact: better none than a wrong one.
function understood<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.slice(0, 3).map((issue) => `${issue.path.join(".")} (${issue.message})`);
  throw new ExternalError("unavailable", `${what} answered in an undocumented form: ${fields.join(", ")}`);
}
