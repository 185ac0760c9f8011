import type { EffectContext, EngineParts, Performers, RunHandle } from "../../src/engines/engine.ts";
import { advance as factoryAdvance, type Advance, type AdvanceInput } from "../../src/factory/advance.ts";
import type { Effect } from "../../src/factory/effects/effect.ts";
import type { Facts } from "../../src/factory/facts/facts.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import type { Forge } from "../../src/forges/forge.ts";
import { ExternalError } from "../../src/lib/external.ts";
import type { Worktrees } from "../../src/worktrees/worktrees.ts";
import { nothing, type Life } from "./life.ts";
import type { Mistake } from "./mistakes.ts";
import type { Delivery } from "./outside/outside.ts";

// What is put around the real parts of one life: the points at which the process may die, what the oracle is told,
// and the mistakes. Nothing in src knows of them.

/** Changes that a mistake commits beside the engine, on a connection of its own. */
export interface Meddler {
  run(sql: string, ...values: readonly (string | number)[]): void;
}

/** A place where a planted mistake splits what belongs together: dying there is likelier than elsewhere. */
function gap(life: Life): void {
  for (let tries = 0; tries < 20 && life.alive; tries += 1) life.boundary();
}

/** The factory, with the mistakes of one that counts or remembers wrongly. `wanted` keeps the facts that called for an effect. */
export function plantAdvance(life: Life, wanted: Map<string, Facts>): typeof factoryAdvance {
  return (input: AdvanceInput): Advance => {
    const result = plantedFactory(life.setting.mistakes)(input);
    for (const { key } of result.effects) wanted.set(key, result.facts);
    if (life.alive) life.oracle.advanced(life, input, result);
    // Inside the transaction: whoever dies here has committed nothing of it.
    life.boundary();
    return result;
  };
}

/** The factory itself. */
export function plantedFactory(mistakes: ReadonlySet<Mistake>): typeof factoryAdvance {
  return (input) => {
    const result = factoryAdvance(input);
    const { facts } = result;
    if (mistakes.has("own_push_resets")) {
      const runs = facts.runs.map((run) =>
        run.end?.outcome === "published" ? { ...run, personHead: `before ${run.headAfter}` } : run,
      );
      return { ...result, facts: { ...facts, runs } };
    }
    if (mistakes.has("burnt_budget")) {
      const runs = facts.runs.map((run) =>
        run.end?.failureClass === "infrastructure" || run.end?.failureClass === "capacity"
          ? { ...run, end: { ...run.end, charged: true } }
          : run,
      );
      return { ...result, facts: { ...facts, runs } };
    }
    return result;
  };
}

/** The performers of the outbox. */
export function plantPerformers(
  life: Life,
  real: Performers,
  wanted: ReadonlyMap<string, Facts>,
): Performers {
  const interrupted = new Set<string>();
  type Perform = (effect: Effect, context: EffectContext) => Promise<readonly Observation[]>;
  const around =
    (perform: Perform): Perform =>
    async (effect, context) => {
      if (!life.alive) return await nothing(context.signal);
      life.oracle.performs(life, effect);
      const seen = await withMistakes(perform, effect, context);
      life.boundary();
      return life.alive ? seen : await nothing(context.signal);
    };
  const withMistakes = async (
    perform: Perform,
    effect: Effect,
    context: EffectContext,
  ): Promise<readonly Observation[]> => {
    const isPost = effect.kind === "tell" || effect.kind === "comment" || effect.kind === "reply_threads";
    const key =
      isPost && life.has("no_idempotency_key")
        ? `${effect.key}#${context.attempt}-${life.agenda.now}`
        : effect.key;
    const facts = life.has("late_stop") ? (wanted.get(effect.key) ?? context.facts) : context.facts;
    if (life.has("late_stop") && effect.kind === "merge" && !interrupted.has(effect.key)) {
      // It shows where a stop comes between two tries; left to chance that is one history in hundreds.
      interrupted.add(effect.key);
      life.outside.stops(effect.issue);
      throw new ExternalError("unavailable", "the forge is away");
    }
    try {
      return await perform({ ...effect, key }, { ...context, facts });
    } catch (error) {
      if (life.has("dropped_on_outage") && error instanceof ExternalError) return [];
      throw error;
    }
  };
  return Object.fromEntries(
    Object.entries(real).map(([kind, perform]) => [kind, around(perform as Perform)]),
  ) as unknown as Performers;
}

