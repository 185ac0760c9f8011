import { describe, expect, test } from "vitest";
import type { Activity } from "../../../src/factory/effects/effect.ts";
import { stillWanted } from "../../../src/factory/effects/called-for.ts";
import { FACTORY_STATES } from "../../../src/factory/facts/state.ts";
import { story, Story } from "../story.ts";
import { ANN, T0, ticketReading } from "../world.ts";

const OPEN = "delegated; run starts; run intends h1; run published; pull h1 queue test=running";
const LIFE = `${OPEN}
  pull h1 test=failure
  run starts; run intends h2; run published; pull h2 test=success#2
  review r1 changes_requested
  run starts; run intends h3; run published; pull h3 test=success#3
  review r2 approved; merge ok; pull h3 queued
  pull h3 unqueued; ejected checks_failed
  run starts; run intends h4; run published; pull h4 test=success#4
  review r3 approved; merge ok; pull h4 merged`;

/** What the tracker is told, one line each. */
function told(life: Story): readonly string[] {
  return life.life.effects.flatMap((effect) => {
    if (effect.kind === "tell") return [words(effect.activity)];
    if (effect.kind === "show_plan")
      return [`plan: ${effect.items.map((item) => MARK[item.status]).join("")}`];
    if (effect.kind === "link") return [`link: ${effect.label}`];
    if (effect.kind === "set_status") return [`status: ${effect.to}`];
    return effect.kind === "take_delegation" ? ["take delegation"] : [];
  });
}

const MARK = { pending: ".", inProgress: ">", completed: "x", canceled: "-" } as const;

function words(activity: Activity): string {
  if ("ephemeral" in activity && activity.ephemeral) return `(${lasting({ ...activity, ephemeral: false })})`;
  return lasting(activity);
}

/** In brackets: a row that the next one replaces. */
function lasting(activity: Activity): string {
  if (activity.type !== "action") return `${activity.type}: ${activity.body.replaceAll("\n", " / ")}`;
  return `action: ${activity.action} ${activity.parameter}${activity.result === undefined ? "" : ` = ${activity.result}`}`;
}

test("over a whole life the tracker hears each step once, in plain words", () => {
  expect(told(story(LIFE))).toMatchInlineSnapshot(`
    [
      "(thought: On it. I'll post progress on APP-1 here, and ask when I need a decision from you.)",
      "plan: .....",
      "(action: Implementing the issue in acme/app)",
      "plan: >....",
      "status: started",
      "(action: Pushed h1 = It published.)",
      "plan: xx>..",
      "link: Pull request #7",
      "(action: Fixing the check test)",
      "(action: Pushed h2 = It published.)",
      "response: Pull request #7 is ready for review. https://github.com/acme/app/pull/7 /  / - Implementation: It published. / - CI repair: It published. /  / All required checks pass, but nobody with write access has approved this commit yet. I'm waiting for an approving review.",
      "plan: xxx>.",
      "plan: xxx>.",
      "(action: Addressing the review of h2)",
      "(action: Pushed h3 = It published.)",
      "plan: xx>..",
      "response: Pull request #7 is ready for another review. https://github.com/acme/app/pull/7 /  / - Review fix: It published. /  / The review was answered, but rev has not reviewed again yet. I'm waiting for another review by rev.",
      "plan: xxx>.",
      "(thought: All required checks pass, and rev has approved this commit.)",
      "plan: xxxx>",
      "(thought: The pull request is in the merge queue.)",
      "(action: Fixing the merge queue failure of h3)",
      "(action: Pushed h4 = It published.)",
      "plan: xx>..",
      "response: Pull request #7 is ready for review. https://github.com/acme/app/pull/7 /  / - Review fix: It published. / - Merge queue repair: It published. /  / All required checks pass, but nobody with write access has approved this commit yet. I'm waiting for an approving review.",
      "plan: xxx>.",
      "(thought: All required checks pass, and rev has approved this commit.)",
      "plan: xxxx>",
      "response: Pull request #7 is merged. https://github.com/acme/app/pull/7 /  / What was done: / - Implementation: It published. / - CI repair: It published. / - Review fix: It published. / - Merge queue repair: It published.",
      "plan: xxxxx",
      "status: completed",
    ]
  `);
});

