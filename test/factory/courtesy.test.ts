import { describe, expect, test } from "vitest";
import { asksForNothing } from "../../src/factory/judge/courtesy.ts";
import { Story } from "./story.ts";
import { T0, ticketReading } from "./world.ts";

describe("what only thanks or praises asks for nothing", () => {
  test.each([
    "Thanks!",
    "thank you so much",
    "Thanks, great work!",
    "Thank you for the quick fix.",
    "Great job, thanks 🙏",
    "🎉",
    ":tada: :heart:",
    "@patchrelay thanks!",
    "LGTM",
    "That's perfect. Well done!",
    "looks good to me",
    "Many thanks for your help :)",
  ])("%s", (text) => expect(asksForNothing(text)).toBe(true));
});

describe("whatever may ask for something is read by the agent", () => {
  test.each([
    "",
    "?",
    "ok",
    "yes",
    "no",
    "Great, now do the other one",
    "Thanks, but it fails on Windows",
    "Thanks for the fix but revert it",
    "Thanks for deleting the old table too",
    "great, fix it",
    "Thanks! Also mention it in the README.",
    "Good. Ship it",
    "perfect, merge",
    "Nice. Why is it slow?",
    "thanks\n\nrevert",
    "stop",
    "1",
    "👍 then close it",
  ])("%j", (text) => expect(asksForNothing(text)).toBe(false));
});

const told = (story: Story, from = 0): readonly string[] =>
  story.life.effects
    .slice(from)
    .flatMap((effect) =>
      effect.kind === "tell" && "body" in effect.activity
        ? [`${effect.session}: ${effect.activity.body}`]
        : [],
    );
const story = (text: string): Story => new Story().tell(text);
const GREEN = "delegated; run starts; run intends h1; run published; pull h1 test=success";
const MERGED = `${GREEN}; review r1 approved; merge ok; pull h1 merged`;

describe("thanks start nothing, and get one sentence", () => {
  test.each([
    ["after the merge", MERGED, "done merged"],
    ["while a review is awaited", GREEN, "awaiting_review unapproved"],
    [
      "after an answer",
      "session s1; says what is it in s1; run starts; run answered",
      "awaiting_input said_all",
    ],
  ])("%s", (_, before, rest) => {
    const life = story(before);
    const already = life.life.effects.length;
    life.tell("says Thanks, great work! in session-1; wait 60; wait 600");
    expect(life.lines.at(-1)).toContain(rest);
    expect(life.life.effects.slice(already).map(({ kind }) => kind)).toEqual(
      before.startsWith("delegated") ? ["tell"] : [],
    );
    if (before.startsWith("delegated")) expect(told(life, already)).toEqual(["session-1: You're welcome."]);
  });

  test("a stopped issue stays stopped", () => {
    expect(story(`${GREEN}; stopped; says thank you`).lines.at(-1)).toContain("paused taken_away");
  });

  test("in a session of their own they get no more than that", () => {
    const life = story(MERGED);
    const already = life.life.effects.length;
    life.life.see(
      2_000,
      {
        kind: "session_opened",
        at: life.life.now,
        session: "s2",
        by: { kind: "person", id: "u-ann", name: "Ann", association: null, permission: null },
        automatic: false,
        delegated: false,
        ticket: {},
      },
      {
        kind: "prompted",
        at: life.life.now,
        prompt: "p9",
        session: "s2",
        by: { kind: "person", id: "u-ann", name: "Ann", association: null, permission: null },
        from: "tracker",
        text: "@patchrelay thanks!",
      },
    );
    life.tell("wait 60");
    expect(life.lines.at(-1)).toContain("done merged");
    expect(told(life, already)).toEqual(["s2: You're welcome."]);
  });

  test("in a session of another time, in which we never spoke, they are left alone", () => {
    const life = new Story();
    const ann = { kind: "person", id: "u-ann", name: "Ann", association: null, permission: null } as const;
    const year = 365 * 86_400_000;
    life.life.see(
      10,
      ticketReading({
        blockers: [{ key: "APP-2", done: false, isSubIssue: false }],
        sessions: [
          { id: "old", at: T0 - year, by: ann, automatic: false, staleAt: null },
          { id: "session-1", at: T0, by: ann, automatic: false, staleAt: null },
        ],
        prompts: [
          { id: "p1", session: "old", at: T0 - year, by: ann, text: "Please add it." },
          { id: "p2", session: "old", at: T0 - year + 1, by: ann, text: "Thanks!" },
        ],
      }),
    );
    life.tell("wait 60");
    expect(told(life).filter((line) => line.startsWith("old: "))).toEqual([]);
  });

  test("while the agent works, they are not handed to it", () => {
    const life = story("delegated; run starts; run at work; says thank you");
    expect(life.lines.at(-1)).not.toContain("steer_run");
  });

  test("as the answer to a question they are the answer", () => {
    const life = story("delegated; run starts; run asked asks Is decimals fine?; says Perfect!");
    expect(life.lines.at(-1)).toContain("run_queued");
  });
});