/** What the pipeline holds of its run. */
export function plantHandle(life: Life, handle: RunHandle, meddler: Meddler): RunHandle {
  return {
    ...handle,
    async record(observations) {
      life.boundary();
      if (!life.alive) return await nothing(handle.signal);
      const isEnd = observations.some(({ kind }) => kind === "run_ended");
      const told = life.has("no_repair_key")
        ? observations.filter(({ kind }) => kind !== "push_intended")
        : observations;
      if (isEnd && life.has("settle_apart")) await settleApart(life, handle, meddler, told);
      else await handle.record(told);
      life.boundary();
      if (!life.alive) return await nothing(handle.signal);
    },
  };
}

/** The slot is given back in one commit, and the end of the run is known with the next. */
async function settleApart(
  life: Life,
  handle: RunHandle,
  meddler: Meddler,
  observations: readonly Observation[],
): Promise<void> {
  meddler.run("UPDATE runs SET state = 'ended' WHERE issue = ? AND number = ?", handle.issue, handle.run);
  gap(life);
  if (life.alive) await handle.record(observations);
}

/** The forge as the relay reads it; with the mistake `old_verdict` a new head shows the checks of the one before. */
export function plantForge(life: Life, real: Forge): Forge {
  if (!life.has("old_verdict")) return real;
  const before = new Map<number, Observation>();
  return {
    ...real,
    async readPullRequest(repository, which, signal) {
      const reading = await real.readPullRequest(repository, which, signal);
      if (reading?.kind !== "pull_request_read") return reading;
      const last = before.get(reading.number);
      before.set(reading.number, reading);
      const isMoved = last?.kind === "pull_request_read" && last.core.head !== reading.core.head;
      return isMoved && last.checks.length > 0 ? { ...reading, checks: last.checks } : reading;
    },
  };
}

/** Publishing, with the mistakes of one that does not look whose commits it pushes over. */
export function plantWorktrees(life: Life, real: Worktrees): Worktrees {
  return {
    ...real,
    async publish(worktree, request) {
      const held = (): string | null =>
        life.outside.placeOf(request.branch).forge.branches.get(request.branch) ?? null;
      if (life.has("no_lease")) return await real.publish(worktree, { ...request, expected: held() });
      const published = await real.publish(worktree, request);
      if (published.outcome !== "moved" || !life.has("blind_retry")) return published;
      return await real.publish(worktree, { ...request, expected: held() });
    },
  };
}

export function plantDiscovery(life: Life, real: EngineParts["discover"]): EngineParts["discover"] {
  return life.has("no_sweep") ? async () => ({ issues: [], rest: null }) : real;
}

/** Longer than any history: there is no sweep. */
const NEVER_MS = 1_000 * 86_400_000;

export function plantSettings(life: Life, real: EngineParts["settings"]): EngineParts["settings"] {
  const sweep = { activeMs: NEVER_MS, waitingMs: NEVER_MS, idleMs: NEVER_MS, pollMs: null };
  return life.has("no_sweep") ? { ...real, sweep } : real;
}

const MINUTE = 60_000;

/** Taking in a delivery; true = it is answered with success. */
export async function plantAccept(
  life: Life,
  delivery: Delivery,
  meddler: Meddler,
  engine: { accept(): Promise<"accepted" | "duplicate">; replay(): Promise<boolean> },
): Promise<boolean> {
  const isLate = delivery.source === "tracker" && life.agenda.now - delivery.signedAt > MINUTE;
  if (life.has("narrow_window") && isLate) return false;
  if (life.has("reply_before_store")) {
    life.clock.after(life.chance.between(200, 3_000), () => {
      engine.accept().catch(() => undefined);
    });
    return true;
  }
  const answer = await engine.accept();
  if (!life.alive) return false;
  if (answer === "accepted") await applyApart(life, delivery, meddler, engine);
  life.boundary();
  return life.alive;
}

/** The mistake `dedupe_apart`: the engine's own commit comes after one that says it was there. */
async function applyApart(
  life: Life,
  delivery: Delivery,
  meddler: Meddler,
  engine: { replay(): Promise<boolean> },
): Promise<void> {
  if (!life.has("dedupe_apart")) return;
  meddler.run(
    "UPDATE deliveries SET state = 'applied' WHERE source = ? AND delivery_id = ? AND state = 'pending'",
    delivery.source,
    delivery.id,
  );
  gap(life);
  if (life.alive) await engine.replay();
}

/** The runs of one life that are under way, for the oracle. */
export function watchRuns(life: Life, perform: (handle: RunHandle) => Promise<void>): typeof perform {
  const underWay = new Map<IssueId, number>();
  return async (handle) => {
    if (life.alive) life.oracle.begins(life, handle, underWay.get(handle.issue) ?? null);
    underWay.set(handle.issue, handle.run);
    try {
      await perform(handle);
    } finally {
      if (underWay.get(handle.issue) === handle.run) underWay.delete(handle.issue);
    }
  };
}
