import websocket from "@fastify/websocket";
import fastify from "fastify";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Server } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../lib/log.ts";
import { createValidator } from "./api/validation.ts";
import { problemPage } from "./dashboard/problem-page.ts";
import { sendPage } from "./dashboard/page.ts";
import { problemOf } from "./errors.ts";
import { refuseBroken } from "./webhooks/server.ts";
import { notFound, PROBLEM_TYPE } from "./problem.ts";
import type { Problem } from "./problem.ts";
import { sendSignIn } from "./access/session.ts";

/** What a client of the stream may send at a time; it has nothing to say. */
const STREAM_MESSAGE_BYTES = 1_024;
/** Our ids and the tracker's keys, percent-encoding removed. */
const LONGEST_PARAMETER = 512;
/** On everything that is no page: it may not be run, framed or loaded into another site's page. */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cache-control": "no-store",
};

/**
 * The router and what all its routes share: errors as problems, JSON bodies only, checked requests, headers. Routes and
 * their guard are the caller's. `serve` makes the server that requests and upgrades come from.
 */
export async function createApp(parts: {
  readonly bodyLimit: number;
  readonly log: Log;
  readonly serve: (take: (request: IncomingMessage, response: ServerResponse) => void) => Server;
}): Promise<FastifyInstance> {
  const { bodyLimit, log, serve } = parts;
  const app: FastifyInstance = fastify({
    serverFactory: (take) => serve(take),
    clientErrorHandler: refuseBroken,
    bodyLimit,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    frameworkErrors: (error, _request, reply) => {
      sendProblem(reply, problemOf(error, log));
    },
  });
  app.setValidatorCompiler(createValidator());
  // Answers are the documents themselves: a schema in between would drop fields that it does not know.
  app.setSerializerCompiler(() => (document) => JSON.stringify(document));
  app.removeAllContentTypeParsers();
  const json = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "string" }, (request, body, done) => {
    // Many clients name the type of a body that they do not send.
    if (body === "") return done(null, undefined);
    return json(request, String(body), done);
  });
  app.addHook("onSend", async (_request, reply) => {
    for (const [name, value] of Object.entries(HEADERS)) {
      if (!reply.hasHeader(name)) reply.header(name, value);
    }
  });
  app.setErrorHandler(
    async (error, request, reply) => await sendError(request, reply, problemOf(error, log)),
  );
  app.setNotFoundHandler((request) => {
    throw notFound(`there is nothing at ${request.method} ${new URL(request.url, "http://x").pathname}`);
  });
  await app.register(websocket, {
    options: { maxPayload: STREAM_MESSAGE_BYTES, perMessageDeflate: false },
    // How streams end is decided where they are known.
    preClose: (done) => done(),
  });
  return app;
}

async function sendError(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
): Promise<FastifyReply> {
  const forPerson =
    request.routeOptions.config.page === true && request.headers.accept?.includes("text/html") === true;
  if (!forPerson) return await sendProblem(reply, problem);
  reply.headers(problem.headers);
  if (problem.status === 401) return await sendSignIn(reply, null);
  return await sendPage(reply.status(problem.status), problemPage(problem));
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .status(problem.status)
    .headers(problem.headers)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problem));
}
