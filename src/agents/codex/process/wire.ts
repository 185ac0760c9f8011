import { messageOf } from "../../../lib/assert.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { ExternalError } from "../../../lib/external.ts";
import { refusalOf } from "../session/refusals.ts";

/** An error that Codex answered. Only its message tells the cases apart: nearly all have the code -32600. */
export class RefusedCall extends Error {
  override readonly name = "RefusedCall";
  readonly code: number;
  constructor(method: string, code: number, message: string) {
    super(`${method}: ${message}`);
    this.code = code;
  }
}

export interface WireParts {
  /** Takes one line with its newline; rejects when the other side is gone. */
  readonly write: (line: string) => Promise<void>;
  readonly onNotification: (method: string, params: unknown) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** JSON-RPC without the `jsonrpc` member, one object per line. */
export interface Wire {
  /** Resolves with the result; rejects with RefusedCall, or ExternalError when there is none within `withinMs`. */
  call(method: string, params: unknown, withinMs: number): Promise<unknown>;
  notify(method: string): Promise<void>;
  /** Takes one line as it was read. Never throws. */
  take(line: string): void;
  /** Ends every open call: nothing will be answered any more. */
  close(reason: Error): void;
}

interface Pending {
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const TOLD_GARBAGE = 3;
/** Server requests are declined at once, so this many unwritten answers mean that the other side does not read. */
const MAX_UNWRITTEN_ANSWERS = 64;

export function createWire(parts: WireParts): Wire {
  const pending = new Map<number, Pending>();
  let nextId = 0;
  let garbage = 0;
  let answering = 0;
  let closed: Error | null = null;

  const odd = (what: string): void => {
    garbage += 1;
    if (garbage <= TOLD_GARBAGE) parts.log.warn(`codex wrote ${what}; ignored`, { count: garbage });
  };

  const settle = (id: unknown, act: (call: Pending) => void): void => {
    const call = typeof id === "number" ? pending.get(id) : undefined;
    if (call === undefined || typeof id !== "number") return odd("an answer to nothing");
    pending.delete(id);
    act(call);
  };

  const decline = (id: unknown, method: string): void => {
    if (answering >= MAX_UNWRITTEN_ANSWERS) return odd("more requests than it reads answers");
    answering += 1;
    parts.log.info("declined a codex request", { method });
    parts
      .write(`${JSON.stringify({ id, ...refusalOf(method) })}\n`)
      .catch((error: unknown) => parts.log.warn("lost an answer to codex", { error: messageOf(error) }))
      .finally(() => {
        answering -= 1;
      });
  };

  return {
    async call(method, params, withinMs) {
      if (closed !== null) throw closed;
      const id = (nextId += 1);
      const answered = new Promise<unknown>((resolve, reject) => {
        pending.set(id, { method, resolve, reject });
      });
      const cancel = parts.clock.after(withinMs, () => {
        const story = `codex did not answer ${method} within ${withinMs} ms`;
        pending.get(id)?.reject(new ExternalError("unavailable", story));
      });
      try {
        const line = `${JSON.stringify({ id, method, params })}\n`;
        const [, result] = await Promise.all([parts.write(line), answered]);
        return result;
      } finally {
        cancel();
        pending.delete(id);
      }
    },
    notify: (method) => parts.write(`${JSON.stringify({ method })}\n`),
    take(line) {
      if (line.trim() === "") return;
      const message = parseObject(line);
      if (message === null) return odd("a line that is not a JSON object");
      const { id, method, params, result, error } = message;
      if (typeof method === "string") {
        // Ids of the server start at 0 and are numbers of their own: only their absence says "notification".
        if (id === undefined) parts.onNotification(method, params);
        else decline(id, method);
      } else if (error !== undefined && error !== null) {
        settle(id, (call) => call.reject(refused(call.method, error)));
      } else if (id === undefined) odd("a message without method and id");
      else settle(id, (call) => call.resolve(result));
    },
    close(reason) {
      closed = reason;
      for (const call of pending.values()) call.reject(reason);
      pending.clear();
    },
  };
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function refused(method: string, error: unknown): RefusedCall {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return new RefusedCall(
    method,
    typeof code === "number" ? code : 0,
    typeof message === "string" ? message : "an error without a message",
  );
}
