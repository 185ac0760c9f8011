import type { Command } from "../../usage/command.ts";
import { KEY, namedIssue } from "../find.ts";
import { issuePage } from "./page.ts";

export const command: Command = {
  arguments: [KEY],
  options: {},
  about: [],
  examples: [
    { says: "where it stands and why", line: "APP-1" },
    { says: "the head of its pull request", line: "issue show APP-1 --json | jq -r .pullRequest.head" },
  ],
  async run(context) {
    const issue = await namedIssue(context);
    context.answer(issue, () => issuePage(issue, context));
    return 0;
  },
};
