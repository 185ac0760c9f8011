import { createHmac } from "node:crypto";
import { Webhooks as Signer } from "@octokit/webhooks";
import type { Faults, SentWebhook, WorldParts } from "../faults.ts";
import type { Sender, WebhookTarget } from "../wire.ts";
import { startSender } from "../wire.ts";
import type { Core, Person, Repository } from "./model/model.ts";
import { stamp } from "./model/model.ts";
import type { Schemas } from "./schemas.ts";
import { personPart, repositoryPart } from "./views/views.ts";

/** One try to deliver a webhook, as the deliveries API lists it. */
export interface Delivery {
  readonly id: number;
  readonly sent: SentWebhook;
  readonly at: number;
  readonly durationMs: number;
  /** 0 = no answer. */
  readonly status: number;
  readonly redelivery: boolean;
}

export interface Webhooks {
  readonly sender: Sender;
  /** The newest tries, oldest first, at most 5000. */
  readonly deliveries: Delivery[];
  readonly emit: Core["emit"];
}

export interface WebhookParts extends WorldParts {
  readonly faults: () => Faults;
  readonly target: () => WebhookTarget | null;
  /** Null = a repository's own hook: no `installation`, no `merge_group`. */
  readonly app: { readonly id: number; readonly installation: number } | null;
  readonly schemas: Schemas;
  readonly core: () => Core;
  readonly problem: (story: string) => void;
}

const HOOK_ID = 501;
// GitHub drops the connection after 10 s and never tries again by itself.
const DEADLINE_MS = 10_000;
const KEPT_DELIVERIES = 5_000;

/** The hook: fills, checks, signs and sends webhooks as GitHub does. */
export function startWebhooks(parts: WebhookParts): Webhooks {
  const deliveries: Delivery[] = [];
  const sender = startSender({
    clock: parts.clock,
    randomness: parts.randomness,
    faults: parts.faults,
    target: parts.target,
    problem: parts.problem,
    deadlineMs: DEADLINE_MS,
    retriesMs: [],
    headers: ({ id, event }) => ({
      "user-agent": "GitHub-Hookshot/world",
      "x-github-event": event,
      "x-github-delivery": id,
      "x-github-hook-id": String(HOOK_ID),
      "x-github-hook-installation-target-id": String(parts.app?.id ?? firstRepository(parts.core())),
      "x-github-hook-installation-target-type": parts.app === null ? "repository" : "integration",
    }),
    sign: async ({ body, secret }) => ({
      // The old one, which only GitHub itself makes.
      "x-hub-signature": `sha1=${createHmac("sha1", secret).update(body).digest("hex")}`,
      "x-hub-signature-256": await new Signer({ secret }).sign(body),
    }),
    answered(sent, status, at, durationMs) {
      deliveries.push({
        id: parts.core().nextId(),
        sent,
        at,
        durationMs,
        status,
        redelivery: sent.answers.length > 1,
      });
      if (deliveries.length > KEPT_DELIVERIES) deliveries.shift();
    },
  });
  const emit = (
    repository: Repository,
    event: string,
    action: string | null,
    from: Person,
    payload: Record<string, unknown>,
  ): void => {
    if (event === "merge_group" && parts.app === null) return;
    const core = parts.core();
    const name = (action === null ? event : `${event}-${action}`).replaceAll("_", "-");
    const { installation } = parts.app ?? {};
    const body = parts.schemas.webhook(name, {
      ...(action === null ? {} : { action }),
      ...payload,
      repository: repositoryPart(core, repository),
      sender: personPart(core, from),
      ...(installation === undefined
        ? {}
        : { installation: { id: installation, node_id: `MDIzOkluc3RhbGxhdGlvb${installation}` } }),
    });
    const fault = parts.schemas.webhookFault(name, body);
    if (fault !== null)
      parts.problem(`the stand-in sent a ${name} webhook that GitHub's description forbids: ${fault}`);
    sender.send(event, JSON.stringify(body));
  };
  return { sender, deliveries, emit };
}

function firstRepository(core: Core): number {
  const first = core.repositories.values().next();
  return first.done === true ? 0 : first.value.id;
}

/** A delivery as `GET /app/hook/deliveries` lists it; with its request and response where `whole`. */
export function deliveryPart(delivery: Delivery, whole: boolean): Record<string, unknown> {
  const payload = JSON.parse(delivery.sent.body) as {
    action?: string;
    installation?: { id: number };
    repository?: { id: number };
  };
  const fine = delivery.status >= 200 && delivery.status < 300;
  return {
    id: delivery.id,
    guid: delivery.sent.id,
    delivered_at: stamp(delivery.at),
    redelivery: delivery.redelivery,
    duration: delivery.durationMs / 1000,
    status: fine ? "OK" : delivery.status === 0 ? "failed to connect to host" : "Invalid HTTP Response",
    status_code: delivery.status,
    event: delivery.sent.event,
    action: payload.action ?? null,
    installation_id: payload.installation?.id ?? null,
    repository_id: payload.repository?.id ?? null,
    throttled_at: null,
    ...(whole
      ? {
          url: "",
          request: { headers: delivery.sent.headers, payload },
          response: { headers: {}, payload: "" },
        }
      : {}),
  };
}