test("nothing is told twice, however often the same is heard and seen again", () => {
  const life = story(LIFE);
  const keys = life.life.effects.map((effect) => effect.key);
  const twice = keys.filter((key, index) => keys.indexOf(key) !== index);
  expect(twice).toEqual([]);
  const before = life.life.effects.length;
  life.tell("pull h4; wait 60; ticket; wait 60");
  expect(life.life.effects.slice(before)).toEqual([]);
});

describe("while a run goes on", () => {
  const shown = (life: Story): readonly string[] =>
    life.life.effects.flatMap((effect) =>
      effect.kind === "show_plan"
        ? [effect.items.map(({ content, status }) => `${MARK[status]} ${content}`).join(", ")]
        : [],
    );

  test("what it is at is told in passing, and the same again only as such", () => {
    const life = story("delegated; run starts; run at work; run says Reading the prices.");
    life.tell("wait 1140; run says Reading the prices.; run says Writing a test.; run published");
    expect(told(life).filter((line) => line.startsWith("(thought"))).toEqual([
      "(thought: On it. I'll post progress on APP-1 here, and ask when I need a decision from you.)",
      "(thought: Reading the prices.)",
      "(thought: Still at it after 20 minutes: Reading the prices.)",
      "(thought: Writing a test.)",
    ]);
  });

  test("a word that another has followed, or the end of its run, is told no more", () => {
    const life = story("delegated; run starts; run says First.; run says Second.");
    const wanted = (): readonly string[] =>
      life.life.effects.flatMap((effect) =>
        effect.kind === "tell" &&
        effect.key.includes("glimpse") &&
        stillWanted(effect, life.life.facts, life.life.policy, life.life.now)
          ? [words(effect.activity)]
          : [],
      );
    expect(wanted()).toEqual(["(thought: Second.)"]);
    life.tell("run published");
    expect(wanted()).toEqual([]);
  });

  test("the agent's plan stands for the stage it works on, and goes with its run", () => {
    const life = story("delegated; run starts; run plans Read=now Write; run plans Read=done Write=now");
    life.tell("run intends h1; run published; pull h1 test=failure; run starts; run plans Mend=now");
    expect(shown(life)).toEqual([
      ". Implement, . Open a pull request, . Make the checks pass, . Address the review, . Merge",
      "> Implement, . Open a pull request, . Make the checks pass, . Address the review, . Merge",
      "> Read, . Write, . Open a pull request, . Make the checks pass, . Address the review, . Merge",
      "x Read, > Write, . Open a pull request, . Make the checks pass, . Address the review, . Merge",
      "x Implement, x Open a pull request, > Make the checks pass, . Address the review, . Merge",
      "x Implement, x Open a pull request, > Mend, . Address the review, . Merge",
    ]);
  });

  test("a message is passed on where it was written, at once and once, and named where the work is reported", () => {
    const life = story("delegated; run starts; says Use net prices.");
    const passed = (): readonly string[] => told(life).filter((line) => line.includes("passed this on"));
    const expected = ['(thought: I\'ve passed this on to the agent: "Use net prices.")'];
    expect(passed()).toEqual(expected);
    const prompt = Object.keys(life.life.facts.prompts).at(-1);
    life.tell(`wait 60; run given ${prompt}; run intends h1; run published; pull h1 test=success; wait 60`);
    expect(passed()).toEqual(expected);
    expect(told(life).find((line) => line.startsWith("response"))).toContain(
      '- Implementation: It published. It was given "Use net prices." on the way.',
    );
  });

  test("an operator's pause and its end are told, each once", () => {
    const life = story(
      "delegated; run starts; operator pause; run failed test; wait 60; operator resume; wait 60",
    );
    expect(told(life).filter((line) => /operator/.test(line))).toEqual([
      "(thought: An operator paused this issue. The run in progress goes on; nothing new starts after it.)",
      "response: An operator paused this issue. Nothing starts until it is resumed. I'm waiting for an operator to run `patchrelay issue resume APP-1`.",
      "(thought: An operator resumed the work on this issue.)",
    ]);
  });

  test("a stage that waits for a person says so", () => {
    const life = story("delegated; run starts; run asked asks Which branch?; says main; run starts");
    life.tell("run intends h1; run published; pull h1 test=success");
    expect(shown(life).map((line) => line.split(", ").find((item) => item.startsWith(">")))).toEqual([
      undefined,
      "> Implement",
      "> Implement (waiting for your answer)",
      "> Implement",
      "> Make the checks pass",
      "> Address the review (waiting for the reviewer)",
    ]);
  });
});

