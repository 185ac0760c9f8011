import { afterEach, expect, test } from "vitest";
import { APP, stage } from "./github-fixture.ts";
import type { Stage } from "./github-fixture.ts";

let open: Stage | null = null;
const begin = async (...given: Parameters<typeof stage>): Promise<Stage> => (open = await stage(...given));

afterEach(async () => {
  await open?.close();
  open = null;
});

async function pullRequest({ world }: Stage): Promise<number> {
  await world.pushAs("alice", "acme/app", "topic", { "README.md": "one\n2\nthree\n" });
  const number = await world.openPullRequest("alice", "acme/app", { title: "Two", head: "topic" });
  await world.settled();
  return number;
}

test("a review is requested of a person, and no longer once they have reviewed, whatever they say", async () => {
  const { world, octokit, received } = await begin();
  const number = await pullRequest({ world } as Stage);
  const { data } = await octokit.pulls.requestReviewers({ ...APP, pull_number: number, reviewers: ["bob"] });
  expect(data.requested_reviewers?.map(({ login }) => login)).toEqual(["bob"]);
  await octokit.pulls.requestReviewers({ ...APP, pull_number: number, reviewers: ["bob"] });
  await world.settled();
  const told = received.filter(({ payload }) => payload["action"] === "review_requested");
  expect(told.map(({ payload }) => payload["requested_reviewer"])).toMatchObject([{ login: "bob" }]);
  await world.review("bob", number, { state: "COMMENTED", body: "hm" });
  const { data: left } = await octokit.pulls.listRequestedReviewers({ ...APP, pull_number: number });
  expect(left.users).toEqual([]);
  await octokit.pulls.requestReviewers({ ...APP, pull_number: number, reviewers: ["bob"] });
  const { data: pull } = await octokit.pulls.get({ ...APP, pull_number: number });
  expect(pull.requested_reviewers?.map(({ login }) => login)).toEqual(["bob"]);
  expect(world.problems).toEqual([]);
});

test.each([
  ["the author", ["alice"], "Review cannot be requested from pull request author."],
  ["somebody who has no access", ["bob", "stranger"], "Reviews may only be requested from collaborators."],
  ["an App's account", ["patchrelay-app[bot]"], "Reviews may only be requested from collaborators."],
])("a review of %s is refused with 422, and nobody is asked", async (_, reviewers, why) => {
  const { world, octokit } = await begin();
  const number = await pullRequest({ world } as Stage);
  world.addPerson("stranger");
  await expect(
    octokit.pulls.requestReviewers({ ...APP, pull_number: number, reviewers }),
  ).rejects.toMatchObject({ status: 422, message: expect.stringContaining(why) });
  expect(world.pullRequest(number).requested).toEqual([]);
});

test.each([
  [false, ["pull_request_review.submitted", "pull_request_review_comment.created"]],
  [true, ["pull_request_review_comment.created", "pull_request_review.submitted"]],
])("of one inline comment both events come, in either order (comments first: %s)", async (first, order) => {
  const { world, names, received } = await begin();
  world.habits.commentsFirst = first;
  const number = await pullRequest({ world } as Stage);
  const before = names().length;
  const comments = [{ path: "README.md", line: 2, body: "spell it out" }];
  const review = await world.review("bob", number, { state: "COMMENTED", comments });
  await world.settled();
  expect(names().slice(before)).toEqual(order);
  const of = (event: string): unknown =>
    received.findLast(({ payload }) => payload[event] !== undefined)?.payload[event];
  expect(of("review")).toMatchObject({ id: review.id, body: null, state: "commented" });
  expect(of("comment")).toMatchObject({ pull_request_review_id: review.id, original_line: 2 });
  await world.editReview("bob", number, { thread: 0 }, "spell it out, please");
  await world.editReview("bob", number, { review: review.id }, "once more");
  await world.settled();
  expect(names().slice(before + 2)).toEqual([
    "pull_request_review_comment.edited",
    "pull_request_review.edited",
  ]);
  expect(world.problems).toEqual([]);
});
