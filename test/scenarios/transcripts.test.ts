import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { does, worksBut, write } from "../story/script.ts";
import type { Story } from "../story/story.ts";
import { startStory } from "../story/story.ts";
import { sessionPage } from "../story/transcript.ts";

// What a person finds in the Linear session of a whole issue, kept in docs/transcripts to be read: a change of what the
// relay tells shows there. `npx vitest run test/scenarios/transcripts.test.ts --update` writes them again.

/** More than this nobody reads. */
const MOST_ROWS = 8;

async function kept(story: Story, name: string, title: string): Promise<void> {
  const { page, rows } = sessionPage(story.linear, "APP-1", title);
  expect(rows, "rows that stay in the session").toBeLessThanOrEqual(MOST_ROWS);
  await expect(page).toMatchFileSnapshot(
    fileURLToPath(new URL(`../../docs/transcripts/${name}.md`, import.meta.url)),
  );
  await story.end();
}

test("from a delegation by way of red checks and a review to the merge", async () => {
  const story = await startStory({ config: { ci: { reruns: 0 } } });
  const { ada, grace } = story;
  let runs = 0;
  story.ci = async () => [
    (runs += 1) === 1
      ? { name: "test", conclusion: "failure", log: "AssertionError: 100 is not 90" }
      : { name: "test", conclusion: "success" },
  ];
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_review");
  await story.rests();
  await grace.requestsChanges("Please round it.", { path: "src/discount.txt", line: 1, body: "Round this." });
  await story.until(({ rule }) => rule === "review_answered");
  await story.rests();
  await grace.approves();
  await story.until("done");
  await story.rests();
  await kept(story, "merged", "A delegated issue, red checks, a review, and the merge");
});

test("a question and its answer", async () => {
  const story = await startStory({
    agent: worksBut(
      {
        when: { type: "implementation", nth: 1 },
        do: [{ ask: { text: "Is the price gross or net?", options: ["gross", "net"] } }],
        report: null,
      },
      does(
        { type: "implementation" },
        [write("src/discount.txt", "net\n")],
        "Added the discount on the net price.",
      ),
    ),
  });
  const { ada, grace } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_input");
  await story.rests();
  ada.says("net");
  await story.until("awaiting_review");
  await story.rests();
  await grace.approves();
  await story.until("done");
  await story.rests();
  await kept(story, "question", "The agent asks, a person answers");
});

test("a stop while the agent works", async () => {
  const story = await startStory({
    agent: worksBut(
      does(
        { type: "implementation", nth: 1 },
        [write("src/half.txt", "half\n"), { wait: "interrupt" }],
        "never",
      ),
    ),
  });
  const { ada } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.works();
  ada.stops();
  await story.until(({ state, run }) => state === "paused" && run === null);
  await story.rests();
  await kept(story, "stopped", "A person stops the relay while the agent works");
});

test("a spent budget", async () => {
  const story = await startStory({
    agent: worksBut(
      ...[1, 2].map((nth) =>
        does(
          { type: "ci_repair", nth },
          [write("src/repair.txt", `try ${nth}\n`)],
          `Tried another rounding, number ${nth}.`,
        ),
      ),
    ),
    config: { budgets: { ciRepairs: 2 }, ci: { reruns: 0 } },
  });
  const { ada } = story;
  story.ci = async () => [{ name: "test", conclusion: "failure", log: "AssertionError: 100 is not 90" }];
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("escalated");
  await story.rests();
  await kept(story, "handed-over", "Checks that the agent cannot make pass: the relay hands over");
});
