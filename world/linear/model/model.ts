import type { Clock } from "../../../src/lib/clock.ts";
import type { Randomness } from "../../../src/lib/ids.ts";
import type {
  ActivityRow,
  AttachmentRow,
  CommentRow,
  ExternalUserRow,
  HistoryRow,
  IssueRow,
  LabelRow,
  ProjectRow,
  ReactionRow,
  RelationRow,
  Row,
  SessionRow,
  StateRow,
  StateType,
  TeamRow,
  UserRow,
} from "./records.ts";
import { Table } from "./tables.ts";

/** Something Linear would send a webhook about. */
export type Happening =
  | {
      readonly kind: "entity";
      readonly entity: "Issue" | "Comment" | "Attachment" | "Reaction" | "IssueLabel";
      readonly action: "create" | "update" | "remove";
      readonly id: string;
      readonly actorId: string | null;
      /** Issues and comments: the row before the change, for `updatedFrom`. */
      readonly before?: Row;
    }
  | {
      readonly kind: "session";
      readonly action: "created" | "prompted";
      readonly sessionId: string;
      readonly activityId: string | null;
    }
  | {
      readonly kind: "notification";
      readonly type: string;
      readonly issueId: string;
      readonly actorId: string | null;
      readonly commentId: string | null;
    }
  | { readonly kind: "teamAccess"; readonly added: readonly string[]; readonly removed: readonly string[] }
  | { readonly kind: "revoked" };

/** The one installation of our app in the one workspace. */
export interface Installation {
  readonly organizationId: string;
  readonly organizationName: string;
  readonly urlKey: string;
  readonly oauthClientId: string;
  readonly webhookId: string;
  readonly appUserId: string;
}

/** What the newest grant of the workspace lets our app do. */
interface Grant {
  readonly scopes: ReadonlySet<string>;
  /** Whether agent session events were on when it was consented to. */
  readonly agentSessions: boolean;
}

const STATES: readonly (readonly [string, StateType, string])[] = [
  ["Triage", "triage", "#fc7840"],
  ["Backlog", "backlog", "#bec2c8"],
  ["Todo", "unstarted", "#e2e2e2"],
  ["In Progress", "started", "#f2c94c"],
  ["In Review", "started", "#0f783c"],
  ["Done", "completed", "#5e6ad2"],
  ["Canceled", "canceled", "#95a2b3"],
  ["Duplicate", "duplicate", "#95a2b3"],
];

// Seeds were always there, also for a read as of an earlier time.
const ALWAYS = Number.NEGATIVE_INFINITY;

/** Linear's side of the story: every row, what time it is there, and a listener for what happens. */
export class Model {
  readonly users = new Table<UserRow>();
  readonly externalUsers = new Table<ExternalUserRow>();
  readonly teams = new Table<TeamRow>();
  readonly states = new Table<StateRow>((row) => row.teamId);
  readonly labels = new Table<LabelRow>();
  readonly projects = new Table<ProjectRow>();
  readonly issues = new Table<IssueRow>();
  readonly relations = new Table<RelationRow>();
  readonly comments = new Table<CommentRow>((row) => row.issueId);
  readonly attachments = new Table<AttachmentRow>((row) => row.issueId);
  readonly reactions = new Table<ReactionRow>((row) => row.commentId ?? row.issueId);
  readonly history = new Table<HistoryRow>((row) => row.issueId);
  readonly sessions = new Table<SessionRow>((row) => row.issueId);
  readonly activities = new Table<ActivityRow>((row) => row.sessionId);
  readonly #identifiers = new Map<string, string>();
  readonly #numbers = new Map<string, number>();
  readonly installation: Installation;
  /** Grows with every write, as `lastSyncId` does. */
  syncId = 0;
  /** Null: the app is not installed, or no longer. */
  grant: Grant | null = {
    scopes: new Set(["read", "write", "app:assignable", "app:mentionable"]),
    agentSessions: true,
  };
  /** The event category of that name, on the application's page. */
  agentSessionEvents = true;
  /** The organization's guidance for agents, sent with every session event. */
  guidance: string | null = null;
  /** Whether sessions name the comment with the mention. Linear does so only for one in another thread (linear/linear#1076). */
  namesMention = false;
  /** Changes by the same person within so many milliseconds share an entry of the history, and undo each other in it. */
  historyWindowMs = 0;
  /** Called at once, after the rows are written, in the order things happen. */
  tell: (happening: Happening) => void = () => undefined;

  readonly clock: Clock;
  readonly randomness: Randomness;

