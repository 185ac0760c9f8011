import { ExternalError } from "../../../lib/external.ts";
import { isTooMuch } from "../client/errors.ts";
import type { Need } from "../client/brake.ts";

/** What came of one question of a batch. */
export type Outcome<A> = { readonly value: A } | { readonly fault: Error };

/** Puts questions that come at about the same time into one request. */
export interface Batches<Q, A> {
  /** `group`: only questions of the same one may share a request. Rejects with the signal's reason when it fires. */
  ask(group: string, question: Q, need: Need, signal: AbortSignal): Promise<A>;
}

interface Waiting<Q, A> {
  readonly question: Q;
  readonly need: Need;
  readonly signal: AbortSignal;
  readonly resolve: (value: A) => void;
  readonly reject: (reason: Error) => void;
}

interface Group<Q, A> {
  waiting: Waiting<Q, A>[];
  underWay: number;
  isPlanned: boolean;
  /** How many questions a request may hold; smaller after one that was too much. */
  size: number;
}

const MAX_WAITING = 1_000;
/** Requests of a group at a time; sweeps leave the second to what is wanted. */
const PLACES: Readonly<Record<Need, number>> = { background: 1, wanted: 2 };
/** Single questions of a batch that may be too much by themselves; beyond that it is an outage, and nothing more is tried. */
const MOST_HOPELESS = 2;

/**
 * Questions of one turn of the event loop go together, as do those that come while a request is under way; what is wanted
 * goes before sweeps. A fault of one question is its own; a request that asks for too much is halved.
 */
export function createBatches<Q, A>(parts: {
  /** Questions in one request at most. */
  readonly most: number;
  /** Asks them in one request; an outcome for each, in order. Throws what is the fault of all of them. */
  readonly send: (
    group: string,
    questions: readonly Q[],
    signal: AbortSignal,
  ) => Promise<readonly Outcome<A>[]>;
}): Batches<Q, A> {
  const groups = new Map<string, Group<Q, A>>();

  const plan = (name: string, group: Group<Q, A>): void => {
    if (group.isPlanned) return;
    group.isPlanned = true;
    setImmediate(() => {
      group.isPlanned = false;
      flush(name, group);
    });
  };

  const flush = (name: string, group: Group<Q, A>): void => {
    const ordered = [
      ...group.waiting.filter(({ need }) => need === "wanted"),
      ...group.waiting.filter(({ need }) => need !== "wanted"),
    ];
    const first = ordered[0];
    if (first === undefined || group.underWay >= PLACES[first.need]) return;
    const batch = ordered.slice(0, group.size);
    group.waiting = group.waiting.filter((one) => !batch.includes(one));
    group.underWay += 1;
    carryOut(name, group, batch)
      .catch((error: unknown) => refuse(batch, error))
      .finally(() => {
        group.underWay -= 1;
        if (group.waiting.length > 0) plan(name, group);
      });
    if (group.waiting.length > 0) plan(name, group);
  };

  const carryOut = async (
    name: string,
    group: Group<Q, A>,
    batch: readonly Waiting<Q, A>[],
  ): Promise<void> => {
    let hopeless = 0;
    const left = [batch];
    for (let part = left.pop(); part !== undefined; part = left.pop()) {
      const asked = part.filter(({ signal }) => !signal.aborted);
      if (asked.length === 0) continue;
      try {
        await once(name, asked);
        if (asked.length >= group.size) group.size = Math.min(parts.most, group.size + 1);
      } catch (error) {
        if (!isTooMuch(error) || hopeless >= MOST_HOPELESS) {
          refuse([...asked, ...left.flat()], error);
          return;
        }
        if (asked.length === 1) {
          hopeless += 1;
          refuse(asked, error);
          continue;
        }
        const half = Math.ceil(asked.length / 2);
        group.size = half;
        left.push(asked.slice(half), asked.slice(0, half));
      }
    }
  };

  /** One request; given up when nobody waits for it any more. */
  const once = async (name: string, asked: readonly Waiting<Q, A>[]): Promise<void> => {
    const stopping = new AbortController();
    let here = asked.length;
    const leave = (): void => {
      here -= 1;
      if (here === 0) stopping.abort(new Error("nobody waits for it any more"));
    };
    for (const { signal } of asked) signal.addEventListener("abort", leave, { once: true });
    try {
      const outcomes = await parts.send(
        name,
        asked.map(({ question }) => question),
        stopping.signal,
      );
      for (const [index, { resolve, reject }] of asked.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined) reject(new ExternalError("unavailable", "an answer is missing"));
        else if ("fault" in outcome) reject(outcome.fault);
        else resolve(outcome.value);
      }
    } finally {
      for (const { signal } of asked) signal.removeEventListener("abort", leave);
    }
  };

  return {
    async ask(name, question, need, signal) {
      signal.throwIfAborted();
      const group = groups.get(name) ?? { waiting: [], underWay: 0, isPlanned: false, size: parts.most };
      groups.set(name, group);
      if (group.waiting.length >= MAX_WAITING)
        throw new ExternalError("unavailable", `${MAX_WAITING} readings of ${name} are already waiting`);
      return await new Promise<A>((resolve, reject) => {
        const leave = (): void => {
          group.waiting = group.waiting.filter((other) => other !== one);
          reject(signal.reason as Error);
        };
        const end = (): void => signal.removeEventListener("abort", leave);
        const one: Waiting<Q, A> = {
          question,
          need,
          signal,
          resolve: (value) => {
            end();
            resolve(value);
          },
          reject: (reason) => {
            end();
            reject(reason);
          },
        };
        signal.addEventListener("abort", leave, { once: true });
        group.waiting.push(one);
        plan(name, group);
      });
    },
  };
}

function refuse<Q, A>(asked: readonly Waiting<Q, A>[], error: unknown): void {
  const fault = error instanceof Error ? error : new Error(String(error));
  for (const { reject } of asked) reject(fault);
}
