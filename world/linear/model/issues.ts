import { inputError, notFound } from "../api/errors.ts";
import { openSession } from "./conversation.ts";
import type { IssueChange } from "./issue-change.ts";
import { writeHistory } from "./issue-history.ts";
import { checkReferences } from "./issue-references.ts";
import { required, type Model } from "./model.ts";
import type { IssueRow, RelationRow, StateRow } from "./records.ts";

/** What may be given for a new issue. */
export interface NewIssue {
  readonly id?: string | undefined;
  readonly teamId: string;
  readonly title: string;
  readonly description?: string | null;
  readonly stateId?: string;
  readonly assigneeId?: string | null;
  readonly labelIds?: readonly string[];
  readonly parentId?: string | null;
  readonly projectId?: string | null;
  readonly priority?: number;
}

/** Makes an issue and tells it. Throws an INPUT_ERROR that names what does not exist. */
export function createIssue(model: Model, actorId: string, input: NewIssue): IssueRow {
  const team = model.teams.get(input.teamId);
  if (team === undefined) throw notFound("Team", input.teamId);
  if (input.title.trim() === "") throw inputError("Argument Validation Error: title must not be empty");
  const fresh = model.fresh(input.id);
  const labelIds = input.labelIds ?? [];
  const stateId =
    input.stateId ?? required(model.stateOf(team.id, "unstarted"), "unstarted state of team", team.key).id;
  checkReferences(model, { teamId: team.id, id: fresh.id }, { ...input, labelIds, stateId });
  const state = required(model.states.get(stateId), "state", stateId);
  const row: IssueRow = {
    ...fresh,
    ...model.nextIdentifier(team, fresh.id),
    teamId: team.id,
    title: input.title,
    description: input.description ?? null,
    stateId,
    assigneeId: input.assigneeId ?? null,
    delegateId: null,
    creatorId: actorId,
    labelIds,
    parentId: input.parentId ?? null,
    projectId: input.projectId ?? null,
    priority: input.priority ?? 0,
    estimate: null,
    dueDate: null,
    sortOrder: -model.syncId,
    subscriberIds: [actorId],
    ...stamps(state, { startedAt: null, completedAt: null, canceledAt: null }, fresh.createdAt),
    trashed: false,
  };
  model.put(model.issues, row);
  model.tell({ kind: "entity", entity: "Issue", action: "create", id: row.id, actorId });
  return row;
}

/**
 * Changes an issue, writes its history and tells it, with what follows from it: a session and an inbox notification
 * when a person or an automation (actor null) delegates to our app, a notification when that ends or the state moves.
 * No change: nothing is told.
 */
export function changeIssue(
  model: Model,
  actorId: string | null,
  issueId: string,
  change: IssueChange,
): IssueRow {
  const before = required(model.issues.get(issueId), "issue", issueId);
  checkReferences(model, before, change);
  const changed = Object.fromEntries(
    Object.entries(change).filter(
      ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key as keyof IssueRow]),
    ),
  ) as IssueChange;
  if (Object.keys(changed).length === 0) return before;

  const now = model.clock.now();
  const moved = changed.stateId === undefined ? undefined : model.states.get(changed.stateId);
  const joins = [changed.delegateId, changed.assigneeId].filter((id) => typeof id === "string");
  const after = model.change(model.issues, before, {
    ...changed,
    ...(moved === undefined ? {} : stamps(moved, before, now)),
    ...(changed.trashed === undefined ? {} : { archivedAt: changed.trashed ? now : null }),
    ...(joins.length === 0
      ? {}
      : { subscriberIds: [...new Set([...(changed.subscriberIds ?? before.subscriberIds), ...joins])] }),
  });
  writeHistory(model, actorId, before, after);
  model.tell({
    kind: "entity",
    entity: "Issue",
    action: changed.trashed === true ? "remove" : "update",
    id: issueId,
    actorId,
    before,
  });
  follow(model, actorId, before, after);
  return after;
}

function follow(model: Model, actorId: string | null, before: IssueRow, after: IssueRow): void {
  const app = model.installation.appUserId;
  if (after.delegateId !== before.delegateId) {
    if (after.delegateId === app && actorId !== app) {
      if (model.sessionsOn()) {
        openSession(model, {
          issueId: after.id,
          creatorId: actorId,
          told: true,
          rootComment: "artificial",
        });
      }
      model.notify("issueAssignedToYou", after.id, actorId);
    }
    if (before.delegateId === app) model.notify("issueUnassignedFromYou", after.id, actorId);
  }
  if (after.stateId === before.stateId) return;
  if (after.delegateId === app) model.notify("issueStatusChanged", after.id, actorId);
  if (isOpen(model, before) && !isOpen(model, after)) tellUnblocked(model, actorId, after.id);
}

function tellUnblocked(model: Model, actorId: string | null, blockerId: string): void {
  const blocks = model.relations
    .all()
    .filter((relation) => relation.type === "blocks" && relation.archivedAt === null);
  for (const relation of blocks.filter((candidate) => candidate.issueId === blockerId)) {
    const blocked = model.issues.get(relation.relatedIssueId);
    const stillBlocked = blocks.some((other) => {
      const blocker = other.relatedIssueId === blocked?.id ? model.issues.get(other.issueId) : undefined;
      return blocker !== undefined && isOpen(model, blocker);
    });
    if (blocked?.delegateId === model.installation.appUserId && !stillBlocked) {
      model.notify("issueUnblocked", blocked.id, actorId);
    }
  }
}

function isOpen(model: Model, issue: IssueRow): boolean {
  const type = model.states.get(issue.stateId)?.type;
  return type !== "completed" && type !== "canceled" && type !== "duplicate";
}

/** "A blocks B" is stored once: issue A, relatedIssue B. There is no webhook about it. */
export function relate(
  model: Model,
  issueId: string,
  relatedIssueId: string,
  type: string,
  id?: string,
): RelationRow {
  const both = [issueId, relatedIssueId].map((each) => {
    const issue = model.issue(each);
    if (issue === undefined) throw notFound("Issue", each);
    return issue;
  });
  const [from, to] = both as [IssueRow, IssueRow];
  if (from.id === to.id) throw inputError("Argument Validation Error: an issue cannot relate to itself");
  const row = model.put(model.relations, {
    ...model.fresh(id),
    issueId: from.id,
    relatedIssueId: to.id,
    type,
  });
  for (const issue of both) model.change(model.issues, issue, {});
  return row;
}

type Stamps = Pick<IssueRow, "startedAt" | "completedAt" | "canceledAt">;

function stamps(state: StateRow, before: Stamps, now: number): Stamps {
  const begun = state.type === "started" || state.type === "completed";
  return {
    startedAt: begun ? (before.startedAt ?? now) : null,
    completedAt: state.type === "completed" ? now : null,
    canceledAt: state.type === "canceled" || state.type === "duplicate" ? now : null,
  };
}
