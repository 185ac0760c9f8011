import { expect, test } from "vitest";
import { does, worksBut, write } from "../../story/script.ts";
import { LABEL, REPOSITORY } from "../../story/stage.ts";
import { startStory, type Story } from "../../story/story.ts";

// Commits carry the address of the account that the relay has on GitHub, and are still told from others'.

const BRANCH = "patchrelay/app-1";

/** Author and committer of each commit of the branch, the base's first one apart. */
async function makers(story: Story): Promise<readonly string[]> {
  const [, ...made] = await story.history(BRANCH);
  return made.map(({ author, committer }) => [author, committer].map(({ email }) => email).join(" "));
}

test("whoever checks the authors of a change finds the App's bot on every commit", async () => {
  const story = await startStory({ agent: worksBut() });
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until("awaiting_review");
  await story.grace.requestsChanges("Please round it.");
  await story.until(({ rule }) => rule === "review_answered");
  const { botLogin } = story.github.credentials;
  const { id } = story.github.addPerson(botLogin, "Bot");
  const bot = `${id}+${botLogin}@users.noreply.127.0.0.1`;
  expect(await makers(story)).toEqual([`${bot} ${bot}`, `${bot} ${bot}`]);
  await story.end();
});

test("with a person's token, what they push by hand is theirs, and what the relay pushes is not", async () => {
  const slow = does(
    { type: "review_fix" },
    [{ wait: 60_000 }, write("src/reviewed.txt", "as asked\n")],
    "Did.",
  );
  const story = await startStory({ quick: true, agent: worksBut(slow) });
  story.ada.writes("Add a discount");
  story.linear.editIssue("APP-1", { labels: [LABEL] }, "Ada");
  await story.inTime(({ rule }) => rule === "person_merges");
  await story.grace.requestsChanges("Please round it.");
  await story.inTime(({ run }) => run?.type === "review_fix");
  await story.works();
  const { id } = story.github.addPerson("ada");
  const as = { name: "ada", email: `${id}+ada@users.noreply.127.0.0.1` };
  await story.github.pushAs("ada", REPOSITORY, BRANCH, { "src/rounded.txt": "by hand\n" }, { as });
  await story.inTime(({ rule, run }) => rule === "review_answered" && run === null);
  await story.rests();
  expect(await story.ran()).toEqual(["implementation published", "review_fix superseded"]);
  expect(await makers(story)).toEqual([`${as.email} ${as.email}`, `${as.email} ${as.email}`]);
  await story.end();
});
