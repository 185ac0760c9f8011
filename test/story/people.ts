import type { FileChanges } from "../../world/github/git/git.ts";
import type { GitHubWorld } from "../../world/github/world.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import { REPOSITORY } from "./stage.ts";

/** Somebody with an account at Linear (by name) and at GitHub (the same in lower case). Issues default to APP-1, pull requests to #1. */
export interface Person {
  /** Writes an issue; gives its key. */
  writes(title: string, more?: { readonly description?: string; readonly team?: string }): string;
  /** Makes the relay the issue's delegate; gives the session. */
  delegates(issue?: string): string;
  undelegates(issue?: string): void;
  mentions(text: string, issue?: string): string;
  /** Writes in the newest session of the issue. */
  says(text: string, issue?: string): void;
  stops(issue?: string): void;
  moves(state: string, issue?: string): void;
  removes(issue?: string): void;
  approves(pull?: number): Promise<void>;
  requestsChanges(
    body: string,
    line?: { path: string; line: number; body: string },
    pull?: number,
  ): Promise<void>;
  comments(body: string, pull?: number): Promise<void>;
  pushes(branch: string, files: FileChanges): Promise<string>;
  closes(pull?: number): Promise<void>;
  merges(pull?: number): Promise<void>;
}

export function personOf(name: string, linear: LinearWorld, github: GitHubWorld): Person {
  const login = name.toLowerCase();
  const session = (issue: string): string => {
    const found = linear.issue(issue).sessions.at(-1);
    if (found === undefined) throw new Error(`${issue} has no session yet`);
    return found.id;
  };
  return {
    writes: (title, { description = "", team = "APP" } = {}) =>
      linear.createIssue({ team, title, description, by: name }).identifier,
    delegates: (issue = "APP-1") => linear.delegate(issue, name).id,
    undelegates(issue = "APP-1") {
      linear.undelegate(issue, name);
    },
    mentions: (text, issue = "APP-1") => linear.mention(issue, text, name).id,
    says(text, issue = "APP-1") {
      linear.prompt(session(issue), text, name);
    },
    stops(issue = "APP-1") {
      linear.stop(session(issue), name);
    },
    moves(state, issue = "APP-1") {
      linear.setState(issue, state, name);
    },
    removes(issue = "APP-1") {
      linear.removeIssue(issue, name);
    },
    async approves(pull = 1) {
      await github.review(login, pull, { state: "APPROVED", body: "Good." });
    },
    async requestsChanges(body, line, pull = 1) {
      await github.review(login, pull, {
        state: "CHANGES_REQUESTED",
        body,
        ...(line === undefined ? {} : { comments: [line] }),
      });
    },
    async comments(body, pull = 1) {
      await github.comment(login, pull, body);
    },
    pushes: (branch, files) => github.pushAs(login, REPOSITORY, branch, files, { message: `By ${name}` }),
    closes: (pull = 1) => github.closePullRequest(login, pull),
    async merges(pull = 1) {
      await github.merge(login, pull);
    },
  };
}
