import type { Actor } from "../../../src/factory/facts/actor.ts";
import type { TicketStatus } from "../../../src/factory/facts/ticket.ts";
import type { IssueId } from "../../../src/factory/facts/ids.ts";
import type { StatusMove } from "../../../src/trackers/tracker.ts";
import type { Observation, ReadAuthority, TicketReading } from "../../../src/factory/facts/observation.ts";
import { ANN } from "../../factory/world.ts";
import type { Agenda } from "../time/agenda.ts";

/** What the tracker tells and keeps of one issue, and what it was told by us. */
export class Tracker {
  readonly sessions: TicketReading["sessions"][number][] = [];
  readonly prompts: TicketReading["prompts"][number][] = [];
  readonly authorities: ReadAuthority[] = [];
  /** What we posted, by the identity that came with it; the name of the fact is for the oracle. */
  readonly posts = new Map<string, string>();
  status: TicketStatus = { id: "s1", name: "Todo", type: "unstarted", endedAt: null };
  blocked = false;
  removed = false;
  /** When a person last did something to it. */
  touchedAt = 0;
  /** When we ended it ourselves, if that is how it ended. */
  private ownEnd: number | null = null;
  private ids = 0;

  readonly issue: IssueId;
  readonly key: string;
  private readonly agenda: Agenda;
  private readonly tell: (seen: readonly Observation[]) => void;

  constructor(issue: IssueId, key: string, agenda: Agenda, tell: (seen: readonly Observation[]) => void) {
    this.issue = issue;
    this.key = key;
    this.agenda = agenda;
    this.tell = (seen) => {
      this.touchedAt = agenda.now;
      tell(seen);
    };
  }

  private next(prefix: string): string {
    this.ids += 1;
    return `${prefix}-${this.key}-${this.ids}`;
  }

  delegate(): void {
    const at = this.agenda.now;
    const session = this.next("s");
    this.sessions.push({ id: session, at, by: ANN, automatic: false, staleAt: null });
    this.authorities.push({ granted: true, at, cause: "delegated", by: ANN, session: null });
    this.tell([
      {
        kind: "session_opened",
        at,
        session,
        by: ANN,
        automatic: false,
        delegated: true,
        ticket: { core: this.core() },
      },
    ]);
  }

  undelegate(): void {
    const at = this.agenda.now;
    this.authorities.push({ granted: false, at, cause: "undelegated", by: ANN, session: null });
    this.tell([{ kind: "undelegated", at, by: ANN }]);
  }

  stop(): void {
    const at = this.agenda.now;
    this.authorities.push({ granted: false, at, cause: "stopped", by: ANN, session: null });
    this.tell([{ kind: "stop_requested", at, prompt: this.next("stop"), session: null, by: ANN }]);
  }

  say(by: Actor = ANN): string {
    const at = this.agenda.now;
    const id = this.next("say");
    const text = `words ${id}`;
    this.prompts.push({ id, session: null, at, by, text });
    this.authorities.push({ granted: true, at, cause: "prompted", by, session: null });
    this.tell([{ kind: "prompted", at, prompt: id, session: null, by, from: "tracker", text }]);
    return id;
  }

  cancel(): void {
    const at = this.agenda.now;
    this.status = { id: "s9", name: "Canceled", type: "canceled", endedAt: at };
    this.ownEnd = null;
    this.tell([{ kind: "ticket_changed", at, ticket: { status: this.status } }]);
  }

  /** What a status effect of ours does; it comes back as news like anybody's. */
  move(type: "started" | "completed"): StatusMove["moved"] {
    const at = this.agenda.now;
    if (["completed", "canceled"].includes(this.status.type) || this.status.type === type) return null;
    this.status = { id: `s-${type}`, name: type, type, endedAt: type === "completed" ? at : null };
    this.ownEnd = type === "completed" ? at : null;
    this.tell([{ kind: "ticket_changed", at, ticket: { status: this.status, ownEnd: this.ownEnd } }]);
    return { status: this.status, at };
  }

  unblock(): void {
    this.blocked = false;
  }

  read(): Observation {
    return {
      kind: "ticket_read",
      at: this.agenda.now,
      core: this.core(),
      status: this.status,
      ownEnd: this.ownEnd,
      blockers: this.blocked ? [{ key: "APP-99", done: false, isSubIssue: false }] : [],
      removed: this.removed,
      authorities: [...this.authorities],
      sessions: [...this.sessions],
      prompts: [...this.prompts],
    };
  }

  private core(): TicketReading["core"] {
    return {
      key: this.key,
      title: "Add subtraction",
      description: "It only adds.",
      url: `https://tracker.test/${this.key}`,
      workspace: "w1",
      team: "APP",
      project: null,
      labels: [],
      creator: "u-ann",
    };
  }
}
