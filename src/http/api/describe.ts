import { STATUS_CODES } from "node:http";
import { object, reference } from "./schema.ts";
import type { Schema } from "./schema.ts";

/** Declares what a route reads and answers; problems have one shape everywhere. */
export function answers(
  summary: string,
  ok: Schema,
  more: {
    readonly query?: Readonly<Record<string, Schema>>;
    readonly params?: readonly string[];
    readonly body?: Schema;
    readonly status?: number;
    readonly problems?: readonly number[];
  } = {},
): Record<string, unknown> {
  const params = more.params ?? [];
  const problems = [...(more.problems ?? []), 400, 401, ...(params.length > 0 ? [404] : [])];
  return {
    summary,
    ...(more.query === undefined
      ? {}
      : { querystring: { type: "object", properties: more.query, additionalProperties: false } }),
    ...(params.length === 0
      ? {}
      : {
          params: object(
            Object.fromEntries(
              params.map((name) => [name, { type: "string", minLength: 1, maxLength: 400 }]),
            ),
          ),
        }),
    ...(more.body === undefined ? {} : { body: more.body }),
    response: {
      [more.status ?? 200]: ok,
      ...Object.fromEntries(problems.map((status) => [status, problemAnswer(STATUS_CODES[status] ?? "")])),
    },
  };
}

/** An answer that is a problem document. */
export function problemAnswer(description: string): Record<string, unknown> {
  return { description, content: { "application/problem+json": { schema: reference("Problem") } } };
}
