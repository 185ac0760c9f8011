import { expect, test } from "vitest";
import { startStory } from "../story/story.ts";

test("a delegated issue becomes a merged pull request, and Linear shows how", async () => {
  const story = await startStory({ protection: { requiredChecks: ["test"], mergeQueue: true } });
  const { ada, grace } = story;
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
  expect(await story.ran()).toMatchInlineSnapshot(`
    [
      "implementation published",
      "review_fix published",
    ]
  `);
  expect(await story.states()).toMatchInlineSnapshot(`
    [
      "delegated",
      "preparing",
      "implementing",
      "awaiting_review",
      "changes_requested",
      "awaiting_review",
      "awaiting_queue",
      "done",
    ]
  `);
  expect(story.told()).toMatchInlineSnapshot(`
    [
      "thought: On it. I'll post progress on APP-1 here, and ask when I need a decision from you.",
      "action: Implementing the issue in acme/shop",
      "action: Pushed <commit> → Added the discount.",
      "response: Pull request #1 is ready for review. <url>

    - Implementation: Added the discount.

    All required checks pass, but nobody with write access has approved this commit yet. I'm waiting for an approving review.",
      "action: Addressing the review of <commit>",
      "action: Pushed <commit> → Did what the reviewer asked for.",
      "response: Pull request #1 is ready for another review. <url>

    - Review fix: Did what the reviewer asked for.

    The review was answered, but grace has not reviewed again yet. I'm waiting for another review by grace.",
      "thought: All required checks pass, and grace has approved this commit.",
      "thought: The pull request is in the merge queue.",
      "response: Pull request #1 is merged. <url>

    What was done:
    - Implementation: Added the discount.
    - Review fix: Did what the reviewer asked for.",
      "status: Done",
    ]
  `);
  expect(story.pushes()).toMatchInlineSnapshot(`
    [
      "patchrelay-app[bot] patchrelay/app-1",
      "patchrelay-app[bot] patchrelay/app-1",
    ]
  `);
  expect(story.commentsOn()).toMatchInlineSnapshot(`
    [
      "patchrelay-app[bot]: Did what the reviewer asked for.

    Commit: [\`<commit>\`](<url>)",
      "src/discount.txt grace: Round this.",
      "src/discount.txt patchrelay-app[bot]: I pushed [\`<commit>\`](<url>) in answer to the review; see my comment on the pull request.",
    ]
  `);
  await story.end();
});
