import { describe, expect, test } from "vitest";
import type { EffectOf } from "../../src/factory/effects/effect.ts";
import { story, type Story } from "./story.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const GREEN = "delegated; run starts; run intends h1; run published; pull h1 test=success";

const tells = (life: Story): readonly EffectOf<"tell">[] =>
  life.life.effects.flatMap((effect) => (effect.kind === "tell" ? [effect] : []));

/** What was told again, each with its kind. */
const reminders = (life: Story): readonly string[] =>
  [...new Map(tells(life).map((effect) => [effect.key, effect])).values()].flatMap(({ reminds, activity }) =>
    reminds === true && activity.type !== "action" ? [`${activity.type}: ${activity.body}`] : [],
  );

/** Time passes as the engine lets it: the issue is woken at the times its decisions name, and only then. */
function wakes(life: Story, seconds: number): void {
  const end = life.now() + seconds * 1_000;
  for (;;) {
    if (life.life.decision?.step.kind === "merge") life.tell("merge held");
    const until = life.life.decision?.until ?? null;
    if (until === null || until > end) break;
    life.tell(`wait ${Math.max(0, Math.ceil((until - life.now()) / 1_000) - 10)}`);
  }
  const rest = (end - life.now()) / 1_000;
  if (rest > 10) life.tell(`wait ${rest - 10}`);
}

describe("a person who is silent is reminded", () => {
  test.each([
    [
      "an open question",
      "delegated; run starts; run asked asks Which branch?",
      "elicitation",
      "an answer from Ann",
    ],
    ["a review", GREEN, "response", "an approving review"],
    ["a merge by a person", `policy person; ${GREEN}`, "response", "a person to merge it"],
    [
      "a merge that is held back",
      `${GREEN}; review r1 approved; merge held`,
      "response",
      "what the rules of the base branch require",
    ],
    [
      "work that was handed over",
      `budget ciRepairs 0; ${GREEN}; pull h1 test=failure`,
      "error",
      "a new commit",
    ],
    ["an issue that no project takes", "projects none; delegated", "elicitation", "a project that accepts"],
    ["nothing found to change", "delegated; run starts; run no_change", "elicitation", "a message that says"],
  ])("of %s, twice, a day apart, and no more", (_, before, type, what) => {
    const life = story(before);
    for (const [time, count] of [
      [DAY - HOUR, 0],
      [2 * HOUR, 1],
      [DAY, 2],
      [4 * DAY, 2],
    ] as const) {
      wakes(life, time);
      expect(reminders(life)).toHaveLength(count);
    }
    const told = reminders(life);
    for (const line of told) {
      expect(line).toMatch(new RegExp(`^${type}: Reminder: I'm still waiting for `));
      expect(line).toContain(what);
      expect(line).toContain("https://");
    }
  });

  test("a question keeps its options, so that a pick still works", () => {
    const life = story("delegated; run starts; run asked asks Which branch?");
    wakes(life, 2 * DAY);
    const again = tells(life).find(({ reminds }) => reminds);
    expect(again?.activity).toMatchObject({ type: "elicitation", options: ["yes", "no"] });
  });

  test.each([
    ["an answer that was heard late", "says main"],
    ["an operator's answer", "answer main"],
    ["a stop", "stopped"],
    ["an end", "ticket status=completed"],
  ])("but it is read first whether they have spoken: %s ends it", (_, word) => {
    const life = story("delegated; run starts; run asked asks Which branch?");
    wakes(life, DAY + 5);
    const read = life.life.effects.filter(({ key }) => key.includes("remind:"));
    expect(read.map(({ kind }) => kind)).toEqual(["read_ticket"]);
    life.tell(`${word}; wait 60; wait ${DAY}`);
    expect(reminders(life)).toEqual([]);
  });

  test("a word starts the count again, and thanks put it off", () => {
    const life = story(GREEN);
    life.tell(`wait ${23 * HOUR}; says Thanks!`);
    life.tell(`wait ${2 * HOUR}; wait 60; wait 60`);
    expect(reminders(life)).toEqual([]);
    wakes(life, DAY + HOUR);
    expect(reminders(life)).toHaveLength(1);
    life.tell("says and the docs, please; run starts; run intends h2; run published; pull h2 test=success#2");
    wakes(life, 10 * DAY);
    expect(reminders(life)).toHaveLength(3);
  });

  test("nobody is where an answer was given, work is done, or an operator has paused it", () => {
    for (const before of [
      "delegated; run starts; run answered",
      `${GREEN}; review r1 approved; merge ok; pull h1 merged`,
      "delegated; run starts; run asked asks Which branch?; operator pause",
      "delegated; run starts; stopped; run stopped",
    ]) {
      const life = story(before);
      wakes(life, 10 * DAY);
      life.tell(`wait ${10 * DAY}; wait 60; wait 60`);
      expect(reminders(life), before).toEqual([]);
    }
  });

  test("policy says after how long and how often, for a project and for issues of none", () => {
    const own = story("delegated; run starts; run asked asks Which branch?");
    const [project] = own.life.policy.projects;
    if (project === undefined) throw new Error("a project");
    own.life.policy = {
      ...own.life.policy,
      projects: [{ ...project, reminders: { afterHours: 1, times: 1 } }],
    };
    own.tell("ticket");
    wakes(own, 10 * DAY);
    expect(reminders(own)).toHaveLength(1);
    const none = story("projects none; delegated");
    none.life.policy = { ...none.life.policy, reminders: { afterHours: 1, times: 0 } };
    none.tell(`ticket; wait ${DAY}; wait 60; wait 60`);
    expect(reminders(none)).toEqual([]);
  });

  test("one that could not be said in time is not said once the person has spoken", () => {
    const life = story("delegated; run starts; run asked asks Which branch?");
    wakes(life, DAY + HOUR);
    expect(life.wanted("tell", "remind:")).toEqual([true]);
    wakes(life, DAY + HOUR);
    expect(life.wanted("tell", "remind:")).toEqual([false, true]);
    life.tell("says main");
    expect(life.wanted("tell", "remind:")).toEqual([false, false]);
  });
});

