import type { Model } from "./model.ts";
import type { HistoryRow, IssueRow } from "./records.ts";

type Changes = Readonly<Record<string, unknown>>;

/**
 * Writes what changed between two versions of an issue into its history; nothing for no change. Changes by the same person
 * within the model's window share an entry, as in Linear: one that undoes another leaves no trace of either.
 */
export function writeHistory(model: Model, actorId: string | null, before: IssueRow, after: IssueRow): void {
  const changes = changesOf(before, after);
  if (Object.keys(changes).length === 0) return;
  const open = model.history.group(after.id).findLast((entry) => entry.archivedAt === null);
  const isShared =
    open !== undefined &&
    open.actorId === actorId &&
    model.clock.now() - open.createdAt < model.historyWindowMs;
  if (!isShared) {
    const row: HistoryRow = { ...model.fresh(), issueId: after.id, actorId, changes };
    model.put(model.history, row);
    return;
  }
  const merged = mergedChanges(open.changes, changes);
  const isEmpty = Object.keys(merged).length === 0;
  model.change(model.history, open, {
    changes: merged,
    ...(isEmpty ? { archivedAt: model.clock.now() } : {}),
  });
}

function changesOf(before: IssueRow, after: IssueRow): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  const pairs = [
    ["State", "stateId"],
    ["Delegate", "delegateId"],
    ["Assignee", "assigneeId"],
    ["Parent", "parentId"],
    ["Project", "projectId"],
    ["Title", "title"],
    ["Priority", "priority"],
    ["Estimate", "estimate"],
    ["DueDate", "dueDate"],
  ] as const;
  for (const [name, key] of pairs) {
    if (before[key] === after[key]) continue;
    const suffix = key.endsWith("Id") ? "Id" : "";
    changes[`from${name}${suffix}`] = before[key];
    changes[`to${name}${suffix}`] = after[key];
  }
  const added = after.labelIds.filter((id) => !before.labelIds.includes(id));
  const removed = before.labelIds.filter((id) => !after.labelIds.includes(id));
  if (added.length > 0) changes["addedLabelIds"] = added;
  if (removed.length > 0) changes["removedLabelIds"] = removed;
  if (before.description !== after.description) changes["updatedDescription"] = true;
  if (before.trashed !== after.trashed) changes["trashed"] = after.trashed;
  return changes;
}

function mergedChanges(first: Changes, then: Changes): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...first, ...then };
  for (const key of Object.keys(first)) {
    if (key.startsWith("from")) merged[key] = first[key];
  }
  for (const key of Object.keys(merged)) {
    const to = key.replace(/^from/, "to");
    if (!key.startsWith("from") || merged[key] !== merged[to]) continue;
    delete merged[key];
    delete merged[to];
  }
  const [added, removed] = [ids(first, "addedLabelIds"), ids(first, "removedLabelIds")];
  const [laterAdded, laterRemoved] = [ids(then, "addedLabelIds"), ids(then, "removedLabelIds")];
  const kept = {
    addedLabelIds: [...without(added, laterRemoved), ...without(laterAdded, removed)],
    removedLabelIds: [...without(removed, laterAdded), ...without(laterRemoved, added)],
  };
  for (const [key, list] of Object.entries(kept)) {
    if (list.length > 0) merged[key] = list;
    else delete merged[key];
  }
  return merged;
}

function ids(changes: Changes, key: string): readonly string[] {
  return (changes[key] as readonly string[] | undefined) ?? [];
}

function without(list: readonly string[], others: readonly string[]): string[] {
  return list.filter((id) => !others.includes(id));
}
