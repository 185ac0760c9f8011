import { statfs } from "node:fs/promises";
import type { Agent } from "./agents/agent.ts";
import type { Conditions } from "./factory/facts/policy.ts";
import { messageOf } from "./lib/assert.ts";
import type { Clock } from "./lib/clock.ts";
import type { Log } from "./lib/log.ts";
import { withDeadline } from "./lib/external.ts";

/** How often is looked whether agents and disk allow work. */
const LOOK_EVERY_MS = 20_000;
const LOOK_DEADLINE_MS = 15_000;

/** What is so on this machine right now: looked at in the background, so that a decision never waits for it. */
export interface Watch {
  now(): Omit<Conditions, "usdToday">;
  /** Looks at once and resolves when that is done. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

export function watchConditions(parts: {
  readonly agents: Readonly<Record<string, Agent>>;
  readonly dataDir: string;
  readonly stopRunsBelowBytes: number;
  readonly clock: Clock;
  readonly log: Log;
}): Watch {
  const { clock } = parts;
  const stopping = new AbortController();
  let agents: Record<string, string | null> = Object.fromEntries(
    Object.keys(parts.agents).map((name) => [name, "not checked yet"]),
  );
  let disk: string | null = null;
  let cancel: () => void = () => undefined;
  let looking: Promise<void> = Promise.resolve();

  const once = async (): Promise<void> => {
    const entries = Object.entries(parts.agents).map(
      async ([name, agent]) => [name, await readiness(agent)] as const,
    );
    const looked = Object.fromEntries(await Promise.all(entries));
    for (const [name, why] of Object.entries(looked)) {
      if (why === agents[name]) continue;
      if (why === null) parts.log.info("the agent can start", { agent: name });
      else parts.log.warn("the agent cannot start; issues wait", { agent: name, why });
    }
    agents = looked;
    const low = await lowDisk();
    if (low !== disk) parts.log[low === null ? "info" : "warn"](low ?? "disk space is sufficient again");
    disk = low;
  };
  const readiness = async (agent: Agent): Promise<string | null> => {
    try {
      return await withDeadline(clock, stopping.signal, LOOK_DEADLINE_MS, "it", (until) =>
        agent.ready(until),
      );
    } catch (error) {
      return messageOf(error);
    }
  };
  const lowDisk = async (): Promise<string | null> => {
    const { bavail, bsize } = await statfs(parts.dataDir);
    const free = bavail * bsize;
    if (free >= parts.stopRunsBelowBytes) return null;
    return `Only ${Math.floor(free / 1_048_576)} MiB of disk space is free; no run starts below ${Math.floor(parts.stopRunsBelowBytes / 1_048_576)} MiB.`;
  };
  const round = async (): Promise<void> => {
    try {
      await once();
    } catch (error) {
      parts.log.warn("could not check conditions", { error: messageOf(error) });
    } finally {
      cancel();
      if (!stopping.signal.aborted) cancel = clock.after(LOOK_EVERY_MS, start);
    }
  };
  const start = (): void => {
    looking = round();
  };

  return {
    now: () => ({ agents, disk }),
    async look() {
      start();
      await looking;
    },
    async stop() {
      stopping.abort(new Error("the relay is stopping"));
      cancel();
      await looking;
    },
  };
}
