import { existsSync } from "node:fs";
import type { Command } from "../usage/command.ts";
import { notFound } from "../usage/failure.ts";
import { KEY, namedIssue } from "./find.ts";

export const command: Command = {
  arguments: [KEY],
  options: {},
  about: ["Prints the path and nothing else; exit 3 when there is no worktree (any more)."],
  examples: [{ says: "go there", line: 'cd "$(patchrelay issue worktree APP-1)"' }],
  async run(context) {
    const { key, worktree } = await namedIssue(context);
    if (worktree === null) {
      throw notFound(`${key} has no worktree yet`, "one is made when its first run starts");
    }
    if (!existsSync(worktree)) {
      throw notFound(`the worktree of ${key} was removed`, "it is made again by the next run");
    }
    // Verbatim, because a shell takes it: a path is ours, not an outsider's.
    context.answer({ worktree }, () => [worktree]);
    return 0;
  },
};
