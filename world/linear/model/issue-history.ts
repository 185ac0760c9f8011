import type { Model } from "./model.ts";
import type { HistoryRow, IssueRow } from "./records.ts";

/** Writes what changed between two versions of an issue as one entry of its history; nothing for no change. */
export function writeHistory(model: Model, actorId: string | null, before: IssueRow, after: IssueRow): void {
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
  if (Object.keys(changes).length === 0) return;
  const row: HistoryRow = { ...model.fresh(), issueId: after.id, actorId, changes };
  model.put(model.history, row);
}
