import { setMaxListeners } from "node:events";

/** A signal made of others, and the end of listening to them. */
export interface Joined {
  readonly signal: AbortSignal;
  /** Lets go of the others; the signal then fires no more. Safe to repeat. */
  release(): void;
}

/**
 * Fires with the first of `signals`, and lets go of all of them then. Unlike AbortSignal.any, which on Node 20 leaves
 * a mark on each of them forever: a signal that lives as long as the process would grow with every call.
 */
export function firstOf(...signals: readonly AbortSignal[]): Joined {
  const joined = new AbortController();
  const fire = (event: Event): void => end(event.target as AbortSignal);
  const release = (): void => {
    for (const signal of signals) signal.removeEventListener("abort", fire);
  };
  const end = (signal: AbortSignal): void => {
    release();
    joined.abort(signal.reason);
  };
  const fired = signals.find(({ aborted }) => aborted);
  if (fired !== undefined) end(fired);
  else {
    // Node takes more than ten for a leak and says so on standard error; each of these is let go of.
    setMaxListeners(0, ...signals);
    for (const signal of signals) signal.addEventListener("abort", fire);
  }
  return { signal: joined.signal, release };
}

/** Rejects with the signal's reason once it fires: raced against work that may not look at its signal. */
export async function aborted(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    const refuse = (): void => reject(signal.reason as Error);
    if (signal.aborted) refuse();
    else signal.addEventListener("abort", refuse, { once: true });
  });
}
