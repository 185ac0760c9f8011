import { FACTORY_STATES } from "../../../factory/facts/state.ts";
import { registryOf } from "../../host/registry.ts";
import { quoted, unknownValue } from "../../usage/argv.ts";
import type { Command, Context } from "../../usage/command.ts";
import { wrongUsage } from "../../usage/failure.ts";
import { printList } from "../../show/list.ts";
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
    await refuseUnknownRepository(context);
    return await printList(context, {
      page: async (views, request) =>
        await views.issues(
          { state: context.value("state"), repo: context.value("repo"), q: context.value("q") },
          request,
        ),
      columns: issueColumns(context),
      empty: `No issues. Delegate one to the relay in ${places}, or mention it there.`,
      chosen: { of: "issues", by: ["state", "repo", "q"] },
    });
  },
};

/** A misspelt repository must not look like one without issues. */
async function refuseUnknownRepository(context: Context): Promise<void> {
  const repo = context.value("repo");
  const views = repo === null ? null : await context.kept();
  if (repo === null || views === null) return;
  // It may have been taken out of the configuration.
  const kept = await views.issues({ state: null, repo, q: null }, { limit: 1, cursor: null });
  if (kept.items.length > 0) return;
  // Apart, because it loads the whole check: this command is to be quick.
  const { settingsOf } = await import("../../host/settings.ts");
  const loaded = await settingsOf(context.host, context.configFlag);
  if (!loaded.ok) return;
  const configured = loaded.settings.projects.map(({ repository }) => repository.name);
  if (configured.length === 0) throw wrongUsage(`--repo is ${quoted(repo)}, and no project is configured`);
  if (!configured.some((name) => name.toLowerCase() === repo.toLowerCase()))
    throw unknownValue("repo", repo, configured);
}