  constructor(clock: Clock, randomness: Randomness) {
    this.clock = clock;
    this.randomness = randomness;
    const app = { ...this.fresh(), name: "Patchrelay", displayName: "patchrelay", email: "", app: true };
    this.users.put({ ...app, email: `${app.id}@oauthapp.linear.app` }, ALWAYS);
    this.installation = {
      organizationId: randomness.uuid(),
      organizationName: "Example",
      urlKey: "example",
      oauthClientId: randomness.uuid(),
      webhookId: randomness.uuid(),
      appUserId: app.id,
    };
  }

  /** Identity and times of a new row. `id` is a client's own choice. */
  fresh(id?: string): Row {
    const now = this.clock.now();
    return { id: id ?? this.randomness.uuid(), createdAt: now, updatedAt: now, archivedAt: null };
  }

  /** Writes a row made by `fresh`. */
  put<T extends Row>(table: Table<T>, row: T): T {
    this.syncId += 1;
    table.put(row, this.clock.now());
    return row;
  }

  /** Writes changes of a row; `updatedAt` grows even when the clock stands still, so that every version is newer. */
  change<T extends Row>(table: Table<T>, row: T, changes: Partial<T>): T {
    return this.put(table, { ...row, ...changes, updatedAt: Math.max(this.clock.now(), row.updatedAt + 1) });
  }

  addPerson(name: string): UserRow {
    const displayName = (name.split(/\s+/)[0] ?? name).toLowerCase();
    const row = { ...this.fresh(), name, displayName, email: `${displayName}@example.com`, app: false };
    this.users.put(row, ALWAYS);
    return row;
  }

  addExternalUser(name: string): ExternalUserRow {
    const displayName = name.toLowerCase().replaceAll(/[^a-z]+/g, ".");
    const row = { ...this.fresh(), name, displayName, email: `${displayName}@elsewhere.example` };
    this.externalUsers.put(row, ALWAYS);
    return row;
  }

  /** A team with one workflow state of every type (two of type `started`). */
  addTeam(key: string, name: string): TeamRow {
    const team = { ...this.fresh(), key, name };
    this.teams.put(team, ALWAYS);
    for (const [index, [state, type, color]] of STATES.entries()) {
      this.states.put(
        { ...this.fresh(), teamId: team.id, name: state, type, color, position: index },
        ALWAYS,
      );
    }
    return team;
  }

  addLabel(name: string, teamId: string | null): LabelRow {
    const row = { ...this.fresh(), name, color: "#4cb782", teamId };
    this.labels.put(row, ALWAYS);
    this.tell({ kind: "entity", entity: "IssueLabel", action: "create", id: row.id, actorId: null });
    return row;
  }

  addProject(name: string, teamIds: readonly string[]): ProjectRow {
    const row = { ...this.fresh(), name, slugId: this.randomness.bytes(6).toString("hex"), teamIds };
    this.projects.put(row, ALWAYS);
    return row;
  }

  /** The next issue number of a team, and the identifier made of it. */
  nextIdentifier(team: TeamRow, issueId: string): { number: number; identifier: string } {
    const number = (this.#numbers.get(team.id) ?? 0) + 1;
    this.#numbers.set(team.id, number);
    const identifier = `${team.key}-${number}`;
    this.#identifiers.set(identifier, issueId);
    return { number, identifier };
  }

  /** An issue by UUID or identifier (any case), as of a time. */
  issue(idOrKey: string, asOf: number | null = null): IssueRow | undefined {
    const id = this.#identifiers.get(idOrKey.toUpperCase()) ?? idOrKey;
    return this.issues.get(id, asOf);
  }

  /** The team's first state of a type, by position. */
  stateOf(teamId: string, type: StateType): StateRow | undefined {
    return this.states
      .group(teamId)
      .filter((state) => state.type === type)
      .toSorted((a, b) => a.position - b.position)[0];
  }

  /** Whether a delegation or a mention opens a session: without, it is a badge or a comment and no more. */
  sessionsOn(): boolean {
    return this.agentSessionEvents && this.grant?.agentSessions === true;
  }

  /** An inbox notification to our app; Linear sends none about the app's own doing. */
  notify(type: string, issueId: string, actorId: string | null, commentId: string | null = null): void {
    if (actorId === this.installation.appUserId) return;
    this.tell({ kind: "notification", type, issueId, actorId, commentId });
  }

  /** Whose the personal key is, and who writes what nobody is named for. */
  firstPerson(): UserRow {
    return required(
      this.users.all().find((user) => !user.app),
      "person",
      "anybody",
    );
  }

  appUser(): UserRow {
    return this.user(this.installation.appUserId);
  }

  /** A user that must exist. */
  user(id: string): UserRow {
    return required(this.users.get(id), "user", id);
  }
}

/** A row that the model itself refers to, so its absence is a mistake in the stand-in. */
export function required<T>(row: T | undefined, what: string, id: string): T {
  if (row === undefined) throw new Error(`the stand-in for Linear has no ${what} ${id}`);
  return row;
}
