import { createHmac } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../../../src/lib/assert.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { systemRandomness } from "../../../src/lib/ids.ts";
import type { Dice } from "../random.ts";
import { GITHUB_SECRET, LINEAR_SECRET } from "../../../src/demo/webhook-secrets.ts";
import type { Stage } from "../stage.ts";

/** Deliveries that the harness sends itself, and the memory of every one that was acknowledged. */
export interface Posts {
  /** `source:id` of each delivery that was answered 200, the stand-ins' own included. */
  readonly acked: ReadonlySet<string>;
  /** Answers that no relay may give to a signed delivery: neither 200 nor 503. */
  readonly wrong: readonly string[];
  readonly sent: number;
  /** Sends one to the relay at `url`; a lost answer is no fault. */
  post(url: string): Promise<void>;
  /** Takes note of what the stand-ins' webhooks were answered since. To be called often: they keep only the newest. */
  note(): void;
  /** Sends again what nobody took, as a provider's redelivery does: each with this chance. */
  redeliver(chance: number): Promise<void>;
}

interface Message {
  readonly source: "github" | "linear";
  readonly id: string;
  readonly event: string;
  readonly body: string;
}

const PAYLOADS = fileURLToPath(new URL("../../payloads", import.meta.url));
const DEADLINE_MS = 5_000;
const KEPT_MESSAGES = 500;
const KEPT_WRONG = 20;

export function openPosts(stage: Stage, dice: Dice): Posts {
  const acked = new Set<string>();
  const wrong: string[] = [];
  const seen = new WeakSet<object>();
  const past: Message[] = [];
  const payloads = { github: readPayloads("github"), linear: readPayloads("linear") };
  let sent = 0;

  const useless = (source: Message["source"]): Message => {
    const { name, content } = dice.pick(payloads[source]);
    const number = (sent += 1);
    const { organizationId } = stage.linear.installation;
    const own = source === "github" ? {} : { webhookTimestamp: systemClock.now(), organizationId };
    const event = source === "github" ? name : String(content["type"]);
    return {
      source,
      id: systemRandomness.uuid(),
      event,
      // Every body is another one; what it tells of, no issue here knows. It is of our workspace: news from another, that
      // comes before the relay knows who it is, waits for an operator and never comes to rest.
      body: JSON.stringify({ ...content, ...own, harness: number, padding: "x".repeat(number % 5_000) }),
    };
  };
  /** A webhook that the stand-in sent already, under a new id: the same fact once more. */
  const echo = (): Message | null => {
    const source = dice.chance(0.5) ? "github" : "linear";
    const webhook = stage[source].sent.at(-1 - Math.floor(dice.fraction() * 50));
    if (webhook === undefined) return null;
    return { source, id: systemRandomness.uuid(), event: webhook.event, body: webhook.body };
  };
  const choose = (): Message => {
    const way = dice.fraction();
    const known = past.length > 0 ? dice.pick(past) : null;
    if (way < 0.25 && known !== null) return known;
    if (way < 0.35) return echo() ?? useless("github");
    if (way < 0.4) return { ...useless("github"), event: "push", body: `no JSON ${(sent += 1)}` };
    return useless(way < 0.7 ? "github" : "linear");
  };

  return {
    acked,
    wrong,
    get sent() {
      return sent;
    },
    async post(url) {
      const message = choose();
      past.push(message);
      if (past.length > KEPT_MESSAGES) past.shift();
      const status = await send(url, message);
      if (status === 200) acked.add(`${message.source}:${message.id}`);
      else if (status !== 0 && status !== 503 && wrong.length < KEPT_WRONG)
        wrong.push(`${message.source} ${message.event} was answered ${status}`);
    },
    note() {
      for (const source of ["github", "linear"] as const) {
        for (const webhook of stage[source].sent) {
          if (seen.has(webhook) || !webhook.answers.includes(200)) continue;
          seen.add(webhook);
          acked.add(`${source}:${webhook.id}`);
        }
      }
    },
    async redeliver(chance) {
      for (const source of ["github", "linear"] as const) {
        const lost = stage[source].sent.filter(({ answers }) => answers.length > 0 && !answers.includes(200));
        for (const { id } of lost.slice(-50)) if (dice.chance(chance)) await stage[source].resend(id);
      }
    },
  };
}

async function send(url: string, { source, id, event, body }: Message): Promise<number> {
  const secret = source === "github" ? GITHUB_SECRET : LINEAR_SECRET;
  const digest = createHmac("sha256", secret).update(body).digest("hex");
  const headers =
    source === "github"
      ? { "x-github-delivery": id, "x-github-event": event, "x-hub-signature-256": `sha256=${digest}` }
      : { "linear-delivery": id, "linear-event": event, "linear-signature": digest };
  const late = new AbortController();
  const cancel = systemClock.after(DEADLINE_MS, () => late.abort(new Error("no answer in time")));
  try {
    const answer = await fetch(`${url}/webhooks/${source}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body,
      signal: late.signal,
    });
    // The status is the acknowledgement; the rest of the answer may be cut off by a kill.
    await answer.arrayBuffer().catch((error: unknown) => messageOf(error));
    return answer.status;
  } catch {
    return 0;
  } finally {
    cancel();
  }
}

function readPayloads(
  source: Message["source"],
): readonly { readonly name: string; readonly content: Readonly<Record<string, unknown>> }[] {
  const folder = join(PAYLOADS, source);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({
      name: file.slice(0, -".json".length),
      content: JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, unknown>,
    }));
}
