import { mkdtemp, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Agent, AgentEvent, AgentSession, WorkRequest } from "../../src/agents/agent.ts";

/** What happened in one piece of work, in order. */
export interface Notes {
  readonly threads: string[];
  readonly turns: string[];
  readonly events: AgentEvent[];
  /** Resolves with the first event that fits, whether it came before or comes later. */
  seen(fits: (event: AgentEvent) => boolean): Promise<AgentEvent>;
}

/** A request with usual values, and notes of what is told. */
export function request(
  directory: string,
  given: Partial<WorkRequest> & { readonly prompt: string },
): { readonly request: WorkRequest; readonly notes: Notes } {
  const waiting: { fits: (event: AgentEvent) => boolean; resolve: (event: AgentEvent) => void }[] = [];
  const notes: Notes = {
    threads: [],
    turns: [],
    events: [],
    seen: (fits) => {
      const past = notes.events.find(fits);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve) => {
        waiting.push({ fits, resolve });
      });
    },
  };
  return {
    notes,
    request: {
      run: "run-1",
      directory,
      gitDirectories: [],
      instructions: "You are tested.",
      thread: null,
      promptId: "prompt-1",
      model: null,
      stallMs: 60_000,
      deadlineMs: 120_000,
      maxTokens: 1_000_000,
      onThread: (thread) => {
        notes.threads.push(thread);
        return Promise.resolve();
      },
      onTurn: (turn) => {
        notes.turns.push(turn);
        return Promise.resolve();
      },
      onEvent: (event) => {
        notes.events.push(event);
        for (const waiter of waiting) if (waiter.fits(event)) waiter.resolve(event);
      },
      ...given,
    },
  };
}

/** Opened sessions and folders, closed together at the end of a test. */
export interface Bench {
  work(agent: Agent, request: WorkRequest, signal?: AbortSignal): Promise<AgentSession>;
  folder(below: string, name: string): Promise<string>;
  /** Closed with the rest, newest first. */
  readonly keep: (close: () => Promise<void>) => void;
  close(): Promise<void>;
}

export function bench(): Bench {
  const closers: (() => Promise<void>)[] = [];
  return {
    async work(agent, request, signal = new AbortController().signal) {
      const session = await agent.work(request, signal);
      closers.push(() => session.close());
      return session;
    },
    async folder(below, name) {
      const path = await realpath(await mkdtemp(join(below, `${name}-`)));
      closers.push(() => rm(path, { recursive: true, force: true, maxRetries: 10 }));
      return path;
    },
    keep: (close) => {
      closers.push(close);
    },
    async close() {
      for (const close of closers.splice(0).toReversed()) await close();
    },
  };
}
