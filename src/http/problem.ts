import { STATUS_CODES } from "node:http";
import type { ProblemDocument } from "./api/components.ts";

/** A request that is refused, thrown wherever that is found out. `code` is stable, `detail` is for people. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  /** Further headers of the answer, e.g. Allow or Retry-After. */
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    status: number,
    code: string,
    detail: string,
    more: { readonly hint?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.hint = more.hint ?? null;
    this.headers = more.headers ?? {};
  }

  toJSON(): ProblemDocument {
    return {
      type: `urn:patchrelay:problem:${this.code}`,
      title: STATUS_CODES[this.status] ?? "Error",
      status: this.status,
      detail: this.message,
      ...(this.hint === null ? {} : { hint: this.hint }),
    };
  }
}

export const PROBLEM_TYPE = "application/problem+json; charset=utf-8";

/** How long a sender should wait before it tries again when nothing could be stored, in seconds. */
const RETRY_AFTER_SECONDS = 10;

/** It could not be made durable, so nothing of it is remembered. */
export function notDurable(): Problem {
  return new Problem(503, "not_durable", "it cannot be stored right now; nothing was kept", {
    hint: "send it again; /ready says what is wrong",
    headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
  });
}

export function notFound(what: string, hint?: string): Problem {
  return new Problem(404, "not_found", what, hint === undefined ? {} : { hint });
}

/** What was asked for does not fit the state of things. */
export function conflict(why: string, hint?: string): Problem {
  return new Problem(409, "conflict", why, hint === undefined ? {} : { hint });
}