test("a merge that is held back is told once, however often it is asked for again", () => {
  const again = "wait 1830; merge held; pull h1";
  const life = story(
    `delegated; run starts; run intends h1; run published; pull h1 test=success; review r1 approved; merge held; ${again}; ${again}`,
  );
  expect(told(life).filter((line) => line.includes("held back"))).toHaveLength(1);
  expect(told(life).filter((line) => line.includes("rev has approved"))).toHaveLength(1);
});

test("routine repairs are thoughts and actions, never errors", () => {
  const kinds = story(LIFE).life.effects.flatMap((effect) =>
    effect.kind === "tell" ? [effect.activity.type] : [],
  );
  expect(kinds).not.toContain("error");
  expect(kinds).not.toContain("elicitation");
  // Each time it is ready for a person's review, and at the end.
  expect(kinds.filter((kind) => kind === "response")).toHaveLength(4);
});

test("a run that fails and is tried again is a thought; handing over says what was tried, once, with the choice to try again", () => {
  const life = story(
    "delegated; run starts; run failed test; run starts; run failed build; run starts; run failed test; wait 60; ticket",
  );
  const errors = told(life).filter((line) => line.startsWith("elicitation"));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain("The implementation budget (3 attempts) is used up. I'm handing this over.");
  expect(errors[0]).toContain("- Run 2 (implementation) failed: It failed.");
  expect(errors[0]).toContain(
    "I'm waiting for a message that says what to do, or an operator to run `patchrelay issue retry APP-1`.",
  );
});

test("a question is an elicitation with its options, told once", () => {
  const life = story("delegated; run starts; run asked asks Which branch?; wait 60; ticket");
  const asked = life.life.effects.filter(
    (effect) => effect.kind === "tell" && effect.activity.type === "elicitation",
  );
  expect(asked.map((effect) => effect.kind === "tell" && effect.activity)).toEqual([
    { type: "elicitation", body: "Which branch?", options: ["yes", "no"] },
  ]);
});

test("what waits for a person says for what, once", () => {
  const life = story("delegated team=OPS; wait 60; ticket team=OPS");
  const lines = told(life).filter((line) => line.startsWith("elicitation"));
  expect(lines).toEqual([
    "elicitation: No configured project takes issues from team OPS. I'm waiting for a project that accepts this team, or a different team.",
  ]);
});

test("a stop is answered with the promise that nothing will be published, once the agent has stopped", () => {
  const life = story("delegated; run starts; stopped");
  expect(told(life).some((line) => line.startsWith("response"))).toBe(false);
  life.tell("run stopped; ticket");
  expect(told(life).filter((line) => line.startsWith("response"))).toEqual([
    "response: Work was stopped by Ann. Nothing is running, and nothing will be published until you delegate the issue again or write here. /  / - Whatever the agent had begun was not pushed. If you write here, it goes on from there; if you delegate the issue again, it starts over, and the unfinished files stay in the relay's mirror below `refs/patchrelay/salvage/patchrelay-app-1-6b1c2f9e/`.",
  ]);
});

test("a second stop after going on is answered too", () => {
  const life = story(
    "delegated; run starts; stopped; run stopped; says go on; run starts; stopped; run stopped",
  );
  expect(told(life).filter((line) => line.startsWith("response: Work was stopped"))).toHaveLength(2);
});

test("a waiting that passes by itself is told as something passing", () => {
  const life = story("disk full; delegated");
  const waits = life.life.effects.filter(
    (effect) => effect.kind === "tell" && effect.key.includes(":waits:"),
  );
  expect(waits.map((effect) => effect.kind === "tell" && effect.activity)).toEqual([
    {
      type: "thought",
      body: "Ann delegated the issue. 90 MiB are free. I'm waiting for free disk space before I start.",
      ephemeral: true,
    },
  ]);
});

test("an issue that an automation opened is left where it is on the board", () => {
  const life = story("ticket");
  life.life.see(100, {
    kind: "session_opened",
    at: life.life.now,
    session: "s1",
    by: { kind: "bot", id: "b1", name: "Automation", association: null, permission: null },
    automatic: true,
    delegated: true,
    ticket: {},
  });
  life.tell("run starts");
  expect(told(life).filter((line) => line.startsWith("status") || line.startsWith("take"))).toEqual([]);
});

