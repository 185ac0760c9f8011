import { ExternalError } from "../../../lib/external.ts";

/** Who asks: nobody yet (a sweep), or something that has just happened. */
export type Need = "background" | "wanted";

/** Keeps readings within the hourly allowances that GitHub's answers tell of; there is one for all of a client's calls. */
export interface Brake {
  /** Takes in the headers of an answer. `account`: whose allowance it is. */
  heard(account: string, headers: Readonly<Record<string, string>>, now: number): void;
  /** Throws `rate_limited`, with the time, when a reading has to wait so that more than enough is left for what matters more. */
  hold(account: string, need: Need, now: number): void;
}

interface Allowance {
  readonly limit: number;
  readonly remaining: number;
  /** Unix ms. */
  readonly resetAt: number;
}

const HOUR_MS = 60 * 60_000;
const MAX_ACCOUNTS = 100;

/**
 * The share of an allowance that is not for such readings, at the beginning of its hour; it shrinks with what is left of
 * the hour. So sweeps that are too many are stretched, not stopped, and what was set off by news goes before them. Writes
 * are not held at all.
 */
const KEPT: Readonly<Record<Need, number>> = { background: 0.5, wanted: 0.1 };

export function createBrake(): Brake {
  const accounts = new Map<string, Map<string, Allowance>>();
  return {
    heard(account, headers, now) {
      const resource = headers["x-ratelimit-resource"] ?? "core";
      const limit = count(headers["x-ratelimit-limit"]);
      const remaining = count(headers["x-ratelimit-remaining"]);
      const reset = count(headers["x-ratelimit-reset"]);
      // Enterprise Server has no limits unless they are turned on, and then says nothing.
      if (limit === null || remaining === null || reset === null) return;
      // A reset that is further off than an hour is a clock that disagrees with ours.
      const resetAt = Math.min(reset * 1_000, now + HOUR_MS);
      const known = accounts.get(account) ?? new Map<string, Allowance>();
      const before = known.get(resource);
      // Answers overtake one another; within an hour less and less is left.
      const isOlder =
        before !== undefined && before.resetAt > now && sameHour(before.resetAt, resetAt)
          ? before.remaining < remaining
          : false;
      if (!isOlder) known.set(resource, { limit, remaining, resetAt });
      accounts.delete(account);
      accounts.set(account, known);
      const oldest = accounts.keys().next();
      if (accounts.size > MAX_ACCOUNTS && oldest.done !== true) accounts.delete(oldest.value);
    },
    hold(account, need, now) {
      const waits = [...(accounts.get(account)?.values() ?? [])].map((one) => freeAt(one, KEPT[need]));
      const retryAt = Math.max(0, ...waits);
      if (retryAt <= now) return;
      throw new ExternalError(
        "rate_limited",
        `GitHub's hourly allowance runs low: ${need === "background" ? "sweeps are slowed down" : "what is left is kept for writing"}`,
        { retryAt },
      );
    },
  };
}

/** When the share that is kept has shrunk to what is left (Unix ms); in the past = now. */
function freeAt({ limit, remaining, resetAt }: Allowance, kept: number): number {
  return resetAt - Math.floor((HOUR_MS * remaining) / Math.max(1, limit * kept));
}

function sameHour(a: number, b: number): boolean {
  return Math.abs(a - b) < 2_000;
}

function count(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,12}$/.test(text) ? Number(text) : null;
}
