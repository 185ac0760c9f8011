import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import { DELIVERY_STATES, EFFECT_STATES } from "../engines/documents.ts";
import type { Engine, EngineHealth } from "../engines/engine.ts";
import type { RunDocument } from "../engines/documents.ts";
import { FACTORY_STATES } from "../factory/facts/state.ts";
import { Bug, messageOf } from "../lib/assert.ts";
import { parseTime } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import type { WebhookCounts } from "./webhooks/counts.ts";

export interface Metrics {
  readonly webhooks: WebhookCounts;
  readonly contentType: string;
  /** A run has ended. Telling the same one again counts nothing. */
  runEnded(run: RunDocument): void;
  /** The exposition of everything, Prometheus' text format. */
  render(): Promise<string>;
}

/** Ended runs remembered so that none is counted twice. */
const ENDED_REMEMBERED = 1_000;

/** A registry of its own, so that two servers in a process do not share counters. `sources`: the names that are counted. */
export function createMetrics(
  engine: Pick<Engine, "health" | "views">,
  sources: readonly string[],
  log: Log,
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const deliveries = new Counter({
    name: "patchrelay_deliveries_total",
    help: "Webhooks by source and outcome (accepted, duplicate, refused).",
    labelNames: ["source", "outcome"] as const,
    registers,
  });
  const refused = new Counter({
    name: "patchrelay_deliveries_refused_total",
    help: "Refused webhooks by source and reason, e.g. bad_signature, stale_timestamp, not_durable.",
    labelNames: ["source", "reason"] as const,
    registers,
  });
  const durable = new Histogram({
    name: "patchrelay_delivery_durable_seconds",
    help: "Time from verifying a webhook to having it on disk.",
    labelNames: ["source"] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const runs = new Counter({
    name: "patchrelay_runs_total",
    help: "Ended runs by type, outcome and failure class, since the process started.",
    labelNames: ["type", "outcome", "failure_class"] as const,
    registers,
  });
  const runSeconds = new Histogram({
    name: "patchrelay_run_seconds",
    help: "How long runs took.",
    labelNames: ["type"] as const,
    buckets: [10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200],
    registers,
  });
  observeGauges(engine, registers, log);

  // The labels of the intake's counters are looked up once, not per request.
  const perSource = (source: string) => ({
    accepted: deliveries.labels(source, "accepted"),
    duplicate: deliveries.labels(source, "duplicate"),
    refused: deliveries.labels(source, "refused"),
    durable: durable.labels(source),
  });
  const counters = new Map(sources.map((source) => [source, perSource(source)]));
  const countersOf = (source: string): ReturnType<typeof perSource> => {
    const found = counters.get(source);
    if (found === undefined) throw new Bug(`no metrics for source ${source}`);
    return found;
  };
  const ended = new Set<string>();

  return {
    webhooks: {
      stored(source, answer, seconds) {
        const counted = countersOf(source);
        counted[answer].inc();
        counted.durable.observe(seconds);
      },
      refused(source, reason) {
        countersOf(source).refused.inc();
        refused.labels(source, reason).inc();
      },
    },
    contentType: registry.contentType,
    runEnded(run) {
      if (ended.has(run.id)) return;
      ended.add(run.id);
      if (ended.size > ENDED_REMEMBERED) {
        for (const oldest of ended) {
          ended.delete(oldest);
          break;
        }
      }
      runs.labels(run.type, run.outcome ?? "unknown", run.failureClass ?? "none").inc();
      const [from, to] = [parseTime(run.startedAt), parseTime(run.endedAt)];
      if (from !== null && to !== null) runSeconds.labels(run.type).observe(Math.max(0, to - from) / 1000);
    },
    render: async () => await registry.metrics(),
  };
}

/** Gauges that are read from the engine whenever somebody asks. One that cannot be read is left out, the others are told. */
function observeGauges(engine: Pick<Engine, "health" | "views">, registers: Registry[], log: Log): void {
  const unread = (metric: string, error: unknown): void =>
    log.warn("a metric could not be read", { metric, why: messageOf(error) });
  const gauge = (name: string, help: string, read: () => number | null): void => {
    const made = new Gauge({
      name: `patchrelay_${name}`,
      help,
      registers,
      collect() {
        let value: number | null = null;
        try {
          value = read();
        } catch (error) {
          unread(name, error);
        }
        if (value === null) made.remove();
        else made.set(value);
      },
    });
  };
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);
  const oldest = ({ pending, oldestMs }: EngineHealth["inbox" | "outbox"]): number | null =>
    pending === null ? null : (seconds(oldestMs) ?? 0);
  gauge("database_ok", "1 while the database accepts writes.", () => (engine.health().database.ok ? 1 : 0));
  gauge("inbox_pending", "Deliveries not applied yet.", () => engine.health().inbox.pending);
  gauge("inbox_oldest_seconds", "Age of the oldest delivery not applied yet.", () =>
    oldest(engine.health().inbox),
  );
  gauge(
    "observations_quarantined",
    "Quarantined observations: they failed repeatedly and wait for an operator.",
    () => engine.health().inbox.quarantined,
  );
  gauge(
    "delivery_mismatches",
    "Deliveries that repeated a known id with different bytes, since the process started.",
    () => engine.health().inbox.mismatches,
  );
  gauge("outbox_pending", "Effects not carried out yet.", () => engine.health().outbox.pending);
  gauge("outbox_failed", "Effects waiting for an operator.", () => engine.health().outbox.failed);
  gauge("outbox_oldest_seconds", "Age of the oldest effect not carried out yet.", () =>
    oldest(engine.health().outbox),
  );
  gauge("slots_total", "Runs allowed at the same time.", () => engine.health().slots.total);
  gauge("slots_used", "Active runs.", () => engine.health().slots.used);
  gauge("sweep_age_seconds", "Time since the last sweep.", () => seconds(engine.health().sweep.ageMs));
  const byState = (
    name: string,
    help: string,
    known: readonly string[],
    read: () => Promise<Readonly<Record<string, number>>>,
  ): void => {
    const made = new Gauge({
      name: `patchrelay_${name}`,
      help,
      labelNames: ["state"] as const,
      registers,
      async collect() {
        made.reset();
        try {
          const counts = await read();
          for (const state of known) made.labels(state).set(counts[state] ?? 0);
        } catch (error) {
          unread(name, error);
        }
      },
    });
  };
  byState(
    "issues",
    "Issues by factory state.",
    Object.keys(FACTORY_STATES),
    async () => (await engine.views.counts()).byState,
  );
  byState(
    "deliveries_kept",
    "Kept deliveries by state.",
    DELIVERY_STATES,
    async () => (await engine.views.counts()).deliveries,
  );
  byState(
    "effects_kept",
    "Kept effects by state.",
    EFFECT_STATES,
    async () => (await engine.views.counts()).outbox,
  );
}
