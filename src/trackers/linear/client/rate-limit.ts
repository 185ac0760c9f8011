/** What Linear last said about one allowance; resets are Unix milliseconds. */
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

/**
 * The share of an allowance at which each kind of call steps back. The sweep and the look for lost issues use 40 %
 * of it: an API key shares its allowance with its user's other programs, and an issue that has
 * just been delegated must still be read. Words that matter only now go before any reading that somebody waits for. The last tenth is for what people wait for: conclusions, questions, moves.
 */
export const KEPT = { background: 0.6, fleeting: 0.3, read: 0.1 } as const;

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

/** When calls may go on (Unix ms) for which `kept`, a share of each allowance, must be left; null = now. */
export function waitUntil(limit: RateLimit, kept: number, now: number): number | null {
  return latest(
    [limit.requests, limit.complexity].filter((one) => one !== null && one.remaining < one.limit * kept),
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
