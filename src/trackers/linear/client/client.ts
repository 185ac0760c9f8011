import type { z } from "zod";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { ExternalError, withDeadline } from "../../../lib/external.ts";
import { linearAddress } from "./address.ts";
import type { Auth } from "./auth.ts";
import { judge, externalError } from "./faults.ts";
import { KEPT, NO_RATE_LIMIT, readRateLimit, retryAfterRefusal, waitUntil } from "./rate-limit.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { Transport } from "./transport.ts";

/** One GraphQL operation: its document, and the shape of the answer we rely on. */
export interface Operation<Answer> {
  readonly name: string;
  /** What nobody waits for steps back first when the allowance runs low, then words that matter only now, then every read; writes go on. */
  readonly kind: "background" | "fleeting" | "read" | "write";
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
  const url = linearAddress(parts.apiUrl, "/graphql");
  let limit = NO_RATE_LIMIT;

  const once = async (body: string, signal: AbortSignal) => {
    const authorization = await parts.auth.header(signal);
    const answer = await parts.transport({
      url,
      headers: {
        authorization,
        "content-type": "application/json",
        accept: "application/json",
        "user-agent": "patchrelay",
      },
      body,
      signal,
    });
    limit = readRateLimit(answer.header, limit, parts.clock.now());
    const verdict = judge(answer.status, answer.body);
    const refused = "fault" in verdict && verdict.fault === "unauthorized";
    const told = refused || "data" in verdict;
    return { answer, verdict, again: told && parts.auth.judged(authorization, !refused) };
  };

  return {
    rateLimit: () => limit,
    async call(operation, variables, signal) {
      if (operation.kind !== "write") {
        const kept = KEPT[operation.kind];
        const retryAt = waitUntil(limit, kept, parts.clock.now());
        if (retryAt !== null) {
          throw new ExternalError(
            "rate_limited",
            `Linear (${operation.name}): less than ${kept * 100} % of the hourly allowance is left, reserved for what matters more`,
            { retryAt },
          );
        }
      }
      const body = JSON.stringify({ operationName: operation.name, query: operation.document, variables });
      const what = `Linear (${operation.name})`;
      const { answer, verdict } = await withDeadline(
        parts.clock,
        signal,
        parts.totalMs,
        what,
        async (until) => {
          const first = await once(body, until);
          // A call that was not authorised was not carried out, so that it may go again, once.
          return first.again ? await once(body, until) : first;
        },
      );
      const now = parts.clock.now();
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
      const [problem] = found.error.issues;
      throw new ExternalError(
        "unavailable",
        `Linear (${operation.name}): the answer is not as expected at ${problem?.path.join(".") ?? "its root"}: ${problem?.message ?? ""}`,
      );
    },
  };
}
