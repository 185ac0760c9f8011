/** How long to wait before try number `attempt` (1 = after the first failure). */
export interface Backoff {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/** 2 s, doubling, at most 15 min, with jitter. */
export const OUTSIDE_CALLS: Backoff = { firstMs: 2_000, factor: 2, maxMs: 15 * 60_000 };

/** Milliseconds to wait; `fraction` in [0,1) spreads it over [half, full] so that retries do not march in step. */
export function backoffMs(backoff: Backoff, attempt: number, fraction: number): number {
  const full = Math.min(backoff.maxMs, backoff.firstMs * backoff.factor ** Math.max(0, attempt - 1));
  return Math.round(full * (0.5 + fraction / 2));
}
