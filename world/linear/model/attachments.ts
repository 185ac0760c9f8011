import { inputError } from "../api/errors.ts";
import type { Model } from "./model.ts";
import type { AttachmentRow } from "./records.ts";
import { attachmentMetadata, refused, webAddress } from "./rules.ts";

/** What may be given for an attachment. */
export interface NewAttachment {
  readonly id?: string | undefined;
  readonly issueId: string;
  readonly url: string;
  readonly title: string;
  readonly subtitle: string | null;
  readonly metadata: unknown;
  readonly groupBySource: boolean;
  readonly sourceType: string | null;
  /** The same address on the same issue again: updated (attachmentCreate) or refused (attachmentLinkGitHubPR). */
  readonly again: "update" | "refuse";
}

/** Attaches an address to an issue, or updates what is attached there under that address, and tells it. */
export function putAttachment(model: Model, actorId: string, input: NewAttachment): AttachmentRow {
  webAddress(input.url, "url");
  if (input.title.trim() === "") throw refused("title must not be empty");
  const metadata = attachmentMetadata(input.metadata);
  const present = model.attachments.group(input.issueId).find((row) => row.url === input.url);
  if (present !== undefined && input.again === "refuse") {
    throw inputError("Duplicate attachment for duplicate url", `${input.url} is attached already.`);
  }
  const { title, subtitle, groupBySource } = input;
  if (present !== undefined) {
    const row = model.change(model.attachments, present, { title, subtitle, metadata, groupBySource });
    model.tell({
      kind: "entity",
      entity: "Attachment",
      action: "update",
      id: row.id,
      actorId,
      before: present,
    });
    return row;
  }
  const row = model.put(model.attachments, {
    ...model.fresh(input.id),
    issueId: input.issueId,
    title,
    subtitle,
    url: input.url,
    sourceType: input.sourceType,
    metadata,
    groupBySource,
    creatorId: actorId,
  });
  model.tell({ kind: "entity", entity: "Attachment", action: "create", id: row.id, actorId });
  return row;
}
