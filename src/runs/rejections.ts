import type { RunReport } from "../factory/facts/run.ts";
import { quote } from "../factory/effects/prompt.ts";
import type { Changes, Worktree } from "../worktrees/worktrees.ts";
import { failed } from "./ending.ts";
import type { RunContext, Worked } from "./run-context.ts";
import { verify } from "./verify.ts";

/** Why the agent's work is not taken as it is. */
export interface Rejection {
  /** What the agent is told in its next turn. */
  readonly prompt: string;
  /** How the run ends when the agent has had its turns; null = its own words stand. */
  readonly end: RunReport | null;
}

/** What the run has to show, whatever the agent says about it. */
export interface Shown {
  readonly changes: Changes;
  /** The base was integrated, cleanly or for the agent to resolve: that alone is worth publishing. */
  readonly integrated: boolean;
  /** The change is what an earlier run could not publish; this one's agent left it as it was. */
  readonly leftOver: boolean;
}

/**
 * What stands against the work; null = nothing. Whatever is to be published passes the repository's own
 * verification, however the agent calls it.
 */
export async function rejectionOf(
  context: RunContext,
  worktree: Worktree,
  worked: Worked,
  shown: () => Promise<Shown>,
): Promise<Rejection | null> {
  if (worked.outcome === "answer") return null;
  if (worked.outcome === "silent") return SILENT;
  if (worked.outcome === "no_change") {
    const { changes, integrated, leftOver } = await shown();
    if (!integrated && !leftOver) return changes.files.length === 0 ? null : contradiction(context, changes);
  }
  const found = await verify(context, worktree);
  if (found === null) {
    await context.save({ verified: true });
    return null;
  }
  return {
    prompt: `The repository's own verification fails with your change. Fix the cause, then end with the JSON object as before.\n\n${quote("VERIFY", found, fenceOf(context))}`,
    end: failed("test", `The repository's verification still fails:\n${found.slice(-2_000)}`, null),
  };
}

const SILENT: Rejection = {
  prompt:
    "Your turn ended without the closing JSON object. Finish what is left to do, then end with that object and nothing after it.",
  end: failed(
    "agent",
    "The agent's turn ended without a report of what it did, even after it was asked for one. Nothing was published.",
    null,
  ),
};

const MOST_NAMED = 20;

function contradiction(context: RunContext, changes: Changes): Rejection {
  const paths = changes.files.map((file) => file.path);
  const more = paths.length > MOST_NAMED ? `\n… and ${paths.length - MOST_NAMED} more` : "";
  const list = `${paths.slice(0, MOST_NAMED).join("\n")}${more}`;
  return {
    prompt: `You ended with "no_change", yet these files differ from what you started with. If they are the requested work, end with "done". If not, restore them and end with "no_change" again.\n\n${quote("FILES", list, fenceOf(context))}`,
    end: null,
  };
}

/** A random word that quoted text cannot contain, see `quote`. */
export function fenceOf(context: RunContext): string {
  return context.parts.randomness.bytes(8).toString("hex");
}
