import type { Facts } from "./facts.ts";
import type { Stamped } from "./stamp.ts";

/**
 * Whether facts tell something that they did not tell before. When it was last read to be so is no news: each sweep
 * moves those times, and a journal that noted them would note nothing else.
 */
export function isNews(before: Facts, after: Facts): boolean {
  return before !== after && !isSame(told(before), told(after));
}

/** By value; the order of keys, and a key without a value, make no difference. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [present(a), present(b)];
  return (
    left.length === right.length &&
    left.every(([key, value]) => Object.hasOwn(b, key) && isSame(value, (b as Record<string, unknown>)[key]))
  );
}

function present(value: object): readonly [string, unknown][] {
  return Object.entries(value).filter(([, part]) => part !== undefined);
}

/** The facts without the times at which a source said again what was known. */
function told(facts: Facts): unknown {
  const { ticket, project, pullRequest } = facts;
  return {
    ...facts,
    ticket: unstamped(ticket),
    project: project === null ? null : unstamped(project),
    pullRequest:
      pullRequest === null
        ? null
        : {
            ...unstamped(pullRequest),
            readAt: pullRequest.readAt !== null,
            readAskedAt: pullRequest.readAskedAt !== null,
            heads: Object.fromEntries(
              Object.entries(pullRequest.heads).map(([sha, head]) => [
                sha,
                { ...head, confirmedAt: head.confirmedAt !== null },
              ]),
            ),
          },
  };
}

// A person's word (delegation, stop, command, pause) is stamped too, but there the time is the news.
function unstamped(part: object): object {
  return Object.fromEntries(
    Object.entries(part).map(([name, value]: [string, unknown]) => [
      name,
      isStamped(value) ? { stamped: value.value } : value,
    ]),
  );
}

function isStamped(value: unknown): value is Stamped<unknown> {
  return typeof value === "object" && value !== null && "value" in value && "at" in value && "read" in value;
}
