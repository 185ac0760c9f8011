import type { Clock } from "./clock.ts";
import { aborted, firstOf } from "./signals.ts";

/**
 * A fault of the outside world: Linear, GitHub, a model provider, git's remote. Thrown with its cause, caught
 * in one place per engine, retried within bounds, then turned into an observation.
 */
export class ExternalError extends Error {
  override readonly name = "ExternalError";
  readonly kind: ExternalFault;
  /** Unix ms: not before this; null = the ordinary backoff. */
  readonly retryAt: number | null;
  constructor(
    kind: ExternalFault,
    message: string,
    options: { cause?: unknown; retryAt?: number | null } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.kind = kind;
    this.retryAt = options.retryAt ?? null;
  }
}

/**
 * `unavailable`: no or a broken answer. `rate_limited`: told to wait (not an attempt). `unauthorized`: our
 * credential. `not_found`, `refused`: an answer that a retry will not change. `conflict`: the world moved.
 */
export type ExternalFault =
  | "unavailable"
  | "rate_limited"
  | "unauthorized"
  | "not_found"
  | "refused"
  | "conflict";

/** Whether trying the same again later can help. */
export function isPassing(error: unknown): boolean {
  return (
    !(error instanceof ExternalError) || ["unavailable", "rate_limited", "unauthorized"].includes(error.kind)
  );
}

/** Whether the world does not answer for now, or asked us to wait: nothing that a person has to mend. */
export function isOutage(error: unknown): error is ExternalError {
  return error instanceof ExternalError && (error.kind === "unavailable" || error.kind === "rate_limited");
}

/**
 * Asks with a signal that fires with `signal`, or after `ms` of the clock with an ExternalError `unavailable` that says
 * so of `what`. Resolves and rejects as `ask` does, which has to heed the signal; nothing is left of it afterwards, neither
 * a timer nor a listener.
 */
export async function withDeadline<T>(
  clock: Pick<Clock, "after">,
  signal: AbortSignal,
  ms: number,
  what: string,
  ask: (until: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const until = firstOf(signal, late.signal);
  const cancel = clock.after(ms, () =>
    late.abort(new ExternalError("unavailable", `${what} did not answer within ${ms} ms`)),
  );
  try {
    return await ask(until.signal);
  } finally {
    cancel();
    until.release();
  }
}

/** The same for what may not heed its signal: it is waited for no longer than that, whatever it goes on to do. */
export async function cutOffAfter<T>(
  clock: Pick<Clock, "after">,
  signal: AbortSignal,
  ms: number,
  what: string,
  ask: (until: AbortSignal) => Promise<T>,
): Promise<T> {
  return await withDeadline(clock, signal, ms, what, async (until) =>
    Promise.race([ask(until), aborted(until)]),
  );
}
