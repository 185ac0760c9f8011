import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";

/** What a server under test tells its parent. */
export type FromServer =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "idle" }
  | { readonly kind: "decided"; readonly delivery: string; readonly atNs: string };

export interface Server {
  readonly port: number;
  /** Resolves when nothing that was taken in waits any more. */
  idle(): Promise<void>;
  /** Hears of each committed decision: the delivery, and the machine's monotonic clock in ns. */
  onDecided(hear: (delivery: string, atNs: bigint) => void): void;
  /** Resident memory, MiB. */
  residentMiB(): number;
  /** Processor time used so far, ms (Linux counts in steps of 10 ms). */
  processorMs(): number;
  stop(): Promise<void>;
}

/** Starts a bundled server and waits until it listens; `execArgv` are node's own options. */
export async function startServer(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  execArgv: readonly string[] = [],
): Promise<Server> {
  const child = fork(file, [...args], { env: { ...env }, execArgv: [...execArgv] });
  const hearers: ((message: FromServer) => void)[] = [];
  child.on("message", (message: FromServer) => {
    for (const hear of hearers) hear(message);
  });
  const told = <K extends FromServer["kind"]>(kind: K): Promise<Extract<FromServer, { kind: K }>> =>
    new Promise((resolve, reject) => {
      const gone = (code: number | null): void =>
        reject(new Error(`${file} ended with ${code ?? "a signal"}`));
      child.once("exit", gone);
      const hear = (message: FromServer): void => {
        if (message.kind !== kind) return;
        hearers.splice(hearers.indexOf(hear), 1);
        child.off("exit", gone);
        resolve(message as Extract<FromServer, { kind: K }>);
      };
      hearers.push(hear);
    });
  const { port } = await told("listening");
  return {
    port,
    async idle() {
      const answer = told("idle");
      child.send("idle?");
      await answer;
    },
    onDecided(hear) {
      hearers.push((message) => {
        if (message.kind === "decided") hear(message.delivery, BigInt(message.atNs));
      });
    },
    residentMiB: () => residentMiB(child),
    processorMs: () => processorMs(child),
    async stop() {
      const gone = new Promise<void>((resolve) => {
        child.once("exit", () => resolve());
      });
      child.disconnect();
      await gone;
    },
  };
}

function residentMiB({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

// proc(5): fields 14 and 15, in ticks of which there are 100 a second; the name before them may hold spaces.
function processorMs({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid ?? 0}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
