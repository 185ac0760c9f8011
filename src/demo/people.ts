import type { GitHubWorld } from "../../world/github/world.ts";
import { GUARD, REPOSITORY } from "./repository.ts";

const REVIEW_NOTE = "Which is taken from which? Please name the parameters `minuend` and `subtrahend`.";

/** What the people of the demo do when the issue waits for them; each line is what to tell about it. */
export interface Cast {
  /** The issue waits for a review: grace looks at the pull request. */
  review(): Promise<string>;
}

/**
 * Grace asks for a change the first time and approves from then on. The first time she approves, Linus merges
 * something of his own just before, so that the merge queue finds what the pull request's CI could not. In quick mode there
 * is no queue, and she merges herself.
 */
export function castOf(
  github: GitHubWorld,
  quick: boolean,
  onThreads: (ids: readonly string[]) => Promise<void>,
): Cast {
  let looked = 0;
  return {
    async review() {
      looked += 1;
      const pull = github.pullRequest(1);
      if (looked === 1) {
        await github.review("grace", 1, {
          state: "CHANGES_REQUESTED",
          body: "One thing before this goes in, see the line.",
          comments: [{ path: "src/calc.js", line: 10, body: REVIEW_NOTE }],
        });
        await onThreads(pull.threads.map((thread) => thread.nodeId));
        return `grace requests changes on #1: "${REVIEW_NOTE}"`;
      }
      if (looked === 2 && !quick) {
        await github.pushAs("linus", REPOSITORY, "main", GUARD, { message: "Check every number" });
        await github.review("grace", 1, { state: "APPROVED", body: "Thanks!" });
        return "grace approves; in the same minute linus pushes src/guard.js to main";
      }
      await github.review("grace", 1, { state: "APPROVED", body: quick ? "Thanks!" : "Still good." });
      if (quick) await github.merge("grace", 1);
      return quick ? "grace approves, and merges #1" : "grace approves the new head";
    },
  };
}
