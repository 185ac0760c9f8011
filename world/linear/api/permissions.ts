import { forbidden } from "./errors.ts";
import type { View } from "../view.ts";

/** What only an app may do, and only on sessions of its own. */
const OF_AGENTS = new Set([
  "agentActivityCreate",
  "agentSessionUpdate",
  "agentSessionCreateOnIssue",
  "agentSessionCreateOnComment",
]);

/** Mutations that a narrower scope than `write` allows as well. */
const NARROW: Readonly<Record<string, string>> = {
  issueCreate: "issues:create",
  commentCreate: "comments:create",
};

/** Throws FORBIDDEN unless the caller may use this root field of `Mutation`. */
export function checkPermission(view: View, field: string): void {
  const { scopes } = view.caller;
  const narrow = NARROW[field];
  const enough = ["write", ...(narrow === undefined ? [] : [narrow])];
  if (scopes !== null && !enough.some((scope) => scopes.has(scope))) {
    throw forbidden(`Invalid scope: ${enough.map((scope) => `\`${scope}\``).join(" or ")} required`);
  }
  if (!OF_AGENTS.has(field)) return;
  if (!view.viewer().app) throw forbidden("Agent sessions belong to app users; the caller is a person.");
  if (!view.model.sessionsOn()) throw forbidden("Agent sessions are not enabled for this application.");
}
