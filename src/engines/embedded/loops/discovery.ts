import type { Effect } from "../../../factory/effects/effect.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import { messageOf } from "../../../lib/assert.ts";
import { deadline, isPassing } from "../../../lib/external.ts";
import type { EngineParts } from "../../engine.ts";
import { discoveryMs, isLost } from "../../policy/sweep.ts";
import { aborted } from "./abort.ts";
import { createLoop } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Meta } from "../database/meta.ts";
import type { Outbox } from "../rows/outbox.ts";
import type { Store } from "../database/store.ts";

/** Readings of lost issues asked for at once: those of the sweep must not wait behind thousands. */
const ISSUES_PER_ROUND = 200;
/** A list that still goes on after so many answers has no end that we could wait for. */
const MOST_ANSWERS = 50;
const DISCOVER_DEADLINE_MS = 60_000;
/** What the tracker shows late is looked for again this far back. */
const OVERLAP_MS = 10 * 60_000;
/** How far back the very first look goes; older delegations are taken up by a new word from a person. */
const FIRST_LOOK_BACK_MS = 7 * 24 * 3_600_000;

/** How far a look has come; durable, so that neither a restart nor a flood loses what it has not taken yet. */
interface Look {
  readonly begun: number;
  readonly since: number;
  readonly answers: number;
  /** Where the tracker's list goes on; null = all of it was seen. */
  readonly rest: string | null;
  /** Found, and not yet asked about. */
  readonly left: readonly IssueId[];
}

/** Which issues are kept, and in what state. */
export function knownRows({ db }: Pick<Store, "db">) {
  const stateOf = db.prepare<[string], string>("SELECT state FROM issues WHERE id = ?").pluck();
  return {
    /** Those under way are swept anyway; an ended or paused one may have been delegated again. */
    lost(issue: IssueId): boolean {
      return isLost(stateOf.get(issue) ?? null);
    },
  };
}

/** Looks for issues that are ours although no webhook told us, once per idle period. */
export function createDiscoveryLoop(parts: {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly meta: Meta;
  readonly engine: Pick<EngineParts, "clock" | "log" | "settings" | "discover">;
  readonly added: () => void;
}): Loop & { interrupt(): void } {
  const { store, outbox, meta, engine } = parts;
  const { clock, log } = engine;
  const known = knownRows(store);
  const stopping = new AbortController();

  const since = (now: number): number => {
    const kept = meta.get("discovered_at");
    const last = kept === null ? null : Number(kept);
    // A look in the future is one of a clock that was ahead: nobody knows when it truly was.
    return (last === null || last > now ? now - FIRST_LOOK_BACK_MS : last) - OVERLAP_MS;
  };

  const underWay = (): Look => {
    const kept = meta.get("discovery");
    if (kept !== null) return JSON.parse(kept) as Look;
    const begun = clock.now();
    return { begun, since: since(begun), answers: 0, rest: null, left: [] };
  };

  const asked = async (look: Look): Promise<Look> => {
    const signal = deadline(stopping.signal, DISCOVER_DEADLINE_MS, "the tracker's list of our issues");
    const found = await Promise.race([engine.discover(look.since, look.rest, signal), aborted(signal)]);
    const answers = look.answers + 1;
    const endless = found.rest !== null && answers >= MOST_ANSWERS;
    if (endless) log.warn("the tracker's list of our issues is too long; skipping the rest", { answers });
    return {
      ...look,
      answers,
      rest: endless ? null : found.rest,
      left: found.issues.map(({ issue }) => issue),
    };
  };

  const loop = createLoop({
    name: "discovery",
    clock,
    log,
    async round() {
      let look = underWay();
      if (look.left.length === 0) {
        try {
          look = await asked(look);
        } catch (error) {
          if (look.rest !== null && !isPassing(error)) {
            log.warn("restarting the search for lost issues", { why: messageOf(error) });
            store.write(() => meta.remove("discovery"));
          }
          throw error;
        }
      }
      const left = look.left.filter((issue) => known.lost(issue));
      const now = left.slice(0, ISSUES_PER_ROUND);
      const next: Look = { ...look, left: left.slice(ISSUES_PER_ROUND) };
      const through = next.left.length === 0 && next.rest === null;
      store.write(() => {
        for (const issue of now) {
          const effect: Effect = { kind: "read_ticket", key: `discover:${issue}:${look.begun}`, issue };
          outbox.add(effect, { priority: 0, project: null }, clock.now());
        }
        if (through) {
          meta.remove("discovery");
          meta.set("discovered_at", String(look.begun));
        } else meta.set("discovery", JSON.stringify(next));
      });
      if (now.length > 0) parts.added();
      return discoveryMs(engine.settings.sweep, through);
    },
  });
  return {
    ...loop,
    interrupt: () => stopping.abort(new Error("the relay is stopping")),
  };
}