describe("a question that has a time", () => {
  const ASKED = "timeout 2; delegated; run starts; run asked asks Which branch?";
  const errors = (life: Story): readonly string[] =>
    tells(life).flatMap(({ activity }) => (activity.type === "error" ? [activity.body] : []));

  test("is handed over once it is over, after a reading, told once, and reminded of no more", () => {
    const life = story(ASKED);
    wakes(life, 2 * HOUR - 60);
    expect(errors(life)).toEqual([]);
    wakes(life, 60);
    expect(life.life.decision).toMatchObject({ rule: "question_overdue", state: "awaiting_input" });
    expect(life.life.effects.filter(({ key }) => key.includes("overdue:")).map(({ kind }) => kind)).toEqual([
      "read_ticket",
    ]);
    wakes(life, 10 * DAY);
    life.tell(`ticket; wait ${DAY}; pull h1 closed; wait ${DAY}`);
    expect(errors(life)).toHaveLength(1);
    expect(reminders(life)).toEqual([]);
  });

  test.each([
    ["before it is over", `wait ${HOUR}; says main`],
    ["while it is read once more", `wait ${2 * HOUR}; says main`],
    ["long after it", `wait ${2 * HOUR}; wait 60; wait ${30 * DAY}; says main`],
    ["by an operator, long after it", `wait ${2 * HOUR}; wait 60; wait ${30 * DAY}; answer main`],
  ])("is answered %s, and the work goes on", (_, words) => {
    const life = story(`${ASKED}; ${words}`);
    expect(life.life.decision).toMatchObject({ rule: "run_queued" });
    expect(errors(life)).toHaveLength(words.includes("wait 60") ? 1 : 0);
  });

  test("of the repository has one as well, by the setting for issues of no project; an offer has none", () => {
    const life = story("projects twins");
    life.life.policy = { ...life.life.policy, questions: { timeoutHours: 2 } };
    life.tell(`delegated; wait ${2 * HOUR}; wait 60`);
    expect(life.life.decision).toMatchObject({ rule: "question_overdue", state: "escalated" });
    life.tell("says acme/twin");
    expect(life.life.decision).toMatchObject({ rule: "run_queued" });
    const offer = story(
      "timeout 2; mentions offer; session s1; says what is it in s1; run starts; run answered; wait 1",
    );
    expect(offer.life.decision?.rule).toBe("question_open");
    wakes(offer, 3 * DAY);
    expect(offer.life.decision?.rule).toBe("question_open");
  });
});

describe("a session that the tracker shows as stale", () => {
  const revived = (life: Story): readonly string[] =>
    tells(life).flatMap(({ key, activity }) =>
      key.includes("revive:") && activity.type === "thought"
        ? [`${activity.ephemeral === true ? "passing" : "lasting"}: ${activity.body}`]
        : [],
    );

  test("is told where things are while a run goes on, once each time it has become stale", () => {
    const life = story(`delegated; run starts; run at work; wait ${HOUR}; ticket stale`);
    const words =
      "passing: Run 1 (implementation) is in progress: the agent is working. I'm still waiting for the run to end.";
    expect(revived(life)).toEqual([words]);
    life.tell("wait 60; ticket; wait 60; ticket stale");
    expect(revived(life)).toEqual([words]);
    life.tell(`wait ${HOUR}; ticket stale`);
    expect(revived(life)).toEqual([words, words]);
  });

  test("is told what is waited for where that is nobody's word", () => {
    const life = story(`delegated blocked=APP-2; wait ${HOUR}; ticket stale blocked=APP-2`);
    expect(revived(life)).toEqual([
      "passing: Ann delegated the issue. It is blocked by APP-2. I'm still waiting for APP-2 to be completed.",
    ]);
  });

  test.each([
    ["the work is done", `${GREEN}; review r1 approved; merge ok; pull h1 merged`],
    ["a person is awaited, who is reminded", "delegated; run starts; run asked asks Which branch?"],
    ["an operator has paused it", "delegated; run starts; run failed test; operator pause; run stopped"],
  ])("is left alone where %s", (_, before) => {
    expect(revived(story(`${before}; wait ${HOUR}; ticket stale`))).toEqual([]);
  });
});
