import type { Clock } from "../../src/lib/clock.ts";
import type { WireReply } from "../wire.ts";
import { jsonReply } from "../wire.ts";

/** What is left of one caller's hour. */
export interface Budget {
  readonly limit: number;
  readonly used: number;
  /** Unix milliseconds. */
  readonly resetAt: number;
}

export type Resource = "core" | "graphql";

export interface Limits {
  /** Takes `cost` points; the budget afterwards, and whether it was enough. */
  take(
    caller: string,
    resource: Resource,
    cost: number,
  ): { readonly budget: Budget; readonly enough: boolean };
  see(caller: string, resource: Resource): Budget;
}

const HOUR_MS = 60 * 60_000;
const KEPT_CALLERS = 1_000;

/** The primary limits: points per caller and hour. Anonymous callers have 60. */
export function openLimits(clock: Clock, perHour: () => number): Limits {
  const budgets = new Map<string, Budget>();
  const see = (caller: string, resource: Resource): Budget => {
    const key = `${resource} ${caller}`;
    const known = budgets.get(key);
    if (known !== undefined && known.resetAt > clock.now()) return { ...known, limit: limitOf(caller) };
    return { limit: limitOf(caller), used: 0, resetAt: clock.now() + HOUR_MS };
  };
  const limitOf = (caller: string): number => (caller === "anonymous" ? 60 : perHour());
  return {
    see,
    take(caller, resource, cost) {
      const budget = see(caller, resource);
      if (budget.used + cost > budget.limit) return { budget, enough: false };
      const next = { ...budget, used: budget.used + cost };
      budgets.set(`${resource} ${caller}`, next);
      const oldest = budgets.keys().next();
      if (budgets.size > KEPT_CALLERS && oldest.done !== true) budgets.delete(oldest.value);
      return { budget: next, enough: true };
    },
  };
}

/** The headers that every API answer carries; the reset is in Unix seconds. */
export function limitHeaders(budget: Budget, resource: Resource): Record<string, string> {
  return {
    "x-ratelimit-limit": String(budget.limit),
    "x-ratelimit-remaining": String(Math.max(0, budget.limit - budget.used)),
    "x-ratelimit-used": String(budget.used),
    "x-ratelimit-reset": String(Math.ceil(budget.resetAt / 1000)),
    "x-ratelimit-resource": resource,
  };
}

/** How GitHub refuses: `primary` names the hour's end, `secondary` a number of seconds to stay away. */
export function limited(kind: "primary" | "secondary", budget: Budget, resource: Resource): WireReply {
  if (kind === "secondary") {
    const body = {
      message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
      documentation_url: DOCUMENTATION,
    };
    return jsonReply(403, body, { ...limitHeaders(budget, resource), "retry-after": "60" });
  }
  const spent = { ...budget, used: budget.limit };
  return jsonReply(
    403,
    { message: "API rate limit exceeded.", documentation_url: DOCUMENTATION },
    limitHeaders(spent, resource),
  );
}

const DOCUMENTATION = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
