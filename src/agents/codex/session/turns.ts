import { NOTHING_SPENT, type Spent } from "../../../factory/facts/run.ts";
import type { AgentEvent } from "../../agent.ts";
import type { Notification, RateLimits, Tokens, Turn, TurnError } from "../process/protocol.ts";
import type { TurnStory } from "./result.ts";
import { planOf, Transcript } from "./transcript.ts";
import { before, spentBetween } from "./usage.ts";
import type { Price } from "./usage.ts";

export interface TurnsParts {
  /** Of the model that the thread runs on; null = not known. */
  readonly price: () => Price | null;
  readonly onEvent: (event: AgentEvent) => void;
  /** The turn that was adopted is over. */
  readonly onEnd: (turn: Turn) => void;
}

interface Record {
  readonly transcript: Transcript;
  /** Events of a turn that is not ours yet. */
  readonly waiting: AgentEvent[];
  /** The thread's meter when the turn began; null before its first reading. */
  meter: Tokens | null;
  spent: Spent;
  error: TurnError | null;
  end: Turn | null;
}

const KEPT_TURNS = 8;
const KEPT_WAITING = 1_000;

/**
 * Sorts what Codex tells by thread and turn. Notifications may come before the answer that names the turn, and
 * those of an old turn after it; only the turn that was adopted is told on, whole and in order.
 */
export class Turns {
  #records = new Map<string, Record>();
  #ours: string | null = null;
  #limits: RateLimits | null = null;
  readonly #parts: TurnsParts;

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  /** From now on this turn is ours; what is known of it is told at once. */
  adopt(threadId: string, turnId: string): void {
    this.#ours = keyOf(threadId, turnId);
    const record = this.#record(this.#ours);
    for (const event of record.waiting.splice(0)) this.#parts.onEvent(event);
    if (record.end !== null) this.#parts.onEnd(record.end);
  }

  /** What is known of our turn. */
  story(): TurnStory {
    const record = this.#ours === null ? newRecord() : this.#record(this.#ours);
    const { transcript, spent, error } = record;
    return { transcript, spent, error, limits: this.#limits };
  }

  /** Takes a notification. What concerns no turn is kept or told, whichever turn runs. */
  take(notification: Notification): void {
    switch (notification.method) {
      case "account/rateLimits/updated":
        this.#limits = notification.params.rateLimits;
        return;
      case "warning":
        this.#parts.onEvent({ kind: "warning", text: notification.params.message });
        return;
      case "turn/completed": {
        const { threadId, turn } = notification.params;
        this.#end(keyOf(threadId, turn.id), turn);
        return;
      }
      case "item/completed":
      case "turn/plan/updated":
      case "thread/tokenUsage/updated":
      case "error":
        this.#during(keyOf(notification.params.threadId, notification.params.turnId), notification);
        return;
    }
  }

  #end(key: string, turn: Turn): void {
    const record = this.#record(key);
    if (record.end !== null) return;
    record.end = turn;
    // A turn whose items were missed still carries its last message.
    if (record.transcript.words === "") {
      for (const item of turn.items) this.#tell(key, record, record.transcript.take(item));
    }
    if (key === this.#ours) this.#parts.onEnd(turn);
  }

  #during(key: string, notification: DuringTurn): void {
    const record = this.#record(key);
    // Background commands end after their turn; what it was is already told.
    if (record.end !== null) return;
    switch (notification.method) {
      case "item/completed":
        this.#tell(key, record, record.transcript.take(notification.params.item));
        return;
      case "turn/plan/updated":
        this.#tell(key, record, [planOf(notification.params.plan)]);
        return;
      case "thread/tokenUsage/updated": {
        const { total, last } = notification.params.tokenUsage;
        record.meter ??= before(total, last);
        record.spent = spentBetween(record.meter, total, this.#parts.price());
        this.#tell(key, record, [{ kind: "spent", spent: record.spent }]);
        return;
      }
      case "error": {
        const { error, willRetry } = notification.params;
        if (!willRetry) record.error = error;
        this.#tell(key, record, [{ kind: "warning", text: error.message }]);
        return;
      }
    }
  }

  #tell(key: string, record: Record, events: readonly AgentEvent[]): void {
    for (const event of events) {
      if (key === this.#ours) this.#parts.onEvent(event);
      else if (record.waiting.length < KEPT_WAITING) record.waiting.push(event);
    }
  }

  #record(key: string): Record {
    const known = this.#records.get(key);
    if (known !== undefined) return known;
    const record = newRecord();
    this.#records.set(key, record);
    for (const old of this.#records.keys()) {
      if (this.#records.size <= KEPT_TURNS) break;
      if (old !== this.#ours && old !== key) this.#records.delete(old);
    }
    return record;
  }
}

type DuringTurn = Extract<
  Notification,
  { method: "item/completed" | "turn/plan/updated" | "thread/tokenUsage/updated" | "error" }
>;

function newRecord(): Record {
  return {
    transcript: new Transcript(),
    waiting: [],
    meter: null,
    spent: NOTHING_SPENT,
    error: null,
    end: null,
  };
}

function keyOf(threadId: string, turnId: string): string {
  return `${threadId} ${turnId}`;
}
