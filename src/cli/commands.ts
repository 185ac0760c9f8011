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

/** Every command: a new one is a file and a line. */
export const COMMANDS: readonly CommandEntry[] = [
  entry(
    "demo",
    "start",
    "Play a whole story on this machine, without any account",
    () => import("./demo.ts"),
  ),
  entry("doctor", "start", "Check everything that the relay needs", () => import("./doctor.ts")),
  entry("config check", "start", "Check the configuration", () => import("./config-check.ts")),
  entry("serve", "start", "Run the relay", () => import("./serve.ts")),

  entry("status", "look", "How the relay is and what needs a person", () => import("./status.ts")),
  entry("issue list", "look", "Issues, newest first", () => import("./issue/list.ts")),
  entry("issue show", "look", "One issue; a bare key does the same", () => import("./issue/show.ts")),
  entry("issue why", "look", "Why an issue stands where it stands", () => import("./issue/why.ts")),
  entry("issue journal", "look", "What was seen and what came of it", () => import("./issue/journal.ts")),
  entry("issue watch", "look", "Follow an issue until it ends", () => import("./issue/watch.ts")),
  entry("issue open", "look", "Print its page's URL, and open it", () => import("./issue/open.ts")),
  entry("issue worktree", "look", "Print the path of its worktree", () => import("./issue/worktree.ts")),
  entry("run list", "look", "Runs, newest first", () => import("./run/list.ts")),
  entry("run show", "look", "One run", () => import("./run/show.ts")),
  entry("run log", "look", "What an agent did in a run", () => import("./run/log.ts")),
  entry("delivery list", "look", "Webhooks, newest first", () => import("./delivery/list.ts")),
  entry("delivery show", "look", "One webhook, and its body", () => import("./delivery/show.ts")),
  entry("outbox list", "look", "Effects, newest first", () => import("./outbox/list.ts")),
  entry("queue", "look", "Runs that wait for a slot", () => import("./queue.ts")),
  entry("agents", "look", "Agents and whether they can start", () => import("./agents.ts")),
  entry("machine", "look", "The rules by which the relay decides", () => import("./machine.ts")),

  entry("issue retry", "act", "Try again what failed or was escalated", () => import("./issue/retry.ts")),
  entry("issue stop", "act", "Stop its run and all work on it", () => import("./issue/stop.ts")),
  entry("issue pause", "act", "Start nothing further for now", () => import("./issue/pause.ts")),
  entry("issue resume", "act", "Go on after a pause or stop", () => import("./issue/resume.ts")),
  entry("issue prompt", "act", "Say something to its agent", () => import("./issue/prompt.ts")),
  entry("issue answer", "act", "Answer its open question", () => import("./issue/answer.ts")),
  entry("issue close", "act", "End it without a merge", () => import("./issue/close.ts")),
  entry("delivery replay", "act", "Apply a kept webhook once more", () => import("./delivery/replay.ts")),
  entry("outbox retry", "act", "Try a failed effect again", () => import("./outbox/retry.ts")),

  entry("db backup", "care", "Write a whole copy of the database", () => import("./db/backup.ts")),
  entry("db check", "care", "Check the database", () => import("./db/check.ts")),
  entry("db prune", "care", "Remove what is older than its limit", () => import("./db/prune.ts")),
];
