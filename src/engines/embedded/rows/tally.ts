import { iso } from "../../../lib/clock.ts";
import type { Store } from "../database/store.ts";

type Counts = Readonly<Record<string, number>>;

/** The day (UTC) that spending at this time (Unix ms) counts for. */
export function dayOf(at: number): string {
  return iso(at).slice(0, 10);
}

/** What is counted as it is written: rows by state, spending by day. */
export type Tallies = ReturnType<typeof tallyRows>;

export function tallyRows({ db }: Pick<Store, "db">) {
  const spending = db.prepare<[string], { runs: number; tokens: number; usd: number }>(
    "SELECT runs, tokens, usd FROM spending WHERE day = ?",
  );
  const tally = db.prepare<[string], { state: string; count: number }>(
    "SELECT state, count FROM tally WHERE relation = ? AND count > 0",
  );
  const pending = db
    .prepare<[], number>(
      "SELECT count(*) FROM deliveries INDEXED BY deliveries_by_state WHERE state = 'pending'",
    )
    .pluck();
  const of = (relation: string): Counts =>
    Object.fromEntries(tally.all(relation).map(({ state, count }) => [state, count]));
  return {
    counts(): { readonly byState: Counts; readonly deliveries: Counts; readonly outbox: Counts } {
      const arrived = pending.get() ?? 0;
      return {
        byState: of("issues"),
        deliveries: { ...(arrived > 0 ? { pending: arrived } : {}), ...of("deliveries") },
        outbox: of("outbox"),
      };
    },
    /** All runs of a day (`YYYY-MM-DD`, UTC) together. */
    spent: (day: string) => spending.get(day) ?? { runs: 0, tokens: 0, usd: 0 },
  };
}
