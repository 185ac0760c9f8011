import { required, type Model } from "./model/model.ts";
import type {
  ActivityRow,
  AttachmentRow,
  CommentRow,
  HistoryRow,
  IssueRow,
  SessionRow,
  StateRow,
} from "./model/records.ts";
import { sessionStatus, type SessionStatus } from "./model/status.ts";

/** An issue with what hangs on it, as Linear has it now. */
interface IssueSeen extends IssueRow {
  readonly state: StateRow;
  /** Names of its labels. */
  readonly labels: readonly string[];
  readonly comments: readonly CommentRow[];
  readonly attachments: readonly AttachmentRow[];
  readonly history: readonly HistoryRow[];
  readonly sessions: readonly SessionSeen[];
}

interface SessionSeen extends SessionRow {
  readonly status: SessionStatus;
}

/** What tests look at. Names that do not exist throw. */
export interface Inspection {
  /** By key or id. */
  issue(key: string): IssueSeen;
  session(id: string): SessionSeen;
  /** All activities of a session in the order they were made, replaced ephemeral ones included. */
  activities(session: string): readonly ActivityRow[];
}

/** Looks into a model. */
export function inspection(model: Model): Inspection {
  const seen = (row: SessionRow): SessionSeen => ({
    ...row,
    status: sessionStatus(row, model.activities.group(row.id), model.clock.now()),
  });
  return {
    issue(key) {
      const row = required(model.issue(key), "issue", key);
      return {
        ...row,
        state: required(model.states.get(row.stateId), "state", row.stateId),
        labels: row.labelIds.map((id) => required(model.labels.get(id), "label", id).name),
        comments: model.comments.group(row.id),
        attachments: model.attachments.group(row.id),
        history: model.history.group(row.id),
        sessions: model.sessions.group(row.id).map(seen),
      };
    },
    session: (id) => seen(required(model.sessions.get(id), "session", id)),
    activities: (session) => model.activities.group(session),
  };
}
