import { expect, test } from "vitest";
import { activityInput, planInput } from "../../src/trackers/linear/write/content.ts";

test("options of a question become Linear's select signal, each once", () => {
  expect(activityInput({ type: "elicitation", body: "Which?", options: ["a", "b", "a"] })).toEqual({
    content: { type: "elicitation", body: "Which?" },
    signal: "select",
    signalMetadata: {
      options: [
        { value: "a", label: "a" },
        { value: "b", label: "b" },
      ],
    },
  });
});

test("an option without a name is left out, because Linear would refuse the whole question", () => {
  expect(activityInput({ type: "elicitation", body: "Which?", options: ["", "a", " "] })).toMatchObject({
    signalMetadata: { options: [{ value: "a", label: "a" }] },
  });
  expect(activityInput({ type: "elicitation", body: "Which?", options: [" "] })).toEqual({
    content: { type: "elicitation", body: "Which?" },
  });
});

test("a question without options carries no signal", () => {
  const expected = { content: { type: "elicitation", body: "Why?" } };
  expect(activityInput({ type: "elicitation", body: "Why?" })).toEqual(expected);
  expect(activityInput({ type: "elicitation", body: "Why?", options: [] })).toEqual(expected);
});

test("only thoughts and actions can be passing, and only when asked for", () => {
  expect(activityInput({ type: "thought", body: "hm", ephemeral: true })).toEqual({
    content: { type: "thought", body: "hm" },
    ephemeral: true,
  });
  expect(activityInput({ type: "thought", body: "hm", ephemeral: false })).toEqual({
    content: { type: "thought", body: "hm" },
  });
  expect(activityInput({ type: "action", action: "Ran", parameter: "it", result: "ok" })).toEqual({
    content: { type: "action", action: "Ran", parameter: "it", result: "ok" },
  });
});

test.each(["thought", "elicitation", "response", "error"] as const)(
  "a very long %s is cut with an ellipsis, a short one is not",
  (type) => {
    const bodyOf = (body: string): string =>
      (activityInput({ type, body })["content"] as { body: string }).body;
    expect(bodyOf("x".repeat(20_000))).toHaveLength(20_000);
    expect(bodyOf("x".repeat(20_001))).toBe(`${"x".repeat(19_999)}…`);
  },
);

test("a plan is sent whole, within bounds", () => {
  const item = { content: "y".repeat(600), status: "pending" } as const;
  const plan = planInput(Array.from({ length: 60 }, () => item));
  expect(plan).toHaveLength(50);
  expect(plan[0]?.content).toHaveLength(500);
  expect(planInput([{ content: "fix it", status: "inProgress" }])).toEqual([
    { content: "fix it", status: "inProgress" },
  ]);
});
