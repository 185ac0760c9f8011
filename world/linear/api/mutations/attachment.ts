import { putAttachment } from "../../model/attachments.ts";
import { notFound } from "../errors.ts";
import type { Args } from "../answers/fields.ts";
import { done, inputOf, newId, text, theIssue } from "./parts.ts";
import type { RootFields } from "../answers/queries.ts";
import { refused } from "../../model/rules.ts";
import type { View } from "../../view.ts";

/** Mutations of attachments. */
export const ATTACHMENT_MUTATIONS: RootFields = {
  attachmentCreate: (view, args) => attach(view, inputOf(args), { sourceType: null, again: "update" }),
  attachmentLinkURL: (view, args) => attach(view, args, { sourceType: null, again: "update" }),
  attachmentLinkGitHubPR: (view, args) => {
    if (!/^https?:\/\/[^/]+\/[^/]+\/[^/]+\/pull\/\d+/.test(String(args["url"]))) {
      throw refused("url must be the address of a pull request");
    }
    return attach(view, args, { sourceType: "github", again: "refuse" });
  },
  attachmentUpdate: (view, args) => {
    const attachment = view.get(view.model.attachments, String(args["id"]));
    if (attachment === null) throw notFound("Attachment", String(args["id"]));
    return attach(
      view,
      { ...attachment, ...inputOf(args), id: undefined },
      {
        sourceType: attachment.sourceType,
        again: "update",
      },
    );
  },
};

function attach(
  view: View,
  input: Args,
  how: { sourceType: string | null; again: "update" | "refuse" },
): unknown {
  const url = String(input["url"]);
  const attachment = putAttachment(view.model, view.viewerId, {
    id: newId(view.model.attachments, input, "Attachment"),
    issueId: theIssue(view, input["issueId"]).id,
    url,
    title: text(input, "title") ?? url,
    subtitle: text(input, "subtitle") ?? null,
    metadata: input["metadata"],
    groupBySource: input["groupBySource"] === true,
    ...how,
  });
  return done(view, { attachment });
}
