import { inputError, notFound } from "../api/errors.ts";
import type { IssueChange } from "./issue-change.ts";
import type { Model } from "./model.ts";

/** Throws an INPUT_ERROR that names the first thing a change of an issue refers to and that does not exist or fit. */
export function checkReferences(
  model: Model,
  issue: { readonly id: string; readonly teamId: string },
  change: IssueChange,
): void {
  if (change.title?.trim() === "") throw inputError("Argument Validation Error: title must not be empty");
  if (change.stateId !== undefined) {
    const state = model.states.get(change.stateId);
    if (state === undefined) throw notFound("WorkflowState", change.stateId);
    if (state.teamId !== issue.teamId) {
      throw inputError("Discrepancy between issue team and state", "stateId belongs to another team.");
    }
  }
  for (const userId of [change.assigneeId, change.delegateId]) {
    if (typeof userId === "string" && model.users.get(userId) === undefined) throw notFound("User", userId);
  }
  if (typeof change.delegateId === "string" && !model.user(change.delegateId).app) {
    throw inputError("Argument Validation Error: delegateId must be an app user");
  }
  if (typeof change.delegateId === "string" && model.grant?.scopes.has("app:assignable") !== true) {
    throw inputError("Argument Validation Error: the app was not granted app:assignable");
  }
  for (const labelId of change.labelIds ?? []) {
    if (model.labels.get(labelId) === undefined) throw notFound("IssueLabel", labelId);
  }
  if (typeof change.parentId === "string") {
    if (model.issues.get(change.parentId) === undefined) throw notFound("Issue", change.parentId);
    if (change.parentId === issue.id) {
      throw inputError("Argument Validation Error: an issue cannot be its own parent");
    }
  }
  if (typeof change.projectId === "string" && model.projects.get(change.projectId) === undefined) {
    throw notFound("Project", change.projectId);
  }
}
