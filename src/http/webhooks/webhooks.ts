import type { IncomingMessage, ServerResponse } from "node:http";
import { NotDurable } from "../../engines/engine.ts";
import type { Engine } from "../../engines/engine.ts";
import { messageOf } from "../../lib/assert.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Refusal, RequestHeaders, VerifiedDelivery } from "../../lib/delivery.ts";
import { failpoint } from "../../lib/failpoints.ts";
import type { Log } from "../../lib/log.ts";
import { discardBody, receiveBody } from "./body.ts";
import { requestHeaders } from "./headers.ts";
import type { WebhookCounts } from "./counts.ts";
import { notDurable, Problem, PROBLEM_TYPE } from "../problem.ts";
import { createRefusals } from "./refusals.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { webhookPath } from "./source.ts";
import type { Source } from "./source.ts";

/**
 * The intake of webhooks, on Node's own request and response: no router, no parser, so that a burst is
 * answered in time. The checks from the signature on are the source's. Nothing is remembered and nothing of
 * the request is logged before its signature holds, and no 200 is sent before the engine has it on disk.
 */
export interface Webhooks {
  /** Answers the request if its path is that of a source. False = it is somebody else's. */
  take(request: IncomingMessage, response: ServerResponse): boolean;
}

/** A refused sender may go on for this many bytes before the connection is cut. */
const DISCARDED_BYTES = 64 * 1024 * 1024;

const JSON_HEADERS = ["content-type", "application/json; charset=utf-8"];
// Strings, not buffers: Node sends a text together with the head in one write.
const ACCEPTED = '{"ok":true,"accepted":true}';
const DUPLICATE = '{"ok":true,"duplicate":true}';
const ACCEPTED_HEADERS = [...JSON_HEADERS, "content-length", String(ACCEPTED.length)];
const DUPLICATE_HEADERS = [...JSON_HEADERS, "content-length", String(DUPLICATE.length)];

export function createWebhooks(parts: {
  readonly sources: readonly Source[];
  readonly engine: Pick<Engine, "accept">;
  readonly budget: ByteBudget;
  readonly counts: WebhookCounts;
  readonly clock: Clock;
  readonly log: Log;
}): Webhooks {
  const { sources, engine, budget, counts, clock, log } = parts;
  const refused = createRefusals(counts, clock, log);

  const sourceOf = byPath(sources);

  const refuse = (source: Source, response: ServerResponse, problem: Problem): void => {
    refused(source.name, problem.code);
    sendProblem(response, problem);
  };

  const judge = (
    source: Source,
    headers: RequestHeaders,
    body: Buffer,
    response: ServerResponse,
  ): VerifiedDelivery | null => {
    let opened: VerifiedDelivery | Refusal;
    try {
      opened = source.open(headers, body, clock.now());
    } catch (error) {
      // A bug in a source must cost one delivery an attempt, never the process.
      log.error("webhook verification failed", { source: source.name, why: messageOf(error) });
      refuse(source, response, notDurable());
      return null;
    }
    if (opened.verified) return opened;
    refuse(source, response, new Problem(opened.status, opened.code, opened.detail));
    return null;
  };

  const accept = (source: Source, delivery: VerifiedDelivery, response: ServerResponse): void => {
    const begun = clock.monotonic();
    const stored = (answer: "accepted" | "duplicate"): void => {
      counts.stored(source.name, answer, (clock.monotonic() - begun) / 1000);
      if (answer === "accepted") response.writeHead(200, ACCEPTED_HEADERS).end(ACCEPTED);
      else response.writeHead(200, DUPLICATE_HEADERS).end(DUPLICATE);
      failpoint("ingest.replied");
    };
    const failed = (error: unknown): void => {
      if (!(error instanceof NotDurable)) {
        log.error("could not accept a delivery", { source: source.name, why: messageOf(error) });
      }
      refuse(source, response, notDurable());
    };
    engine.accept(delivery).then(stored, failed);
  };

  return {
    take(request, response) {
      const source = sourceOf(request.url);
      if (source === null) return false;
      const headers = requestHeaders(request);
      const early = refuseEarly(request.method, headers, source.maxBytes);
      if (early !== null) {
        refused(source.name, early.code);
        answerAndDiscard(request, response, early);
        return true;
      }
      receiveBody(request, source.maxBytes, budget, (received) => {
        if (received === "gone") return refused(source.name, "gone");
        if (typeof received === "string") {
          const problem = received === "too_large" ? tooLarge(source.maxBytes) : busy();
          refused(source.name, problem.code);
          return answerAndDiscard(request, response, problem);
        }
        response.on("close", () => budget.give(received.length));
        const delivery = judge(source, headers, received, response);
        if (delivery !== null) accept(source, delivery, response);
      });
      return true;
    },
  };
}

/** Finds the source that a request is for. A query behind the path is allowed, nothing else is. */
function byPath(sources: readonly Source[]): (url: string | undefined) => Source | null {
  const paths = new Map(sources.map((source) => [webhookPath(source), source]));
  return (url) => {
    if (url === undefined || !url.startsWith("/webhooks/")) return null;
    const query = url.indexOf("?");
    return paths.get(query === -1 ? url : url.slice(0, query)) ?? null;
  };
}

/** What is wrong before a byte of the body was read. */
function refuseEarly(method: string | undefined, headers: RequestHeaders, limit: number): Problem | null {
  if (headers.count("host") > 1)
    return new Problem(400, "doubled_host", "there is more than one Host header");
  if (method !== "POST") {
    return new Problem(405, "method_not_allowed", "webhooks must be sent with POST", {
      headers: { allow: "POST" },
    });
  }
  const length = headers.get("content-length");
  return length !== null && Number(length) > limit ? tooLarge(limit) : null;
}

function tooLarge(limit: number): Problem {
  return new Problem(413, "too_large", `the body is larger than ${limit} bytes`);
}

function busy(): Problem {
  return new Problem(
    503,
    "too_many_bytes_in_flight",
    "too many large bodies are being received at the same time",
    {
      headers: { "retry-after": "1" },
    },
  );
}

function sendProblem(response: ServerResponse, problem: Problem): void {
  const body = JSON.stringify(problem);
  response
    .writeHead(problem.status, {
      ...problem.headers,
      "content-type": PROBLEM_TYPE,
      "content-length": Buffer.byteLength(body),
    })
    .end(body);
}

function answerAndDiscard(request: IncomingMessage, response: ServerResponse, problem: Problem): void {
  const body = JSON.stringify(problem);
  response.writeHead(problem.status, {
    ...problem.headers,
    "content-type": PROBLEM_TYPE,
    "content-length": Buffer.byteLength(body),
    connection: "close",
  });
  if (request.method === "HEAD") return discardBody(request, 0, () => response.end());
  response.write(body);
  // Ending the response closes the socket; with unread bytes in it the sender would see a reset, not the answer.
  discardBody(request, DISCARDED_BYTES, () => response.end());
}
