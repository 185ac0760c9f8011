import type { z } from "zod";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { deadline, ExternalError } from "../../../lib/external.ts";
import type { Auth } from "./auth.ts";
import { judge, externalError } from "./faults.ts";
import { KEPT, NO_RATE_LIMIT, readRateLimit, retryAfterRefusal, waitUntil } from "./rate-limit.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { Transport } from "./transport.ts";

/** One GraphQL operation: its document, and the shape of the answer we rely on. */
export interface Operation<Answer> {
  readonly name: string;
  /** What nobody waits for steps back first when the allowance runs low, then every read; writes go on. */
  readonly kind: "background" | "read" | "write";
  readonly document: string;
  readonly answer: z.ZodType<Answer>;
}

export interface LinearClient {
  /** Carries `operation` out once. Throws ExternalError, or the signal's reason when that fires. */
  call<Answer>(
    operation: Operation<Answer>,
    variables: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<Answer>;
  rateLimit(): RateLimit;
}

export interface ClientParts {
  /** Base or `/graphql` address: https, or http to this machine. */
  readonly apiUrl: string;
  readonly auth: Auth;
  readonly transport: Transport;
  /** Whole call, milliseconds. */
  readonly totalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Throws when `apiUrl` could carry the credential over an open line. */
export function createClient(parts: ClientParts): LinearClient {
  const url = endpoint(parts.apiUrl);
  let limit = NO_RATE_LIMIT;

  return {
    rateLimit: () => limit,
    async call(operation, variables, signal) {
      if (operation.kind !== "write") {
        const kept = KEPT[operation.kind];
        const retryAt = waitUntil(limit, kept, parts.clock.now());
        if (retryAt !== null) {
          throw new ExternalError(
            "rate_limited",
            `Linear (${operation.name}): less than ${kept * 100} % of the hourly allowance is left, kept for what matters more`,
            { retryAt },
          );
        }
      }
      const within = deadline(signal, parts.totalMs, `Linear (${operation.name})`);
      const authorization = await parts.auth.header(within);
      const answer = await parts.transport({
        url,
        headers: {
          authorization,
          "content-type": "application/json",
          accept: "application/json",
          "user-agent": "patchrelay",
        },
        body: JSON.stringify({ operationName: operation.name, query: operation.document, variables }),
        signal: within,
      });
      const now = parts.clock.now();
      limit = readRateLimit(answer.header, limit, now);
      const verdict = judge(answer.status, answer.body);
      if ("fault" in verdict) {
        const retryAt =
          verdict.fault === "rate_limited" ? retryAfterRefusal(answer.header, limit, now) : null;
        parts.log.debug("Linear refused a call", {
          operation: operation.name,
          status: answer.status,
          fault: verdict.fault,
        });
        throw externalError(operation.name, verdict, retryAt);
      }
      const found = operation.answer.safeParse(verdict.data);
      if (found.success) return found.data;
      const [first] = found.error.issues;
      throw new ExternalError(
        "unavailable",
        `Linear (${operation.name}): the answer is not as expected at ${first?.path.join(".") ?? "its root"}: ${first?.message ?? ""}`,
      );
    },
  };
}

const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);

function endpoint(apiUrl: string): URL {
  let url: URL;
  try {
    url = new URL(apiUrl.replace(/\/+$/, "").replace(/\/graphql$/, "") + "/graphql");
  } catch (error) {
    throw new Error(
      `linear.apiUrl ${JSON.stringify(apiUrl)} is no address; the usual one is https://api.linear.app`,
      { cause: error },
    );
  }
  if (url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname))) return url;
  throw new Error(
    `linear.apiUrl ${JSON.stringify(apiUrl)} would send the credential unencrypted; use https (http only to this machine)`,
  );
}
