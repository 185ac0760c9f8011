import type { ReadyDocument, ReadyPart } from "./engines/documents.ts";
import type { Engine } from "./engines/engine.ts";
import type { Conditions } from "./factory/facts/policy.ts";
import type { Identities } from "./identities.ts";
import { iso, type Clock } from "./lib/clock.ts";
import type { MadeSources } from "./sources.ts";

const INBOX_LATE_MS = 60_000;
const OUTBOX_LATE_MS = 15 * 60_000;

/** What GET /ready tells: each part with its age and backlog, and what is wrong in words. */
export function readiness(
  engine: Engine,
  conditions: Omit<Conditions, "usdToday">,
  identities: Identities,
  clock: Clock,
  sources: MadeSources["all"],
): ReadyDocument {
  const { database, inbox, outbox, sweep } = engine.health();
  const quarantined = inbox.quarantined ?? 0;
  const failed = outbox.failed ?? 0;
  const lateSweep = sweep.ageMs === null || sweep.ageMs > 3 * sweep.everyMs + 30_000;
  const agents = Object.entries(conditions.agents);
  const broken = agents.filter(([, why]) => why !== null);
  const parts: ReadyDocument["parts"] = {
    database: part(database.ok, database.detail),
    inbox: part(
      inbox.pending !== null && (inbox.oldestMs ?? 0) < INBOX_LATE_MS,
      `${waiting(inbox.pending)}${quarantined > 0 ? `, ${quarantined} quarantined (see delivery list --source observation)` : ""}`,
      inbox.oldestMs,
      inbox.pending,
    ),
    outbox: part(
      outbox.pending !== null && (outbox.oldestMs ?? 0) < OUTBOX_LATE_MS,
      `${waiting(outbox.pending)}${failed > 0 ? `, ${failed} given up (see outbox list)` : ""}`,
      outbox.oldestMs,
      outbox.pending,
    ),
    sweep: part(!lateSweep, lateSweep ? "the sweep is overdue" : "running", sweep.ageMs),
    agent: part(
      broken.length === 0 && conditions.disk === null,
      conditions.disk ??
        (broken.length === 0
          ? agents.map(([name]) => name).join(", ")
          : broken.map(([name, why]) => `${name}: ${why}`).join("; ")),
    ),
    ...Object.fromEntries(sources.map(({ name }) => [name, signedIn(identities, name, clock)])),
  };
  const lastUses = sources.map(({ name, made }) => {
    const at = made.lastPreviousSecretUseAt();
    return [name, at === null ? null : iso(at)] as const;
  });
  return {
    ready: Object.values(parts).every(({ ok }) => ok),
    previousSecrets: Object.fromEntries(lastUses),
    parts,
  };
}

function waiting(pending: number | null): string {
  return pending === null ? "not known while the database cannot be read" : `${pending} waiting`;
}

function part(
  ok: boolean,
  detail: string,
  ageMs: number | null = null,
  pending: number | null = null,
): ReadyPart {
  return { ok, detail, ageMs, pending };
}

function signedIn(identities: Identities, source: string, clock: Clock): ReadyPart {
  const { ok, detail, at } = identities.health(source);
  return part(ok, detail, at === null ? null : clock.now() - at);
}
