import { AGENT_MUTATIONS } from "./agent.ts";
import { ATTACHMENT_MUTATIONS } from "./attachment.ts";
import { COMMENT_MUTATIONS } from "./comment.ts";
import { ISSUE_MUTATIONS } from "./issue.ts";
import type { RootFields } from "../answers/queries.ts";

/** `Mutation`, as far as the relay needs it: checked, written, told. The actor is the caller. */
export const MUTATIONS: RootFields = {
  ...ISSUE_MUTATIONS,
  ...COMMENT_MUTATIONS,
  ...AGENT_MUTATIONS,
  ...ATTACHMENT_MUTATIONS,
};
