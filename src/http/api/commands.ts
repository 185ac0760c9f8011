import type { FastifyInstance, FastifyRequest } from "fastify";
import { operator } from "../../factory/facts/actor.ts";
import { saidNow } from "../../factory/judge/authority.ts";
import type { IssueId } from "../../factory/facts/ids.ts";
import type { Observation } from "../../factory/facts/observation.ts";
import type { Policy } from "../../factory/facts/policy.ts";
import type { DeliveryDocument } from "../../engines/documents.ts";
import { deliveryName, OBSERVATIONS } from "../../engines/engine.ts";
import type { Engine } from "../../engines/engine.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Randomness } from "../../lib/ids.ts";
import { uuidFromKey } from "../../lib/ids.ts";
import { conflict, notFound, Problem } from "../problem.ts";
import { answers } from "./describe.ts";
import { found, idOf, keyOf, oneDelivery } from "./inspection.ts";
import { openQuestion, commandRejection } from "./command-guard.ts";
import type { CommandName } from "./command-guard.ts";
import { reference } from "./schema.ts";
import type { Schema } from "./schema.ts";

/** An operator's commands. Each is an observation like any other: durable before it is answered. */
export interface CommandParts {
  readonly engine: Engine;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly randomness: Randomness;
}

const TEXT: Schema = { type: "string", maxLength: 50_000 };
const BODIES: Readonly<Record<CommandName, Schema | null>> = {
  retry: null,
  stop: null,
  pause: null,
  resume: null,
  cancel: null,
  close: null,
  prompt: { type: "object", properties: { text: TEXT }, required: ["text"], additionalProperties: false },
  answer: {
    type: "object",
    properties: { text: TEXT, question: { type: "string", maxLength: 400 } },
    required: ["text"],
    additionalProperties: false,
  },
};

/** How far back an earlier request with the same Idempotency-Key is looked for in the issue's journal. */
const LOOK_BACK = 200;
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,200}$/;

/** The routes that change something. */
export function commands(app: FastifyInstance, parts: CommandParts): void {
  for (const [command, body] of Object.entries(BODIES) as [CommandName, Schema | null][]) {
    app.post(
      `/api/issues/:key/${command}`,
      {
        schema: {
          ...answers(`Operator's command: ${command}`, reference("Accepted"), {
            params: ["key"],
            status: 202,
            problems: [403, 409, 413, 415, 503],
            ...(body === null ? {} : { body }),
          }),
          headers: {
            type: "object",
            properties: {
              "idempotency-key": {
                type: "string",
                description: "Repeating a key does nothing the second time",
              },
            },
          },
        },
      },
      async (request, reply) => {
        const seq = await carryOut(parts, command, request);
        return await reply.status(202).send({ accepted: true, seq });
      },
    );
  }
  app.post(
    "/api/deliveries/:id/replay",
    {
      schema: answers("Apply a stored webhook again", reference("Accepted"), {
        params: ["id"],
        status: 202,
        problems: [403, 409, 503],
      }),
    },
    async (request, reply) => {
      const delivery = await oneDelivery(parts.engine.views, idOf(request));
      const { source, deliveryId } = delivery;
      const needless = needlessReplay(delivery);
      if (needless !== null) throw conflict(needless, "only quarantined observations can be replayed");
      if ((await parts.engine.views.deliveryBody(source, deliveryId)) === null)
        throw conflict(
          "its body is no longer stored",
          "storage.keepDeliveriesDays sets how long bodies are kept",
        );
      if (!(await parts.engine.replay(source, deliveryId)))
        throw notFound("this delivery is no longer stored");
      return await reply.status(202).send({ accepted: true, seq: null });
    },
  );
  app.post(
    "/api/outbox/:id/retry",
    {
      schema: answers("Retry a failed effect", reference("Accepted"), {
        params: ["id"],
        status: 202,
        problems: [403, 409, 503],
      }),
    },
    async (request, reply) => {
      const id = idOf(request);
      const state = await parts.engine.retryEffect(id);
      if (state === null) throw notFound(`there is no effect ${JSON.stringify(id)}`, THOSE_TO_RETRY);
      if (state !== "failed" && state !== "dropped")
        throw conflict(`effect ${id} is ${state}: ${NOT_TO_RETRY[state]}`, THOSE_TO_RETRY);
      return await reply.status(202).send({ accepted: true, seq: null });
    },
  );
}

const THOSE_TO_RETRY =
  "patchrelay outbox list --state failed, or GET /api/outbox?state=failed, lists those that can be retried";
const NOT_TO_RETRY = {
  pending: "it is tried by itself",
  doing: "it is being carried out",
  done: "it was carried out",
} as const;

/** Why replaying it would do nothing: observations, unlike deliveries, are applied once. Null = it would do something. */
function needlessReplay(delivery: DeliveryDocument): string | null {
  if (delivery.source !== OBSERVATIONS || delivery.state === "quarantined") return null;
  const { state, why } = delivery;
  const so =
    state === "applied" ? `was ${why ?? "applied"}` : `is tried again by itself (last: ${why ?? "not yet"})`;
  return `${deliveryName(delivery)} ${so}`;
}

async function carryOut(parts: CommandParts, command: CommandName, request: FastifyRequest): Promise<number> {
  const { engine, policy, clock, randomness } = parts;
  const key = keyOf(request);
  const issue = found(await engine.views.issueId(key), key);
  const given = idempotencyKey(request);
  // Scoped to issue and command, so that a key used twice by mistake cannot swallow another command.
  const id = given === null ? randomness.uuid() : uuidFromKey(`${issue} ${command} ${given}`);
  const earlier = given === null ? null : await earlierSeq(engine, issue, id);
  if (earlier !== null) return earlier;

  const facts = await engine.facts(issue);
  const document = await engine.views.issue(issue);
  if (facts === null || document === null) throw notFound(`there is no issue ${JSON.stringify(key)}`);
  const { text = null, question = null } = (request.body ?? {}) as { text?: string; question?: string };
  const why = commandRejection({ command, text, question }, document, facts, policy);
  if (why !== null) throw conflict(why);

  const by = operator("an operator");
  const at = saidNow(facts, policy, clock.now());
  const observation: Observation =
    command === "prompt"
      ? { kind: "prompted", at, prompt: id, session: null, by, from: "operator", text: text ?? "" }
      : {
          kind: "commanded",
          at,
          command,
          id,
          by,
          text,
          question: command === "answer" ? openQuestion(question, facts, policy) : null,
        };
  const origin = { source: "operator", delivery: id };
  const { seq } = await engine.record(issue, [observation], origin, `command:${id}`);
  return seq;
}

/** The answer may have been lost: then the command is in the journal, and by now it may be rejected. */
async function earlierSeq(engine: Engine, issue: IssueId, id: string): Promise<number | null> {
  const lines = (await engine.views.journal(issue, { limit: LOOK_BACK, cursor: null }))?.items ?? [];
  const line = lines.find(
    ({ observation }) => observation.source === "operator" && observation.delivery === id,
  );
  return line?.seq ?? null;
}

function idempotencyKey(request: FastifyRequest): string | null {
  const key = request.headers["idempotency-key"];
  if (key === undefined) return null;
  if (typeof key === "string" && IDEMPOTENCY_KEY.test(key)) return key;
  throw new Problem(400, "bad_value", "Idempotency-Key must be 1 to 200 printable characters without spaces");
}
