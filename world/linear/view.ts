import type { Allowance } from "./limits.ts";
import type { Model } from "./model/model.ts";
import type { ActivityRow, IssueRow, Row, SessionRow, UserRow } from "./model/records.ts";
import { sessionStatus, type SessionStatus } from "./model/status.ts";
import type { Table } from "./model/tables.ts";

/** Who asks. */
export interface Caller {
  readonly userId: string;
  /** Of a token; null = a person's own key, which may do what the person may. */
  readonly scopes: ReadonlySet<string> | null;
  /** What the caller may still use. */
  readonly allowance: Allowance;
}

/** The model as one request sees it: newest, or as it was at an earlier time. */
export class View {
  readonly model: Model;
  readonly caller: Caller;
  /** Unix milliseconds; null = newest. */
  readonly #asOf: number | null;

  constructor(model: Model, caller: Caller, asOf: number | null) {
    this.model = model;
    this.caller = caller;
    this.#asOf = asOf;
  }

  get viewerId(): string {
    return this.caller.userId;
  }

  /** What time it is in this view. */
  now(): number {
    return this.#asOf ?? this.model.clock.now();
  }

  get<T extends Row>(table: Table<T>, id: string | null | undefined): T | null {
    return id === null || id === undefined ? null : (table.get(id, this.#asOf) ?? null);
  }

  all<T extends Row>(table: Table<T>): T[] {
    return table.all(this.#asOf);
  }

  group<T extends Row>(table: Table<T>, owner: string): T[] {
    return table.group(owner, this.#asOf);
  }

  issue(idOrKey: string): IssueRow | null {
    return this.model.issue(idOrKey, this.#asOf) ?? null;
  }

  viewer(): UserRow {
    return this.model.user(this.viewerId);
  }

  activities(session: SessionRow): ActivityRow[] {
    return this.group(this.model.activities, session.id);
  }

  status(session: SessionRow): SessionStatus {
    return sessionStatus(session, this.activities(session), this.now());
  }
}
