import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Secret } from "../../lib/secrets/secret.ts";
import { refusal } from "./access.ts";
import type { Caller } from "./access.ts";
import { requestHeaders } from "../webhooks/headers.ts";
import { Problem } from "../problem.ts";
import { sessionsOf } from "./session.ts";
import type { Sessions } from "./sessions.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Answers under any Host, without a token. Everything that does not say so is guarded. */
    open?: boolean;
    /** Errors are shown as a page to a browser. */
    page?: boolean;
  }
}

const BEARER = /^Bearer +([\x21-\x7e]{1,1024})$/i;

/** Puts every route, known or not, behind the rules of access.ts, before a byte of a body is read. */
export function guard(
  app: FastifyInstance,
  policy: { readonly apiToken: Secret | null; readonly requireToken: boolean },
  sessions: Sessions,
): void {
  app.addHook("onRequest", async (request) => {
    const { config } = request.routeOptions;
    const problem = refusal(callerOf(request, sessions), policy, config.open === true);
    if (problem !== null) throw problem;
    if (request.ws && request.routeOptions.url !== "/api/stream")
      throw new Problem(400, "no_upgrade", "only /api/stream accepts WebSockets");
    const encoding = request.headers["content-encoding"];
    if (encoding !== undefined && encoding.toLowerCase() !== "identity")
      throw new Problem(415, "unsupported_media_type", "compressed bodies are not accepted");
  });
}

function callerOf(request: FastifyRequest, sessions: Sessions): Caller {
  const headers = requestHeaders(request.raw);
  const authorization = headers.count("authorization") === 1 ? headers.get("authorization") : null;
  return {
    method: request.method,
    upgrade: request.ws,
    ownAddress: request.socket.localAddress,
    hosts: headers.count("host"),
    host: headers.get("host"),
    origin: headers.get("origin"),
    fetchSite: headers.get("sec-fetch-site"),
    bearer: authorization === null ? null : (BEARER.exec(authorization)?.[1] ?? null),
    session: sessionsOf(request.headers.cookie).some((value) => sessions.holds(value)),
  };
}
