import type { IssueId } from "../../../factory/facts/ids.ts";
import { messageOf } from "../../../lib/assert.ts";
import { cutOffAfter } from "../../../lib/external.ts";
import type { EngineParts } from "../../engine.ts";
import {
  DISCOVER_DEADLINE_MS,
  discoveryMs,
  firstLook,
  startsOver,
  takeFrom,
  withAnswer,
} from "../../policy/discovery.ts";
import type { Look } from "../../policy/discovery.ts";
import { createLoop } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Meta } from "../database/meta.ts";
import type { Outbox } from "../rows/outbox.ts";
import type { Store } from "../database/store.ts";

/** Which issues are kept, and in what state. */
export function knownRows({ db }: Pick<Store, "db">) {
  const stateOf = db.prepare<[string], string>("SELECT state FROM issues WHERE id = ?").pluck();
  return {
    stateOf: (issue: IssueId) => stateOf.get(issue) ?? null,
  };
}

/** Looks for issues that are ours although no webhook told us: once per idle period, or as often as news is polled. */
export function createDiscoveryLoop(parts: {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly meta: Meta;
  readonly engine: Pick<EngineParts, "clock" | "log" | "settings" | "discover">;
  readonly added: () => void;
}): Loop {
  const { store, outbox, meta, engine } = parts;
  const { clock, log } = engine;
  const known = knownRows(store);

  const underWay = (): Look => {
    const kept = meta.get("discovery");
    if (kept !== null) return JSON.parse(kept) as Look;
    const last = meta.get("discovered_at");
    return firstLook(last === null ? null : Number(last), clock.now());
  };

  const asked = async (begun: Look, signal: AbortSignal): Promise<Look> => {
    const what = "the tracker's list of our issues";
    const found = await cutOffAfter(clock, signal, DISCOVER_DEADLINE_MS, what, (until) =>
      engine.discover(begun.since, begun.rest, until),
    );
    const { look, endless } = withAnswer(begun, found);
    if (endless) {
      const { answers } = look;
      log.warn("the tracker's list of our issues is too long; skipping the rest", { answers });
    }
    return look;
  };

  return createLoop({
    name: "discovery",
    clock,
    log,
    async round(signal) {
      let look = underWay();
      if (look.left.length === 0) {
        try {
          look = await asked(look, signal);
        } catch (error) {
          if (startsOver(look, error)) {
            log.warn("restarting the search for lost issues", { why: messageOf(error) });
            store.write(() => meta.remove("discovery"));
          }
          throw error;
        }
      }
      const { readings, next, through } = takeFrom(look, known.stateOf, engine.settings.sweep);
      store.write(() => {
        for (const effect of readings) outbox.add(effect, { priority: 0, project: null }, clock.now());
        if (through) {
          meta.remove("discovery");
          meta.set("discovered_at", String(look.begun));
        } else meta.set("discovery", JSON.stringify(next));
      });
      if (readings.length > 0) parts.added();
      return discoveryMs(engine.settings.sweep, through);
    },
  });
}
