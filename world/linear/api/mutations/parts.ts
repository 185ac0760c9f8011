import { notFound } from "../errors.ts";
import type { Args } from "../answers/fields.ts";
import type { CommentRow, IssueRow, Row, SessionRow } from "../../model/records.ts";
import { clientId } from "../../model/rules.ts";
import type { Table } from "../../model/tables.ts";
import type { View } from "../../view.ts";

/** What all mutations share: finding what is named, reading inputs, the payload's frame. */

export function theIssue(view: View, idOrKey: unknown): IssueRow {
  const issue = view.issue(String(idOrKey));
  if (issue === null) throw notFound("Issue", String(idOrKey));
  return issue;
}

export function theComment(view: View, id: unknown): CommentRow {
  const comment = view.get(view.model.comments, String(id));
  // Its id stays taken.
  if (comment === null || comment.archivedAt !== null) throw notFound("Comment", String(id));
  return comment;
}

export function theSession(view: View, id: unknown): SessionRow {
  const session = view.get(view.model.sessions, String(id));
  if (session === null) throw notFound("AgentSession", String(id));
  return session;
}

export function newId<T extends Row>(table: Table<T>, input: Args, entity: string): string | undefined {
  return clientId(text(input, "id"), entity, (id) => table.get(id) !== undefined);
}

export function done(view: View, payload: Readonly<Record<string, unknown>>): unknown {
  return { success: true, lastSyncId: view.model.syncId, ...payload };
}

export function inputOf(args: Args): Args {
  return args["input"] as Args;
}

export function onlyKnown(input: Args, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(input).filter(([key, value]) => keys.includes(key) && value !== undefined),
  );
}

export function text(input: Args, key: string): string | undefined {
  const value = input[key];
  return typeof value === "string" ? value : undefined;
}

export function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}