describe("a mention asks for what its message says", () => {
  const MENTION = "session s1; says what does it do in s1";
  const asks = (life: Story): readonly string[] => life.life.facts.runs.map(({ cause }) => cause.asks);
  const board = (life: Story): number =>
    life.life.effects.filter(({ kind }) => kind === "set_status" || kind === "take_delegation").length;

  test("it is answered, and the issue stays where it is", () => {
    const life = story(`${MENTION}; run starts; run answered; wait 600`);
    expect(life.lines.at(-1)).toContain("awaiting_input said_all");
    expect(asks(life)).toEqual(["message"]);
    expect(board(life)).toBe(0);
    expect(life.life.effects.some(({ kind }) => kind === "show_plan")).toBe(false);
  });

  test("work that it asks for is done, and only then shown on the board", () => {
    const life = story(`${MENTION}; run starts; run intends h1; run published; pull h1 test=success`);
    expect(life.lines.at(-1)).toContain("awaiting_review unapproved");
    expect(board(life)).toBe(2);
  });

  test("a delegation after the answer carries out the issue", () => {
    const life = story(`${MENTION}; run starts; run answered; delegated; run starts`);
    expect(asks(life)).toEqual(["message", "issue"]);
  });

  test("on an issue that is delegated and not begun, what is written goes with the issue", () => {
    const life = story(
      "ticket blocked=APP-2; delegated blocked=APP-2; says use decimals; delegated; run starts",
    );
    expect(asks(life)).toEqual(["issue"]);
    expect(life.life.facts.runs[0]?.cause.prompts).toEqual(["p1"]);
  });

  test("one that is blocked is answered all the same", () => {
    expect(story("session s1 blocked=APP-2; says what is it in s1").lines.at(-1)).toContain("run_queued");
    expect(story("delegated blocked=APP-2").lines.at(-1)).toContain("blocked");
  });

  test.each([
    ["yes", ["answer", "issue"]],
    ["Start work on the issue", ["answer", "issue"]],
    ["No, that is all", ["answer"]],
    ["Only the first half, please", ["answer", "answer"]],
  ])("by policy the relay offers to carry it out, and %j decides", (answer, expected) => {
    const life = story(`mentions offer; ${MENTION}; run starts; run answered; says ${answer} in s1; wait 60`);
    expect(asks(life)).toEqual(expected);
  });

  test("by policy a mention starts the issue", () => {
    expect(asks(story("mentions start; session s1; run starts"))).toEqual(["issue"]);
  });

  test("a message after the merge is a message, however the issue was begun", () => {
    const life = story(`${MERGED}; says also mention it in the README; run starts`);
    expect(asks(life)).toEqual(["issue", "message"]);
    const before = board(life);
    life.tell("run answered; wait 60");
    expect(board(life)).toBe(before);
  });
});
