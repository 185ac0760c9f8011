import type { IssueRow } from "./records.ts";

/** What may change of an issue; absent = stays. */
export type IssueChange = Partial<
  Pick<
    IssueRow,
    | "title"
    | "description"
    | "stateId"
    | "assigneeId"
    | "delegateId"
    | "labelIds"
    | "parentId"
    | "projectId"
    | "priority"
    | "estimate"
    | "dueDate"
    | "sortOrder"
    | "subscriberIds"
    | "trashed"
  >
>;
