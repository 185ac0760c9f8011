import type { FastifyInstance } from "fastify";
import type { ReadyDocument } from "../engines/documents.ts";
import { messageOf } from "../lib/assert.ts";
import type { Clock } from "../lib/clock.ts";
import { cutOffAfter, isOutage } from "../lib/external.ts";
import type { Log } from "../lib/log.ts";
import { answers } from "./api/describe.ts";
import { object, reference } from "./api/schema.ts";
import type { Metrics } from "./metrics.ts";
import { Problem } from "./problem.ts";

/** How long the parts may take to say how they are, in milliseconds. */
const READY_MS = 5_000;

/** `/health`, `/ready` and `/metrics`: for whoever watches the relay. */
export function health(
  app: FastifyInstance,
  ready: (signal: AbortSignal) => Promise<ReadyDocument>,
  metrics: Metrics,
  stopping: AbortSignal,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): void {
  // Many may ask at a time; the parts are asked once.
  let asking: Promise<ReadyDocument> | null = null;
  const ask = async (): Promise<ReadyDocument> => {
    asking ??= cutOffAfter(clock, stopping, READY_MS, "a part of the relay", ready).finally(() => {
      asking = null;
    });
    return await asking;
  };

  app.get(
    "/health",
    {
      config: { open: true },
      schema: answers("Alive: 200 while the process serves", object({ ok: { const: true } })),
    },
    () => ({ ok: true }),
  );
  app.get(
    "/ready",
    {
      schema: {
        ...answers("Whether the relay can do its work, part by part", reference("Ready")),
        response: { 200: reference("Ready"), 503: { ...reference("Ready"), description: "Not ready" } },
      },
    },
    async (_request, reply) => {
      const document = await ask().catch((error: unknown) => {
        if (!stopping.aborted) log.error("could not check the parts of the relay", { why: messageOf(error) });
        const detail = isOutage(error)
          ? "the relay could not check its parts in time"
          : "the relay could not check its parts; its log says why";
        throw new Problem(503, "not_ready", detail);
      });
      return await reply.status(document.ready ? 200 : 503).send(document);
    },
  );
  app.get(
    "/metrics",
    { schema: { summary: "Prometheus metrics", produces: ["text/plain"] } },
    async (_, reply) => await reply.type(metrics.contentType).send(await metrics.render()),
  );
}
