import { expect, test } from "vitest";
import { earlierThread } from "../../src/runs/earlier-thread.ts";
import type { Outcome } from "../../src/factory/facts/run.ts";

/** "p t1 asked" is a run with a message, in thread t1, that asked; "- - failed" one without either. */
function runsOf(text: string): Parameters<typeof earlierThread>[0]["runs"] {
  return text.split(", ").map((words, index) => {
    const [message, thread, outcome] = words.split(" ");
    return {
      number: index + 1,
      generation: 1,
      thread: thread === "-" || thread === undefined ? null : thread,
      cause: { prompts: message === "p" ? [`p${index}`] : [] },
      end: outcome === undefined ? null : { outcome: outcome as Outcome },
    };
  });
}

function after(text: string): string {
  const runs = runsOf(text);
  const run = runs.at(-1);
  if (run === undefined) throw new Error("no run");
  const found = earlierThread({ runs }, run);
  return found === null ? "its own" : `${found.thread}${found.unpublished ? " with its tree" : ""}`;
}

test.each([
  ["p", "its own"],
  ["- t1 published, p", "t1"],
  ["- t1 answered, p", "t1"],
  ["- t1 published, -", "its own"],
  ["- t1 asked, p", "t1 with its tree"],
  ["- t1 asked, p - failed, p", "t1 with its tree"],
  ["- t1 asked, p t2 failed, p", "t2 with its tree"],
  ["- t1 stopped, p", "t1 with its tree"],
  ["- t1 asked, - - failed, p", "its own"],
  ["- t1 published, - - failed, p", "t1"],
  ["- t1 superseded, p", "its own"],
])("after %s it goes on in: %s", (text, expected) => {
  expect(after(text)).toBe(expected);
});

test("a thread ends with its pull request", () => {
  const [first, second] = runsOf("- t1 published, p");
  if (first === undefined || second === undefined) throw new Error("no run");
  expect(earlierThread({ runs: [first, second] }, { ...second, generation: 2 })).toBeNull();
});
