import { existsSync } from "node:fs";
import type { Command } from "../../usage/command.ts";
import { notFound } from "../../usage/failure.ts";
import { KEY, namedIssue } from "../find.ts";

export const command: Command = {
  arguments: [KEY],
  options: {},
  about: ["Prints the path and nothing else; exits 3 if there is no worktree (any more)."],
  examples: [{ says: "go there", line: 'cd "$(patchrelay issue worktree APP-1)"' }],
  async run(context) {
    const { key, worktree } = await namedIssue(context);
    if (worktree === null) {
      throw notFound(`${key} has no worktree yet`, "its first run creates one");
    }
    if (!existsSync(worktree)) {
      throw notFound(`the worktree of ${key} was removed`, "the next run creates it again");
    }
    // Verbatim, because a shell takes it: a path is ours, not an outsider's.
    context.answer({ worktree }, () => [worktree]);
    return 0;
  },
};