test("a mention becomes a delegation to us once work has come of it, so that the board shows who works", () => {
  const mention = "session s1; says add it, please in s1; run starts";
  const board = (life: Story): readonly string[] => told(life).filter((line) => /^(status|take)/.test(line));
  expect(board(story(`${mention}; run answered`))).toEqual([]);
  expect(board(story(`${mention}; run intends h1; run published; pull h1`))).toEqual([
    "status: started",
    "take delegation",
  ]);
  expect(told(story("delegated; run starts"))).not.toContain("take delegation");
});

test("all words are for people: no rule, key or state name is said", () => {
  const lines = told(story(LIFE)).filter((line) => !line.startsWith("plan"));
  const names = Object.keys(FACTORY_STATES).filter((name) => name.includes("_"));
  for (const line of lines) for (const name of names) expect(line).not.toContain(name);
});

/** What each session was told, as the outbox lets it through: a known key is dropped. */
function conversations(life: Story): Readonly<Record<string, readonly string[]>> {
  const keys = new Set<string>();
  const rows: Record<string, string[]> = {};
  for (const effect of life.life.effects) {
    if (effect.kind !== "tell" || keys.has(effect.key)) continue;
    keys.add(effect.key);
    (rows[effect.session] ??= []).push(words(effect.activity).slice(0, 60));
  }
  return rows;
}

