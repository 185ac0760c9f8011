import { AGENT_MUTATIONS } from "./agent-mutations.ts";
import { ATTACHMENT_MUTATIONS } from "./attachment-mutations.ts";
import { COMMENT_MUTATIONS } from "./comment-mutations.ts";
import { ISSUE_MUTATIONS } from "./issue-mutations.ts";
import type { RootFields } from "./queries.ts";

/** `Mutation`, as far as the relay needs it: checked, written, told. The actor is the caller. */
export const MUTATIONS: RootFields = {
  ...ISSUE_MUTATIONS,
  ...COMMENT_MUTATIONS,
  ...AGENT_MUTATIONS,
  ...ATTACHMENT_MUTATIONS,
};
