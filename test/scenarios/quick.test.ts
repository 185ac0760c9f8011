import { expect, test } from "vitest";
import { worksBut } from "../story/script.ts";
import { startStory, type Story } from "../story/story.ts";
import { LABEL, QUICK_START } from "../story/stage.ts";

/** What Linear shows in the issue's comments. */
function thread(story: Story, key = "APP-1"): readonly string[] {
  const { comments, state } = story.linear.issue(key);
  const shown = comments
    .filter(({ archivedAt }) => archivedAt === null)
    .map(({ body, parentId }) => {
      const text = body
        .replaceAll(/\[https?:[^\]]*\]\(<[^>]*>\)|(?<=\(<)https?:[^>]*/g, "url")
        .replaceAll(/\b(?=[0-9a-f]*\d)[0-9a-f]{7,40}\b/g, "<commit>");
      return `${parentId === null ? "" : "↳ "}${text}`;
    });
  return [...shown, `status: ${state.name}`];
}

function labels(story: Story, on: boolean, by = "Ada", key = "APP-1"): void {
  story.linear.editIssue(key, { labels: on ? [LABEL] : [] }, by);
}

function comments(story: Story, text: string, by = "Ada", replyTo?: string, key = "APP-1"): string {
  return story.linear.comment(key, text, by, replyTo).id;
}

test("by what README.md has people write an issue with the label becomes a merged pull request", async () => {
  const { section, settings, project, others } = QUICK_START;
  expect([settings, project, others]).toEqual([
    { webhooks: "off" },
    { id: "app", linear: { teams: ["APP"] } },
    [],
  ]);
  expect(section).toContain(`a label \`${LABEL}\``);
  const story = await startStory({ quick: true, project });
  const { ada, grace } = story;
  let first: string | null = null;
  story.ci = async ({ sha }) => {
    first ??= sha;
    return [{ name: "test", conclusion: sha === first ? "failure" : "success" }];
  };
  ada.writes("Add a discount");
  labels(story, true);
  await story.inTime(({ rule }) => rule === "person_merges");
  await story.rests();
  await grace.requestsChanges("Please round it.");
  await story.inTime(({ rule }) => rule === "review_answered");
  await story.rests();
  await grace.approves();
  await story.inTime(({ rule }) => rule === "person_merges");
  await story.rests();
  await grace.merges();
  await story.inTime("done");
  await story.rests();
  expect(await story.ran()).toMatchInlineSnapshot(`
    [
      "implementation published",
      "ci_repair published",
      "review_fix published",
    ]
  `);
  expect(thread(story)).toMatchInlineSnapshot(`
    [
      "**patchrelay** · See the report below.

    * [x] Implement
    * [x] Open a pull request
    * [x] Make the checks pass
    * [x] Address the review
    * [x] Merge

    Links: [Pull request #1](<url>)",
      "↳ **patchrelay** · Pull request #1 is ready to be merged. url

    * Implementation: Added the discount.
    * CI repair: Repaired the failing check.

    All required checks pass, and the merge is left to a person: GitHub does not let authors approve their own pull requests, and without an App it belongs to the owner of the token. I'm waiting for a person to merge it.",
      "↳ **patchrelay** · Pull request #1 is ready for another review. url

    * Review fix: Did what the reviewer asked for.

    The review was answered, but grace has not reviewed again yet. I'm waiting for another review by grace.",
      "↳ **patchrelay** · Pull request #1 is ready to be merged. url

    * Review fix: Did what the reviewer asked for.

    All required checks pass, and the merge is left to a person: GitHub does not let authors approve their own pull requests, and without an App it belongs to the owner of the token. I'm waiting for a person to merge it.",
      "↳ **patchrelay** · Pull request #1 is merged. url

    What was done:
    * Implementation: Added the discount.
    * CI repair: Repaired the failing check.
    * Review fix: Did what the reviewer asked for.",
      "status: Done",
    ]
  `);
  await story.end();
});

test("a word in a comment, a question and its answer, a stop, and the label taken away", async () => {
  const story = await startStory({
    quick: true,
    agent: worksBut({
      when: { type: "implementation", nth: 1 },
      do: [],
      report: {
        outcome: "question",
        summary: "It is not clear.",
        question: { text: "Gross or net?", options: ["gross", "net"] },
        threads: [],
      },
    }),
  });
  story.ada.writes("Add a discount");
  const root = comments(story, "@patchrelay please add it");
  await story.inTime("awaiting_input");
  await story.rests();
  await story.restart();
  comments(story, "net", "Ada", root);
  await story.inTime(({ rule }) => rule === "person_merges");
  await story.rests();
  expect(await story.ran()).toMatchInlineSnapshot(`
    [
      "implementation asked",
      "implementation published",
    ]
  `);
  expect(thread(story)).toMatchInlineSnapshot(`
    [
      "@patchrelay please add it",
      "↳ **patchrelay** · See the report below.

    * [x] Implement
    * [x] Open a pull request
    * [x] Make the checks pass
    * [x] Address the review
    * [ ] Merge (in progress)

    Links: [Pull request #1](<url>)",
      "↳ **patchrelay** · Gross or net?

    * gross
    * net

    Answer with a reply in this thread.",
      "↳ net",
      "↳ **patchrelay** · Pull request #1 is ready to be merged. url

    * Implementation: Did the further work.

    All required checks pass, and the merge is left to a person: GitHub does not let authors approve their own pull requests, and without an App it belongs to the owner of the token. I'm waiting for a person to merge it.",
      "status: In Progress",
    ]
  `);
  comments(story, "stop", "Grace", root);
  await story.inTime("paused");
  await story.rests();
  labels(story, true);
  await story.inTime(({ state }) => state !== "paused");
  await story.rests();
  labels(story, false);
  await story.inTime("paused");
  await story.rests();
  expect((await story.ran()).length).toBe(2);
  await story.end();
});
