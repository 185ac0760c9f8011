// The loader, a process of its own: raw sockets kept alive, each with one request at a time.
// Arguments: folder of payloads, port, connections, milliseconds. Prints one JSON line.
import { connect } from "node:net";
import { systemClock } from "../src/lib/clock.ts";
import { systemRandomness } from "../src/lib/ids.ts";
import { requestHead, signedBodies } from "./bodies.ts";

/** What one round measured; times in milliseconds. */
export interface Round {
  /** Answers in all, those of the warm-up included. */
  readonly answered: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers that were not 200. */
  readonly refused: number;
}

const WARM_UP_MS = 250;
const [payloads = "", ...numbers] = process.argv.slice(2);
const [port = 0, connections = 1, lastsMs = 1_000] = numbers.map(Number);
const bodies = signedBodies(payloads);
const prefix = systemRandomness.uuid();
const times: number[] = [];
let sent = 0;
let refused = 0;
const begun = systemClock.monotonic();
const counted = begun + WARM_UP_MS;
const until = counted + lastsMs;

await Promise.all(Array.from({ length: connections }, drive));
const sorted = times.toSorted((a, b) => a - b);
const at = (quantile: number): number => sorted[Math.floor((sorted.length - 1) * quantile)] ?? 0;
const round: Round = {
  answered: sent,
  perSecond: times.length / (lastsMs / 1_000),
  p50: at(0.5),
  p99: at(0.99),
  refused,
};
process.stdout.write(`${JSON.stringify(round)}\n`);

async function drive(): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let startedAt = 0;
    let answer = "";
    const next = (): void => {
      const signed = bodies[sent % bodies.length];
      if (signed === undefined) throw new Error("there are no bodies");
      sent += 1;
      answer = "";
      startedAt = systemClock.monotonic();
      socket.cork();
      socket.write(requestHead(signed, `${prefix}-${sent}`), "latin1");
      socket.write(signed.body);
      socket.uncork();
    };
    socket.on("connect", next);
    socket.on("data", (chunk: Buffer) => {
      answer += chunk.toString("latin1");
      if (!isWhole(answer)) return;
      const now = systemClock.monotonic();
      if (!answer.startsWith("HTTP/1.1 200 ")) refused += 1;
      if (startedAt >= counted && now <= until) times.push(now - startedAt);
      if (now < until) next();
      else socket.end();
    });
    socket.on("close", () => resolve());
    socket.on("error", reject);
  });
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(answer)?.[1];
  return length !== undefined && answer.length >= end + 4 + Number(length);
}