const last = (life: Story): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(conversations(life)).map(([id, lines]) => [id, lines.at(-1) ?? ""]));
/** Last words; that the pull request waits for a person's review is not the end. */
const closings = (lines: readonly string[] | undefined): number =>
  (lines ?? []).filter((line) => /^(response(?!: Pull request #\d+ is ready)|error|elicitation)/.test(line))
    .length;

describe("each session is left closed, once per ending", () => {
  const GREEN = "delegated; run starts; run intends h1; run published; pull h1 test=success";
  const MERGED = `${GREEN}; session s2; review r1 approved; merge ok; pull h1 merged`;

  test("all that were told of the work hear how it ended, and hear it once", () => {
    const life = story(`${MERGED}; wait 60; ticket; pull h1; wait 60`);
    expect(last(life)).toEqual({
      "session-1": expect.stringMatching(/^response: Pull request #7 is merged/) as string,
      s2: expect.stringMatching(/^response: Pull request #7 is merged/) as string,
    });
    const told = conversations(life);
    expect([closings(told["session-1"]), closings(told["s2"])]).toEqual([1, 1]);
  });

  test("one that was left with a question hears of the end as well", () => {
    const life = story(
      "delegated; run starts; run asked asks Which branch?; session s2; says main in s2; run starts; operator close; run stopped",
    );
    expect(last(life)["session-1"]).toContain("response: The issue was closed by ops.");
    expect(last(life)["s2"]).toContain("response: The issue was closed by ops.");
  });

  test("one that was left closed is not told of what went on elsewhere", () => {
    const life = story(
      `${MERGED}; session s3; says more in s3; run starts; run stopped; operator close; wait 60`,
    );
    const told = conversations(life);
    expect([closings(told["session-1"]), closings(told["s2"]), closings(told["s3"])]).toEqual([1, 1, 1]);
  });

  test.each([
    ["cancelled in the tracker", "ticket status=canceled", "response: The issue was moved to Canceled"],
    ["closed by an operator", "operator close", "response: The issue was closed by ops."],
    ["stopped", "stopped", "response: Work was stopped by Ann."],
    ["undelegated", "undelegated", "response: The issue was undelegated by Ann."],
  ])("a second time %s is another ending", (_, ending, words) => {
    const once = `run starts; ${ending}; run stopped; wait 60`;
    const life = story(`delegated; ${once}; says go on; ${once}`);
    const told = conversations(life)["session-1"] ?? [];
    expect(told.at(-1)).toContain(words);
    expect(told.filter((line) => line.startsWith(words))).toHaveLength(2);
  });

  test("a stop is answered where it was pressed, and a message where it was written", () => {
    const life = story("delegated; run starts; session s2; stopped in session-1; run stopped");
    expect(last(life)).toMatchObject({
      "session-1": expect.stringContaining("response: Work was stopped by Ann.") as string,
      s2: expect.stringContaining("response: Work was stopped by Ann.") as string,
    });
    life.tell("says go on, please in session-1; run starts");
    expect(last(life)["session-1"]).toContain("(action: Implementing");
    expect(last(life)["s2"]).toContain("response: Work was stopped");
  });

  test.each([
    ["handed over", `budget ciRepairs 0; ${GREEN}; pull h1 test=failure`, "error: The check"],
    ["asked", "delegated; run starts; run asked asks Which branch?", "elicitation: Which branch?"],
    ["taken by no project", "projects none; delegated", "elicitation: No configured project"],
    ["awaiting review", GREEN, "response: Pull request #7 is ready for review."],
    ["held back", "disk full; delegated", "thought: Ann mentioned patchrelay on the issue."],
  ])("a session that is opened while it is %s hears so", (_, before, words) => {
    const life = story(`${before}; wait 60; session s2; wait 60`);
    expect(last(life)["s2"]).toContain(words);
    expect(closings(conversations(life)["session-1"])).toBeLessThanOrEqual(1);
  });

  test("the agent's answer is the last word in every session", () => {
    const life = story("delegated; run starts; session s2; run answered; wait 60; ticket");
    for (const lines of Object.values(conversations(life))) {
      expect(lines.at(-1)).toBe("response: It answered.");
      expect(closings(lines)).toBe(1);
    }
  });

  test("a word that changes nothing is answered by where it stands", () => {
    const life = story("projects none; delegated; wait 60; says hello?; wait 60; ticket");
    expect(conversations(life)["session-1"]?.filter((line) => line.startsWith("elicitation"))).toHaveLength(
      2,
    );
  });

  test("of the sessions that a first reading finds only the newest is spoken to, and what a day may have lost", () => {
    const life = new Story();
    const sessions = [30, 2, 0].map((days) => ({
      id: `${days}-days-old`,
      at: life.life.now - days * 86_400_000 - 1,
      by: ANN,
      automatic: false,
      staleAt: null,
    }));
    const late = {
      id: "an-hour-old",
      at: life.life.now - 3_600_000,
      by: ANN,
      automatic: false,
      staleAt: null,
    };
    life.life.see(1, ticketReading({ sessions: [...sessions, late] }, 1));
    expect(Object.keys(conversations(life)).toSorted()).toEqual(["0-days-old", "an-hour-old"]);
    life.tell("says are you there? in 30-days-old; run starts");
    expect(conversations(life)["30-days-old"]).toEqual([
      expect.stringContaining("(thought: On it."),
      expect.stringContaining("(action: Implementing"),
      expect.stringContaining("(thought: I've passed this on to the agent:"),
    ]);
  });

  test("what came too late for the merge is answered once, message by message", () => {
    const life = story(`${GREEN}; review r1 approved; merge ok; pull h1 merged`);
    const endedAt = life.life.facts.pullRequest?.core.value.closedAt ?? 0;
    const writes = (prompt: string, text: string): void => {
      life.life.see((life.life.now - T0) / 1_000 + 1, {
        kind: "prompted",
        at: endedAt + 400,
        prompt,
        session: "session-1",
        by: ANN,
        from: "tracker",
        text,
      });
    };
    writes("late", "Also mention it in the README.");
    writes("later", "And in the changelog.");
    life.tell("wait 60; ticket");
    expect(life.life.decision?.state).toBe("done");
    const seen = new Set<string>();
    const bodies = life.life.effects.flatMap((effect) => {
      if (effect.kind !== "tell" || effect.activity.type !== "response" || seen.has(effect.key)) return [];
      seen.add(effect.key);
      return [effect.activity.body];
    });
    expect(bodies).toEqual([
      expect.stringMatching(/^Pull request #7 is ready for review\./),
      expect.stringMatching(/^Pull request #7 is merged\./),
      'Pull request #7 was merged before I could act on this message: "Also mention it in the README." If you still want this, post it again.',
      'Pull request #7 was merged before I could act on this message: "And in the changelog." If you still want this, post it again.',
    ]);
    expect(life.life.decision?.why).toBe("Pull request #7 is merged.");
  });

  test("what came too late is answered where a person spoke last, and nowhere else", () => {
    const life = story(`${GREEN}; session s2; review r1 approved; merge ok; pull h1 merged`);
    const endedAt = life.life.facts.pullRequest?.core.value.closedAt ?? 0;
    life.life.see((life.life.now - T0) / 1_000 + 1, {
      kind: "prompted",
      at: endedAt + 400,
      prompt: "late",
      session: "session-1",
      by: ANN,
      from: "tracker",
      text: "Also the docs.",
    });
    const told = conversations(life);
    expect(told["session-1"]?.at(-1)).toMatch(/^response: Pull request #7 was merged before/);
    expect(told["s2"]?.at(-1)).toMatch(/^response: Pull request #7 is merged/);
  });
});
