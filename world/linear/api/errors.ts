import { GraphQLError } from "graphql";

/** An error in the shape Linear's API gives: `extensions.{type, code, statusCode, userError, userPresentableMessage}`. */
export function linearError(
  message: string,
  parts: { type: string; code: string; statusCode: number; detail?: string; meta?: Record<string, unknown> },
): GraphQLError {
  return new GraphQLError(message, {
    extensions: {
      type: parts.type,
      code: parts.code,
      statusCode: parts.statusCode,
      userError: parts.statusCode < 500,
      userPresentableMessage: parts.detail ?? message,
      ...(parts.meta === undefined ? {} : { meta: parts.meta }),
    },
  });
}

/** The caller asked for something wrong: unknown entity, bad field, wrong shape. HTTP 400. */
export function inputError(message: string, detail?: string): GraphQLError {
  return linearError(message, {
    type: "invalid input",
    code: "INPUT_ERROR",
    statusCode: 400,
    ...(detail === undefined ? {} : { detail }),
  });
}

export function notFound(entity: string, id: string): GraphQLError {
  return inputError(`Entity not found: ${entity}`, `Could not find referenced ${entity} ${id}.`);
}

export function authenticationError(): GraphQLError {
  return linearError("Authentication required, not authenticated", {
    type: "authentication error",
    code: "AUTHENTICATION_ERROR",
    statusCode: 401,
    detail: "You need to authenticate to access this operation.",
  });
}

export function forbidden(detail: string): GraphQLError {
  return linearError("Forbidden", { type: "forbidden", code: "FORBIDDEN", statusCode: 403, detail });
}

/** HTTP 400, not 429: so Linear does it. */
export function rateLimited(detail: string): GraphQLError {
  return linearError("Rate limit exceeded", {
    type: "ratelimited",
    code: "RATELIMITED",
    statusCode: 400,
    detail,
    meta: { rateLimitResult: { allowed: false } },
  });
}

/** The stand-in's own limit, named so that a test sees what is missing. */
export function notModelled(what: string): GraphQLError {
  return linearError(`The stand-in for Linear does not model ${what}`, {
    type: "internal error",
    code: "INTERNAL_SERVER_ERROR",
    statusCode: 500,
  });
}
