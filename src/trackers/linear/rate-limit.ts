/** What Linear last said about one allowance (linear.md section 11; resets are Unix milliseconds). */
interface Allowance {
  readonly limit: number;
  readonly remaining: number;
  readonly resetAt: number | null;
}

/** The newest word of Linear on our allowances; null = it has not said. */
export interface RateLimit {
  readonly requests: Allowance | null;
  readonly complexity: Allowance | null;
  /** When it said so, our clock, Unix ms; null = never. */
  readonly at: number | null;
}

export const NO_RATE_LIMIT: RateLimit = { requests: null, complexity: null, at: null };

// Every allowance is per hour, so a reset further off than that is a clock that disagrees with ours.
const LONGEST_WAIT_MS = 60 * 60_000;
// The rest is kept for what people wait for: conclusions, questions, status moves.
const KEPT_FOR_WRITES = 0.1;

/** What an answer's headers say; `before` stands where they say nothing. */
export function readRateLimit(
  header: (name: string) => string | null,
  before: RateLimit,
  now: number,
): RateLimit {
  const requests = allowance(header, "x-ratelimit-requests-");
  const complexity = allowance(header, "x-ratelimit-complexity-");
  if (requests === null && complexity === null) return before;
  return { requests: requests ?? before.requests, complexity: complexity ?? before.complexity, at: now };
}

/** When reads may go on (Unix ms) because less than a tenth of an allowance is left; null = now. */
export function readsWaitUntil(limit: RateLimit, now: number): number | null {
  return latest(
    [limit.requests, limit.complexity].filter((one) => one !== null && isLow(one)),
    now,
  );
}

/** When to try again after a refusal for too many requests (Unix ms); null = the headers do not say. */
export function retryAfterRefusal(
  header: (name: string) => string | null,
  limit: RateLimit,
  now: number,
): number | null {
  const endpoint = count(header("x-ratelimit-endpoint-requests-reset"));
  const spent = [limit.requests, limit.complexity].filter((one) => one !== null && one.remaining <= 0);
  const at = latest(spent, now) ?? within(endpoint, now);
  if (at !== null) return at;
  const seconds = count(header("retry-after"));
  if (seconds !== null) return within(now + seconds * 1000, now);
  return within(limit.requests?.resetAt ?? null, now);
}

function isLow(allowance: Allowance): boolean {
  return allowance.remaining < allowance.limit * KEPT_FOR_WRITES;
}

function latest(allowances: readonly (Allowance | null)[], now: number): number | null {
  const times = allowances
    .map((one) => within(one?.resetAt ?? null, now))
    .filter((at): at is number => at !== null);
  return times.length === 0 ? null : Math.max(...times);
}

function within(at: number | null, now: number): number | null {
  return at === null || at <= now ? null : Math.min(at, now + LONGEST_WAIT_MS);
}

function allowance(header: (name: string) => string | null, prefix: string): Allowance | null {
  const limit = count(header(`${prefix}limit`));
  const remaining = count(header(`${prefix}remaining`));
  if (limit === null || remaining === null) return null;
  return { limit, remaining, resetAt: count(header(`${prefix}reset`)) };
}

function count(text: string | null): number | null {
  return text !== null && /^\d{1,15}$/.test(text.trim()) ? Number(text) : null;
}
