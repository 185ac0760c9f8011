import { expect, test } from "vitest";
import { startStory, type Story } from "../../story/story.ts";

/** The moves on the board that the relay made. */
const ownMoves = (story: Story): number => {
  const { history, sessions } = story.linear.issue("APP-1");
  const us = sessions[0]?.appUserId;
  return history.filter(({ actorId, changes }) => actorId === us && "toStateId" in changes).length;
};

test("teams of one project have statuses of their own, and a name that is not there gives way to the type", async () => {
  const story = await startStory({
    project: {
      linear: {
        teams: ["APP", "OPS"],
        statuses: { started: "Doing", teams: { ops: { started: "In Review" } } },
      },
    },
  });
  const { ada } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.inTime("awaiting_review");
  ada.writes("Mend the server", { team: "OPS" });
  ada.delegates("OPS-1");
  await story.inTime("awaiting_review", "OPS-1");
  await story.rests();
  expect(story.linear.issue("APP-1").state.name).toBe("In Progress");
  expect(story.linear.issue("OPS-1").state.name).toBe("In Review");
  await story.end();
});

test("what a person moves back stays there while the work goes on, until the merge completes it", async () => {
  const story = await startStory();
  const { ada, grace, linear } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.inTime("awaiting_review");
  expect(linear.issue("APP-1").state.name).toBe("In Progress");
  expect(ownMoves(story)).toBe(1);
  ada.moves("Todo");
  await grace.requestsChanges("Please round it.");
  await story.inTime(({ rule, spent }) => rule === "review_answered" && spent.runs === 2);
  await story.sweeps(3);
  await story.restart();
  await story.rests();
  expect(linear.issue("APP-1").state.name).toBe("Todo");
  expect(ownMoves(story)).toBe(1);
  await grace.approves();
  await story.inTime("done");
  await story.rests();
  expect(linear.issue("APP-1").state.name).toBe("Done");
  ada.moves("In Review");
  await story.sweeps(3);
  await story.rests();
  expect(linear.issue("APP-1").state.name).toBe("In Review");
  await story.end();
});

test("what somebody else has moved first, when work starts and at the merge, is not moved a second time", async () => {
  const story = await startStory();
  const { ada, grace, linear } = story;
  ada.writes("Add a discount");
  ada.moves("In Review");
  ada.delegates();
  await story.inTime("awaiting_review");
  await story.rests();
  expect(linear.issue("APP-1").state.name).toBe("In Review");
  await story.stopRelay();
  await grace.merges();
  ada.moves("Done");
  await story.startRelay();
  await story.inTime("done");
  await story.rests();
  expect(linear.issue("APP-1").state.name).toBe("Done");
  expect(ownMoves(story)).toBe(0);
  await story.end();
});
