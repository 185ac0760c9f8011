import { inputError } from "../errors.ts";
import type { Args } from "../answers/fields.ts";
import type { IssueChange } from "../../model/issue-change.ts";
import { changeIssue, createIssue, relate } from "../../model/issues.ts";
import { done, inputOf, isList, newId, onlyKnown, text, theIssue } from "./parts.ts";
import type { RootFields } from "../answers/queries.ts";
import type { IssueRow } from "../../model/records.ts";
import type { View } from "../../view.ts";

/** Mutations of issues and their relations. */
export const ISSUE_MUTATIONS: RootFields = {
  issueCreate: (view, args) => {
    const input = inputOf(args);
    const id = newId(view.model.issues, input, "Issue");
    const parent = typeof input["parentId"] === "string" ? theIssue(view, input["parentId"]).id : null;
    const issue = createIssue(view.model, view.viewerId, {
      ...onlyKnown(input, ["assigneeId", "labelIds", "projectId", "priority", "stateId", "description"]),
      id,
      teamId: String(input["teamId"]),
      title: text(input, "title") ?? "",
      parentId: parent,
    });
    return done(view, { issue });
  },
  issueUpdate: (view, args) => {
    const issue = theIssue(view, args["id"]);
    return done(view, {
      issue: changeIssue(view.model, view.viewerId, issue.id, issueChange(view, issue, inputOf(args))),
    });
  },
  issueAddLabel: (view, args) => relabel(view, args, [String(args["labelId"])], []),
  issueRemoveLabel: (view, args) => relabel(view, args, [], [String(args["labelId"])]),
  issueRelationCreate: (view, args) => {
    const input = inputOf(args);
    const issueRelation = relate(
      view.model,
      String(input["issueId"]),
      String(input["relatedIssueId"]),
      String(input["type"]),
      newId(view.model.relations, input, "IssueRelation"),
    );
    return done(view, { issueRelation });
  },
};

const PLAIN_CHANGES = [
  "title",
  "description",
  "stateId",
  "assigneeId",
  "delegateId",
  "projectId",
  "priority",
  "estimate",
  "dueDate",
  "sortOrder",
  "subscriberIds",
  "trashed",
];
const LABEL_CHANGES = ["labelIds", "addedLabelIds", "removedLabelIds", "parentId"];
// Null clears these; for all others null means "as it is".
const CLEARABLE = new Set(["description", "assigneeId", "delegateId", "projectId", "estimate", "dueDate"]);

function issueChange(view: View, issue: IssueRow, input: Args): IssueChange {
  const odd = Object.keys(input).find(
    (key) => !PLAIN_CHANGES.includes(key) && !LABEL_CHANGES.includes(key) && input[key] !== undefined,
  );
  if (odd !== undefined) throw inputError(`The stand-in for Linear does not model IssueUpdateInput.${odd}`);
  const plain = Object.entries(onlyKnown(input, PLAIN_CHANGES)).filter(
    ([key, value]) => value !== null || CLEARABLE.has(key),
  );
  const parent = input["parentId"];
  const labelsChange = ["labelIds", "addedLabelIds", "removedLabelIds"].some((key) => isList(input[key]));
  return {
    ...(Object.fromEntries(plain) as IssueChange),
    ...(parent === undefined
      ? {}
      : { parentId: typeof parent === "string" ? theIssue(view, parent).id : null }),
    ...(labelsChange
      ? {
          labelIds: mergedLabels(
            isList(input["labelIds"]) ? input["labelIds"] : issue.labelIds,
            isList(input["addedLabelIds"]) ? input["addedLabelIds"] : [],
            isList(input["removedLabelIds"]) ? input["removedLabelIds"] : [],
          ),
        }
      : {}),
  };
}

function relabel(view: View, args: Args, added: readonly string[], removed: readonly string[]): unknown {
  const issue = theIssue(view, args["id"]);
  const labelIds = mergedLabels(issue.labelIds, added, removed);
  return done(view, { issue: changeIssue(view.model, view.viewerId, issue.id, { labelIds }) });
}

function mergedLabels(
  base: readonly string[],
  added: readonly string[],
  removed: readonly string[],
): string[] {
  return [...new Set([...base, ...added])].filter((id) => !removed.includes(id));
}
