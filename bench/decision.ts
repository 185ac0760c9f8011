import { createHmac, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { fileURLToPath } from "node:url";
import { delay, systemClock } from "../src/lib/clock.ts";
import { LINEAR_SECRET } from "../src/demo/webhook-secrets.ts";
import type { Server } from "./child.ts";

const PAYLOAD = fileURLToPath(
  new URL("../test/payloads/linear/session-created-by-delegation.json", import.meta.url),
);
const WAIT_MS = 2_000;
/** Until the effects of the last decision are over too: idle means idle. */
const PAUSE_MS = 100;

/** Delegates issues number `from` to `from + count - 1` to an idle relay, one after the other; gives the ms from each webhook to its committed decision. */
export async function measureDecisions(
  server: Server,
  from: number,
  count: number,
): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  let heard: (delivery: string, atNs: bigint) => void = () => undefined;
  server.onDecided((delivery, atNs) => heard(delivery, atNs));
  try {
    for (let number = from; number < from + count; number += 1) {
      const id = randomUUID();
      const late = new AbortController();
      const decided = new Promise<bigint>((resolve) => {
        heard = (delivery, atNs) => {
          if (delivery === id) resolve(atNs);
        };
      });
      const begun = process.hrtime.bigint();
      await post(server.port, agent, id, delegation(number));
      const at = await Promise.race([
        decided,
        delay(systemClock, WAIT_MS, late.signal).then(() => {
          throw new Error(`no decision followed within ${WAIT_MS} ms of a delegation`);
        }),
      ]);
      late.abort(new Error("decided"));
      times.push(Number(at - begun) / 1e6);
      await delay(systemClock, PAUSE_MS);
    }
  } finally {
    agent.destroy();
  }
  return times;
}

/** Delegates `count` further issues as fast as they are taken. */
export async function fill(server: Server, from: number, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  try {
    for (let number = from; number < from + count; number += 8) {
      const group = Array.from({ length: Math.min(8, from + count - number) }, (_, index) => number + index);
      await Promise.all(group.map((each) => post(server.port, agent, randomUUID(), delegation(each))));
    }
    await server.idle();
  } finally {
    agent.destroy();
  }
}

function delegation(number: number): string {
  const tail = String(number).padStart(12, "0");
  const text = readFileSync(PAYLOAD, "utf8")
    .replaceAll("c0000000-0000-4000-8000-000000000001", `c0000000-0000-4000-8000-${tail}`)
    .replaceAll("e0000000-0000-4000-8000-000000000001", `e0000000-0000-4000-8000-${tail}`)
    .replaceAll("APP-7", `APP-${number + 1}`);
  return JSON.stringify({ ...(JSON.parse(text) as object), webhookTimestamp: systemClock.now() });
}

async function post(port: number, agent: Agent, id: string, body: string): Promise<void> {
  const signature = createHmac("sha256", LINEAR_SECRET).update(body).digest("hex");
  await new Promise<void>((resolve, reject) => {
    const asked = request(
      {
        port,
        host: "127.0.0.1",
        method: "POST",
        path: "/webhooks/linear",
        agent,
        headers: {
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
          "linear-delivery": id,
          "linear-event": "AgentSessionEvent",
          "linear-signature": signature,
        },
      },
      (answer) => {
        answer.resume();
        answer.on("end", () =>
          answer.statusCode === 200
            ? resolve()
            : reject(new Error(`a delegation was answered ${answer.statusCode}`)),
        );
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}
