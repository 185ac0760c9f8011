import type { FastifyError } from "fastify";
import { NotDurable } from "../engines/engine.ts";
import { messageOf } from "../lib/assert.ts";
import type { Log } from "../lib/log.ts";
import { notDurable, Problem } from "./problem.ts";

/** What a person is told about anything that was thrown. What they may not see goes to the log. */
export function problemOf(error: unknown, log: Log): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof NotDurable) return notDurable();
  if (!(error instanceof Error)) return unexpected(error, log);
  // Each engine has cursors of its own, so they are known by name only.
  if (error.name === "BadCursor") {
    return new Problem(400, "bad_value", "the query's cursor is not one from this relay", {
      hint: "pass the nextCursor of the previous page, or no cursor",
    });
  }
  const { statusCode, code } = error as FastifyError;
  if (typeof code !== "string" || !code.startsWith("FST_") || statusCode === undefined || statusCode >= 500) {
    return unexpected(error, log);
  }
  return frameworkProblem(code, statusCode);
}

/** The framework's refusals in our words: its own quote what was sent. */
function frameworkProblem(code: string, status: number): Problem {
  switch (code) {
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new Problem(
        415,
        "unsupported_media_type",
        "bodies are JSON: send content-type application/json",
      );
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new Problem(413, "too_large", "the body is larger than the API accepts");
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new Problem(400, "bad_request", "the body's length does not match Content-Length");
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return new Problem(400, "bad_json", "the body is not JSON");
    case "FST_ERR_BAD_URL":
      return new Problem(400, "bad_url", "the path cannot be decoded");
    default:
      return new Problem(status, "bad_request", "the request cannot be understood");
  }
}

function unexpected(error: unknown, log: Log): Problem {
  log.error("a request failed", { why: messageOf(error) });
  return new Problem(500, "internal", "something went wrong in the relay; see its log");
}
