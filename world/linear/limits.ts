import type { Clock } from "../../src/lib/clock.ts";

const HOUR_MS = 3_600_000;

/** What one caller may use per hour. */
export interface HourlyLimits {
  readonly requests: number;
  readonly complexity: number;
}

/** developers/rate-limiting: an API key, per user. */
export const API_KEY_LIMITS: HourlyLimits = { requests: 2_500, complexity: 3_000_000 };
/** developers/rate-limiting: an OAuth app, per app user. */
export const OAUTH_LIMITS: HourlyLimits = { requests: 5_000, complexity: 2_000_000 };

/** A leaky bucket that empties once an hour. */
export class Bucket {
  readonly limit: number;
  readonly #clock: Clock;
  #level = 0;
  #at: number;

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#at = clock.monotonic();
    this.limit = limit;
  }

  /** Takes `amount`, or takes nothing and returns false when it does not fit. */
  take(amount: number): boolean {
    this.#leak();
    if (this.#level + amount > this.limit) return false;
    this.#level += amount;
    return true;
  }

  remaining(): number {
    this.#leak();
    return Math.floor(this.limit - this.#level);
  }

  /** When the bucket is empty again, Unix milliseconds. */
  resetAt(): number {
    this.#leak();
    return Math.ceil(this.#clock.now() + (this.#level / this.limit) * HOUR_MS);
  }

  #leak(): void {
    const now = this.#clock.monotonic();
    this.#level = Math.max(0, this.#level - ((now - this.#at) / HOUR_MS) * this.limit);
    this.#at = now;
  }
}

/** The two buckets of one caller. */
export interface Allowance {
  readonly identifier: string;
  readonly kind: "apiKey" | "oauth";
  readonly requests: Bucket;
  readonly complexity: Bucket;
}

/** The rate limit headers of an answer (resets are Unix milliseconds). */
export function limitHeaders(allowance: Allowance, points: number): Record<string, string> {
  const { requests, complexity } = allowance;
  return {
    "x-ratelimit-requests-limit": String(requests.limit),
    "x-ratelimit-requests-remaining": String(requests.remaining()),
    "x-ratelimit-requests-reset": String(requests.resetAt()),
    "x-complexity": String(points),
    "x-ratelimit-complexity-limit": String(complexity.limit),
    "x-ratelimit-complexity-remaining": String(complexity.remaining()),
    "x-ratelimit-complexity-reset": String(complexity.resetAt()),
  };
}

/** The answer to `rateLimitStatus`. */
export function limitStatus(allowance: Allowance): object {
  const limit = (type: string, bucket: Bucket): object => ({
    type,
    allowedAmount: bucket.limit,
    requestedAmount: 1,
    remainingAmount: bucket.remaining(),
    period: HOUR_MS,
    reset: bucket.resetAt(),
  });
  return {
    identifier: allowance.identifier,
    kind: allowance.kind,
    limits: [limit("request", allowance.requests), limit("complexity", allowance.complexity)],
  };
}
