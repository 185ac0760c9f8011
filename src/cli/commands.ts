import type { Registry } from "../registry.ts";
import type { Command } from "./usage/command.ts";
import type { CommandEntry } from "./usage/entry.ts";

function entry(
  name: string,
  group: CommandEntry["group"],
  summary: string,
  load: () => Promise<{ command: Command }>,
) {
  return { name, group, summary, load: async () => (await load()).command };
}

/** What to do first. */
const START: readonly CommandEntry[] = [
  entry("demo", "start", "Play a whole story on this machine, no account needed", () => import("./demo.ts")),
  entry("doctor", "start", "Check everything the relay needs", () => import("./doctor.ts")),
  entry("config check", "start", "Check the configuration", () => import("./config-check.ts")),
  entry("serve", "start", "Run the relay", () => import("./serve.ts")),
];

const DAILY: readonly CommandEntry[] = [
  entry("status", "look", "How the relay is doing and what needs a person", () => import("./status.ts")),
  entry("issue list", "look", "Issues, newest first", () => import("./issue/look/list.ts")),
  entry(
    "issue show",
    "look",
    "Show one issue (`patchrelay APP-1` also works)",
    () => import("./issue/look/show.ts"),
  ),
  entry("issue why", "look", "Why an issue is where it is", () => import("./issue/look/why.ts")),
  entry(
    "issue journal",
    "look",
    "Timeline of observations and decisions",
    () => import("./issue/look/journal.ts"),
  ),
  entry("issue watch", "look", "Follow an issue until it ends", () => import("./issue/look/watch.ts")),
  entry("issue open", "look", "Print the URL of its page, and open it", () => import("./issue/look/open.ts")),
  entry("issue worktree", "look", "Print the path of its worktree", () => import("./issue/look/worktree.ts")),
  entry("run list", "look", "Runs, newest first", () => import("./run/list.ts")),
  entry("run show", "look", "One run", () => import("./run/show.ts")),
  entry("run log", "look", "What an agent did in a run", () => import("./run/log.ts")),
  entry("delivery list", "look", "Webhooks, newest first", () => import("./delivery/list.ts")),
  entry("delivery show", "look", "One webhook, and its body", () => import("./delivery/show.ts")),
  entry("outbox list", "look", "Effects, newest first", () => import("./outbox/list.ts")),
  entry("queue", "look", "Runs waiting for a slot", () => import("./queue.ts")),
  entry("agents", "look", "Agents and whether they can start", () => import("./agents.ts")),
  entry("machine", "look", "The rules the relay decides by", () => import("./machine.ts")),

  entry(
    "issue retry",
    "act",
    "Try again after a failure or an escalation",
    () => import("./issue/act/retry.ts"),
  ),
  entry("issue stop", "act", "Stop an issue's run and all work on it", () => import("./issue/act/stop.ts")),
  entry("issue pause", "act", "Start nothing new for now", () => import("./issue/act/pause.ts")),
  entry("issue resume", "act", "Resume after a pause or stop", () => import("./issue/act/resume.ts")),
  entry("issue prompt", "act", "Tell the agent something", () => import("./issue/act/prompt.ts")),
  entry("issue answer", "act", "Answer its open question", () => import("./issue/act/answer.ts")),
  entry("issue close", "act", "End it without merging", () => import("./issue/act/close.ts")),
  entry("delivery replay", "act", "Apply a stored webhook again", () => import("./delivery/replay.ts")),
  entry("outbox retry", "act", "Retry a failed effect", () => import("./outbox/retry.ts")),

  entry("db backup", "care", "Back up the database", () => import("./db/backup.ts")),
  entry("db check", "care", "Check the database", () => import("./db/check.ts")),
  entry("db prune", "care", "Delete what is past its retention", () => import("./db/prune.ts")),
];

/** Every command: a new one is a file and a line here, or comes with what the row of a source says. */
export function commandsOf({ sources }: Pick<Registry, "sources">): readonly CommandEntry[] {
  return [...START, ...Object.entries(sources).flatMap(([name, row]) => ofSource(name, row)), ...DAILY];
}

/** What people set up a source with, called after it. */
function ofSource(name: string, row: Registry["sources"][string]): readonly CommandEntry[] {
  if (row.kind !== "tracker") return [];
  const { label, installs, workspaces } = row;
  return [
    ...(installs === true
      ? [
          entry(`${name} connect`, "start", `Install the relay in a ${label} workspace`, async () => ({
            command: (await import("./tracker/connect.ts")).connectTo(name, label),
          })),
        ]
      : []),
    ...(workspaces === undefined
      ? []
      : [
          entry(
            `${name} sync`,
            "start",
            `List ${label}'s teams, statuses, labels and projects`,
            async () => ({
              command: (await import("./tracker/sync.ts")).syncWith(name, { label, workspaces }),
            }),
          ),
        ]),
  ];
}
