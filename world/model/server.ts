import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../../src/lib/assert.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { delay } from "../../src/lib/clock.ts";
import { readConversation } from "./conversation.ts";
import type { Conversation, ModelRequest } from "./conversation.ts";
import { msg } from "./items.ts";
import type { ModelItem, ModelReply, ModelUsage } from "./items.ts";

/** The next items of a scenario; it keeps nothing, so it works for many threads, retries, resume and compaction. */
export type Scenario = (
  conversation: Conversation,
  request: ModelRequest,
) => ModelReply | readonly ModelItem[];

export interface ScriptedModelParts {
  /** By the name in the marker `[[scn:NAME {json}]]`. */
  readonly scenarios: Readonly<Record<string, Scenario>>;
  /** Asked first; null = go by the marker. */
  readonly answer?: (request: ModelRequest) => ModelReply | readonly ModelItem[] | null;
  readonly clock: Clock;
}

export interface ScriptedModel {
  /** `http://127.0.0.1:<port>/v1`. */
  readonly url: string;
  /** The newest requests, oldest first, at most 200. */
  readonly requests: ModelRequest[];
  close(): Promise<void>;
}

const KEPT_REQUESTS = 200;
const KEPT_COUNTERS = 1_000;
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Written data is seen by the client only if the connection stays up a little longer. */
const CUT_AFTER_MS = 250;
const USUAL: ModelUsage = { input: 100, cached: 40, output: 20 };

/** A model on loopback that speaks the Responses API's event stream and says what its scenarios say. */
export async function startScriptedModel(parts: ScriptedModelParts): Promise<ScriptedModel> {
  const requests: ModelRequest[] = [];
  const refusals = new Map<string, number>();
  const closing = new AbortController();
  let responses = 0;

  const refused = (request: ModelRequest, reply: ModelReply): boolean => {
    if (reply.status === undefined) return false;
    if (reply.status.times === undefined) return true;
    const { marker, step } = request.conversation;
    const key = JSON.stringify([request.headers["thread-id"], marker?.name, step]);
    const count = (refusals.get(key) ?? 0) + 1;
    refusals.set(key, count);
    if (refusals.size > KEPT_COUNTERS) refusals.clear();
    return count <= reply.status.times;
  };

  const exchange = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const text = await wholeBody(incoming);
    if (incoming.method !== "POST" || incoming.url !== "/v1/responses") {
      return refuse(outgoing, 404, { message: "only POST /v1/responses is spoken here" });
    }
    const headers = plainHeaders(incoming);
    const body = JSON.parse(text) as Record<string, unknown>;
    const request: ModelRequest = { headers, body, conversation: readConversation(body, headers) };
    requests.push(request);
    if (requests.length > KEPT_REQUESTS) requests.shift();
    const reply = replyTo(parts, request);
    if (reply.delayMs !== undefined) await delay(parts.clock, reply.delayMs, closing.signal);
    if (reply.status !== undefined && refused(request, reply)) {
      return refuse(outgoing, reply.status.code, reply.status.error, reply.status.headers);
    }
    responses += 1;
    outgoing.writeHead(200, { "content-type": "text/event-stream" });
    const send = (event: unknown): void => {
      outgoing.write(`data: ${JSON.stringify(event)}\n\n`);
    };
    for (const [index, item] of (reply.items ?? []).entries()) {
      const numbered = "call_id" in item ? { ...item, call_id: `call_${responses}_${index}` } : item;
      send({ type: "response.output_item.done", output_index: index, item: numbered });
    }
    if (reply.end === "hang") return;
    if (reply.end === "cut") {
      await delay(parts.clock, CUT_AFTER_MS, closing.signal);
      outgoing.destroy();
      return;
    }
    const usage = usageDocument(reply.usage ?? USUAL);
    send({ type: "response.completed", response: { id: `resp_${responses}`, usage } });
    outgoing.end();
  };

  const server = createServer((incoming, outgoing) => {
    exchange(incoming, outgoing).catch((error: unknown) => {
      if (closing.signal.aborted || outgoing.headersSent) outgoing.destroy();
      else refuse(outgoing, 400, { message: `the scripted model failed: ${messageOf(error)}` });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    async close() {
      if (closing.signal.aborted) return;
      closing.abort(new Error("the scripted model is closing"));
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function replyTo(parts: ScriptedModelParts, request: ModelRequest): ModelReply {
  const { conversation } = request;
  if (conversation.kind === "compaction") return { items: [msg("Summary of the work so far.")] };
  const given = parts.answer?.(request) ?? null;
  if (given !== null) return asReply(given);
  if (conversation.marker === null) return { items: [msg("No scenario was named.", "final_answer")] };
  const scenario = parts.scenarios[conversation.marker.name];
  if (scenario === undefined) throw new Error(`there is no scenario ${conversation.marker.name}`);
  return asReply(scenario(conversation, request));
}

function asReply(given: ModelReply | readonly ModelItem[]): ModelReply {
  return Array.isArray(given) ? { items: given as readonly ModelItem[] } : (given as ModelReply);
}

function usageDocument(usage: ModelUsage): Record<string, unknown> {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.input + usage.output,
  };
}

function refuse(
  outgoing: ServerResponse,
  code: number,
  error: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, string>> = {},
): void {
  outgoing.writeHead(code, { "content-type": "application/json", ...headers });
  outgoing.end(JSON.stringify({ error }));
}

function plainHeaders(incoming: IncomingMessage): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (typeof value === "string") plain[name] = value;
  }
  return plain;
}

async function wholeBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error(`the request is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
