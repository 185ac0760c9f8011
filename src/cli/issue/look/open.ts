import { webUrl } from "../../../lib/html.ts";
import { escapeHidden } from "../../../lib/text.ts";
import type { Command } from "../../usage/command.ts";
import { notFound } from "../../usage/failure.ts";
import { KEY, namedIssue } from "../find.ts";

export const command: Command = {
  arguments: [KEY],
  options: { pull: { value: null, says: "the pull request instead of the issue" } },
  about: ["On a terminal it also opens the page, with xdg-open or open."],
  examples: [{ says: "look at its pull request", line: "issue open APP-1 --pull" }],
  async run(context) {
    const issue = await namedIssue(context);
    const pull = context.flag("pull");
    const url = pull ? (issue.pullRequest?.url ?? null) : issue.url;
    if (url === null) {
      throw notFound(`${issue.key} has no ${pull ? "pull request" : "URL"} yet`);
    }
    context.answer({ url }, () => [escapeHidden(url)]);
    // The URL comes from outside: only one that can do no more than open a page is handed to a program.
    const safe = webUrl(url);
    if (context.terminal && safe !== null) {
      const opener = context.host.platform === "darwin" ? "open" : "xdg-open";
      context.host.launch(opener, [safe], () => context.note(`(${opener} could not be started)`));
    }
    return 0;
  },
};
