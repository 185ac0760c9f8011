import { FACTORY_STATES } from "../../factory/facts/state.ts";
import { registryOf } from "../host/registry.ts";
import type { Command } from "../usage/command.ts";
import { printList } from "../show/list.ts";
import { issueColumns } from "./columns.ts";

export const command: Command = {
  arguments: [],
  options: {
    state: { value: "STATE", says: "only in this factory state", oneOf: Object.keys(FACTORY_STATES) },
    repo: { value: "OWNER/NAME", says: "only of this repository" },
    q: { value: "TEXT", says: "only with this text in the key or title" },
  },
  about: [
    "A table on a terminal, tab-separated lines (key, state, since, pull request, repository, title) elsewhere.",
  ],
  examples: [
    { says: "what is waiting for an answer", line: "issue list --state awaiting_input" },
    { says: "the newest ten as a document", line: "issue list --limit 10 --json" },
  ],
  async run(context) {
    const { sources } = await registryOf(context.host);
    const trackers = Object.values(sources).filter(({ kind }) => kind === "tracker");
    const places = trackers.map(({ label }) => label).join(" or ");
    return await printList(context, {
      page: async (views, request) =>
        await views.issues(
          { state: context.value("state"), repo: context.value("repo"), q: context.value("q") },
          request,
        ),
      columns: issueColumns(context),
      empty: `No issues. Delegate one to the relay in ${places}, or mention it there.`,
    });
  },
};
