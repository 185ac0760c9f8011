import { inputError } from "../errors.ts";

/** Linear's comparators (`StringComparator`, `DateComparator`, `NullableNumberComparator`, …) on one value. */

type Comparable = string | number | boolean | null;

const OPERATORS: Readonly<Record<string, (value: Comparable, wanted: never) => boolean>> = {
  eq: (value, wanted: Comparable) => value === wanted,
  neq: (value, wanted: Comparable) => value !== wanted,
  in: (value, wanted: readonly Comparable[]) => wanted.includes(value),
  nin: (value, wanted: readonly Comparable[]) => !wanted.includes(value),
  null: (value, wanted: boolean) => (value === null) === wanted,
  gt: (value, wanted: number) => value !== null && Number(value) > wanted,
  gte: (value, wanted: number) => value !== null && Number(value) >= wanted,
  lt: (value, wanted: number) => value !== null && Number(value) < wanted,
  lte: (value, wanted: number) => value !== null && Number(value) <= wanted,
  eqIgnoreCase: (value, wanted: string) => lower(value) === lower(wanted),
  neqIgnoreCase: (value, wanted: string) => lower(value) !== lower(wanted),
  startsWith: (value, wanted: string) => text(value).startsWith(wanted),
  startsWithIgnoreCase: (value, wanted: string) => lower(value).startsWith(lower(wanted)),
  notStartsWith: (value, wanted: string) => !text(value).startsWith(wanted),
  endsWith: (value, wanted: string) => text(value).endsWith(wanted),
  notEndsWith: (value, wanted: string) => !text(value).endsWith(wanted),
  contains: (value, wanted: string) => text(value).includes(wanted),
  containsIgnoreCase: (value, wanted: string) => lower(value).includes(lower(wanted)),
  notContains: (value, wanted: string) => !text(value).includes(wanted),
  notContainsIgnoreCase: (value, wanted: string) => !lower(value).includes(lower(wanted)),
};

/** Whether `value` fulfils every operator of the comparator. Durations in dates count from `now`. */
export function compares(value: Comparable, comparator: unknown, now: number): boolean {
  return Object.entries(comparator as Record<string, unknown>).every(([name, wanted]) => {
    const operator = OPERATORS[name];
    if (operator === undefined) throw inputError(`The stand-in for Linear does not compare with ${name}`);
    return operator(value, resolved(wanted, now) as never);
  });
}

const DURATION =
  /^([+-]?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/;
const DAY_MS = 86_400_000;
const UNITS_MS = [365 * DAY_MS, 30 * DAY_MS, 7 * DAY_MS, DAY_MS, 3_600_000, 60_000, 1_000];

function resolved(wanted: unknown, now: number): unknown {
  const match = typeof wanted === "string" ? DURATION.exec(wanted) : null;
  if (match === null || match[0].length < 3) return wanted;
  const ms = match.slice(2).reduce((sum, part, index) => sum + Number(part ?? 0) * (UNITS_MS[index] ?? 0), 0);
  return match[1] === "-" ? now - ms : now + ms;
}

function text(value: Comparable): string {
  return value === null ? "" : String(value);
}

function lower(value: Comparable): string {
  return text(value).toLowerCase();
}
