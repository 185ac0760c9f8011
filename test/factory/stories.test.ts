import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/factory/facts/actor.ts";
import { budgetsOf } from "../../src/factory/judge/budget.ts";
import { evidenceOf } from "../../src/factory/rules/decide.ts";
import type { EffectKind } from "../../src/factory/effects/effect.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { advance } from "../../src/factory/advance.ts";
import { Story, story } from "./story.ts";
import { ANN, check, pullReading, STRANGER, T0 } from "./world.ts";

// What hit relays like this in real life, told to the factory.

const OPEN = "delegated; run starts; run intends h1; run published; pull h1";
const RED = `${OPEN}; pull h1 test=failure`;
const GREEN = `${OPEN}; pull h1 test=success`;
const APPROVED = `${GREEN}; review r1 approved`;
const AUTO = `${APPROVED}; merge ok; pull h1 auto`;
const QUEUED = `${OPEN}; pull h1 queue test=success; review r1 approved; merge ok; pull h1 queued`;

const last = (told: Story): string => told.lines.at(-1) ?? "";
const runs = (told: Story): string[] => told.life.facts.runs.map((run) => run.type);
const effects = (told: Story, kind: EffectKind): number =>
  told.life.effects.filter((effect) => effect.kind === kind).length;
const spent = (told: Story): ReturnType<typeof budgetsOf> => budgetsOf(told.life.facts, null);

describe("checks", () => {
  test("a red check of an old head starts nothing, by webhook or late", () => {
    const told = story(`${GREEN}; news head p1; news check test=failure#9 on h1; pull p1 test=running`);
    expect(last(told)).toContain("pr_open ci_pending");
    expect(runs(told)).toEqual(["implementation"]);
  });

  test("one red check while others run is no verdict; the repair begins when all have settled", () => {
    const told = story(`${OPEN}; pull h1 required=test,lint test=failure lint=running`);
    expect(last(told)).toContain("pr_open ci_pending");
    told.tell("pull h1 lint=success");
    expect(last(told)).toContain("repairing_ci");
    expect(told.life.facts.runs.at(-1)?.cause.checks).toEqual(["test"]);
  });

  test("a red webhook is no verdict before a reading has confirmed that nothing is missing", () => {
    const told = story(`${OPEN}; pull h1 test=running; news check test=failure`);
    expect(last(told)).toBe("pr_open checks_unread → read_pull_request");
    expect(runs(told)).toEqual(["implementation"]);
  });

  test("cancelled, stale and action_required are no failures of the code", () => {
    for (const conclusion of ["cancelled", "stale", "action_required"]) {
      const told = story(`${OPEN}; pull h1 test=${conclusion}`);
      expect(last(told)).toContain("awaiting_input ci_blocked");
      expect(runs(told)).toEqual(["implementation"]);
    }
  });

  test.each(["required=", "required=test"])(
    "two workflows with a check of the same name are two checks: one green does not hide the other's red (%s)",
    (required) => {
      const told = story(`${OPEN}; pull h1 ${required} test=failure#11@1 test=success#12@2`);
      told.tell("review r1 approved; wait 60; pull h1");
      expect(last(told)).toContain("repairing_ci");
      expect(told.life.facts.runs.at(-1)?.cause.checks).toEqual(["test"]);
      const other = story(
        `${OPEN}; pull h1 ${required} test=success#12@2 test=running#11@1; wait 60; pull h1`,
      );
      expect(last(other)).toBe("pr_open ci_pending");
      expect(other.life.decision?.why).toBe('The check "test" has not finished yet.');
      other.tell("pull h1 test=success#13@1; review r1 approved; wait 60; pull h1");
      expect(effects(other, "merge")).toBe(1);
    },
  );

  test.each([[["12", "11"]], [["11", "12"]]])(
    "of two attempts that a reading lists the newer counts, in whatever order they stand (%s)",
    (ids) => {
      const attempts = ids.map((id) =>
        check("test", id === "12" ? "success" : "failure", { id, at: T0 + Number(id) * 1_000 }),
      );
      const news = attempts.map((one) => ({
        kind: "check_changed" as const,
        at: one.at,
        sha: "h1",
        check: one,
      }));
      for (const heard of [[], news, news.toReversed()]) {
        const { life } = story(OPEN);
        for (const one of heard) life.see(60, one);
        expect(life.see(70, pullReading("h1", { checks: attempts }, 70))).toContain("unapproved");
      }
    },
  );

  test("where a commit has more checks than are kept, news of a further one asks for a reading", () => {
    const { life } = story(OPEN);
    const many = Array.from({ length: 1_000 }, (_, index) => check(`part ${index}`, "success"));
    const whole = (at: number) => pullReading("h1", { required: [], checks: many }, at);
    life.see(60, whole(60));
    expect(life.see(200, whole(200))).toContain("unapproved");
    const red = check("the last", "failure", { id: "9", at: T0 + 300_000 });
    const heard = life.see(301, { kind: "check_changed", at: red.at, sha: "h1", check: red });
    expect(heard).toContain("read_pull_request");
  });

  test("what is red on the base branch too costs nothing, and is not what a repair is started for", () => {
    const told = story(`${OPEN}; pull h1 required=test,lint base=test test=failure lint=success`);
    expect(last(told)).toContain("pr_open red_on_base");
    told.tell("pull h1 lint=failure#2");
    expect(told.life.facts.runs.at(-1)?.cause.checks).toEqual(["lint"]);
  });

  test("a push to the base has only those read that may be waiting for it", () => {
    const after = (text: string): string => {
      const told = story(text);
      return told.life.see(900, { kind: "base_moved", at: told.now(), branch: "main", sha: "b1" });
    };
    expect(after(`${GREEN}; pull h1 mergeable`)).not.toContain("read_pull_request");
    expect(after(`${GREEN}; pull h1 conflict`)).toContain("read_pull_request");
    expect(after(`${OPEN}; pull h1 mergeable base=test test=failure`)).toContain("read_pull_request");
    expect(after(`${GREEN}; pull h1 merged`)).not.toContain("read_pull_request");
  });

  test("that the base is red is told, once per head", () => {
    const told = story(`${OPEN}; pull h1 base=test test=failure`);
    expect(last(told)).toContain("pr_open red_on_base → tell thought");
    expect(last(told.tell("pull h1 test=failure"))).not.toContain("tell");
  });

  test("a review is answered also where the base is red, or there are more checks than are read", () => {
    for (const how of ["base=test test=failure@55", "cut test=success"]) {
      const told = story(`reruns 1; ${OPEN}; pull h1 ${how}; review r1 changes_requested`);
      expect(runs(told), how).toEqual(["implementation", "review_fix"]);
      expect(effects(told, "rerun_checks"), how).toBe(0);
    }
  });

  test("the failed job is run once more first, and a green rerun costs nothing", () => {
    const told = story(`reruns 1; ${OPEN}; pull h1 test=failure@55`);
    expect(last(told)).toBe("pr_open rerun_failed → rerun_checks");
    told.tell("rerun ok; pull h1 test=running#2@55; pull h1 test=success#2@55");
    expect(last(told)).toContain("awaiting_review unapproved");
    expect(spent(told)["ciRepairs"]).toEqual({ spent: 0, limit: null });
    expect(effects(told, "rerun_checks")).toBe(1);
  });

  test("a rerun that fails again is charged to an agent, and not run a third time", () => {
    const told = story(`reruns 1; ${OPEN}; pull h1 test=failure@55; rerun ok; pull h1 test=failure#2@55`);
    expect(last(told)).toContain("repairing_ci run_queued → start_run");
    expect(effects(told, "rerun_checks")).toBe(1);
  });

  test("a rerun that never starts is not awaited forever", () => {
    const told = story(`reruns 1; ${OPEN}; pull h1 test=failure@55; rerun ok; wait 120`);
    expect(last(told)).toContain("repairing_ci run_queued");
  });

  test("without required checks every check counts, once all have been silent for a while", () => {
    const told = story(`${OPEN}; pull h1 required= anything=failure`);
    expect(told.life.decision?.until).toBe(told.life.now + 30_000);
    told.tell("wait 30");
    expect(last(told)).toContain("repairing_ci");
  });

  test("a repository without any check goes on after a while", () => {
    const told = story(`${OPEN}; pull h1 required=`);
    expect(last(told)).toContain("pr_open ci_pending");
    told.tell("wait 120");
    expect(last(told)).toContain("awaiting_review unapproved");
  });

  test("checks that turn green by themselves stop the repair and give the attempt back", () => {
    const told = story(`${RED}; run starts; pull h1 test=success#2`);
    expect(last(told)).toContain("→ stop_run");
    told.tell("run superseded");
    expect(last(told)).toContain("awaiting_review unapproved");
    expect(spent(told)["ciRepairs"]?.spent).toBe(0);
  });
});

describe("pushes and budgets", () => {
  test("our own push does not give a new budget", () => {
    const told = story(RED);
    for (const [index, head] of ["h2", "h3", "h4"].entries())
      told.tell(`run starts; run intends ${head}; run published; pull ${head} test=failure#${index + 2}`);
    expect(last(told)).toContain("escalated ci_red/budget_spent");
    expect(spent(told)["ciRepairs"]?.spent).toBe(3);
  });

  test("a person's push does", () => {
    const told = story(RED);
    for (const [index, head] of ["h2", "h3", "h4"].entries())
      told.tell(`run starts; run intends ${head}; run published; pull ${head} test=failure#${index + 2}`);
    told.tell("pull p1 test=failure#9");
    expect(last(told)).toContain("repairing_ci run_queued");
    expect(spent(told)["ciRepairs"]?.spent).toBe(1);
  });

  test("the head of before the push is not judged again while the forge still shows it", () => {
    const told = story(`${RED}; run starts; run intends h2; run published; pull h1 test=failure`);
    expect(last(told)).toContain("pr_open push_unseen");
    expect(runs(told)).toEqual(["implementation", "ci_repair"]);
  });

  test.each([
    ["the forge's clock is ahead of ours", 2_640_000, 3_000],
    ["ours has jumped ahead", 3_000, 2_640_000],
  ])("nor when %s: neither clock alone tells how long ago the push was", (_, readAfter, askedAfter) => {
    const told = story(`${RED}; run starts; run intends h2; run published`);
    const { now } = told.life;
    const times = { at: T0 + 20_000, readAt: now + readAfter, askedAt: now + askedAfter };
    const seen = told.life.see(
      (now - T0 + 3_000) / 1_000,
      pullReading("h1", { checks: [check("test", "failure")], ...times }),
    );
    expect(seen).toContain("pr_open push_unseen");
    expect(runs(told)).toEqual(["implementation", "ci_repair"]);
  });

  test("nor by a reading from before the push, however late its times are by clocks that were set back since", () => {
    const told = story(RED);
    const { now } = told.life;
    const ahead = now + 2_640_000;
    const red = { checks: [check("test", "failure")], at: T0 + 20_000 };
    told.life.see((now - T0) / 1_000, pullReading("h1", { ...red, readAt: ahead, askedAt: ahead }));
    told.tell("run starts; run intends h2; run published");
    expect(last(told)).toContain("pr_open push_unseen");
    expect(runs(told)).toEqual(["implementation", "ci_repair"]);
  });

  test("a branch that was put back to the old head is judged again after a while", () => {
    const told = story(`${RED}; run starts; run intends h2; run published; pull h1 test=failure; wait 600`);
    told.tell("pull h1 test=failure");
    expect(last(told)).toContain("repairing_ci run_queued");
  });

  test.each([
    ["infrastructure", "failed infrastructure"],
    ["capacity", "failed capacity"],
    ["interruption", "interrupted"],
    ["being overtaken", "superseded"],
    ["a stop", "stopped"],
  ])("%s gives the attempt back", (_, end) => {
    const told = story(`${RED}; run starts; run ${end}`);
    expect(budgetsOf(told.life.facts, null)["runs"]?.spent).toBe(2);
    expect(told.life.facts.runs.map((run) => run.end?.charged ?? "open")).toEqual([true, false, "open"]);
  });

  test("work that fails is charged, and the implementation has a limit too", () => {
    const told = story(
      "delegated; run starts; run failed test; run starts; run failed build; run starts; run failed lint",
    );
    expect(last(told)).toContain("escalated implement/budget_spent → tell thought, tell elicitation");
  });

  test("an agent that is always interrupted is not started forever", () => {
    const told = story("delegated");
    for (let attempt = 1; attempt <= 5; attempt += 1) told.tell("run starts; run interrupted");
    expect(last(told)).toContain("escalated implement/failing");
  });

  test("the attempt is taken in the same advance that starts the run", () => {
    const told = story(RED);
    expect(last(told)).toContain("start_run");
    expect(spent(told)["ciRepairs"]?.spent).toBe(1);
  });

  test("a usage limit is waited for until the announced time", () => {
    const told = story("delegated; run starts; run failed capacity again 3600");
    expect(told.life.decision?.until).toBe(told.life.now + 3_600_000);
    told.tell("wait 3600");
    expect(last(told)).toContain("run_queued → start_run");
  });

  test("an escalation leaves no run active and no slot taken", () => {
    const told = story(
      "delegated; run starts; run failed test; run starts; run failed test; run starts; run failed test",
    );
    expect(told.life.facts.runs.every((run) => run.state === "ended")).toBe(true);
    expect(effects(told, "start_run")).toBe(3);
  });

  test("`retry` gives a new budget, counted from there", () => {
    const told = story(
      "delegated; run starts; run failed test; run starts; run failed test; run starts; run failed test; operator retry",
    );
    expect(last(told)).toContain("run_queued → start_run");
    expect(spent(told)["implementations"]?.spent).toBe(1);
    expect(spent(told)["runs"]?.spent).toBe(1);
  });

  test("what a hand-over waits for helps: a push, a message, `retry`", () => {
    const cut = Array.from({ length: 5 }, () => "run starts; run interrupted").join("; ");
    const failing = `${RED}; ${cut}; wait 3600`;
    expect(last(story(failing))).toContain("escalated ci_red/failing");
    expect(last(story(`${failing}; pull p1 test=failure`))).toContain("repairing_ci run_queued");
    expect(last(story(`${failing}; says try it like this`))).toContain("implementing run_queued");
    expect(last(story(`${failing}; operator retry`))).toContain("repairing_ci run_queued");

    const wrong = Array.from({ length: 3 }, () => "run starts; run failed test").join("; ");
    const spent = `${GREEN}; says also the docs; ${wrong}`;
    expect(last(story(spent))).toContain("escalated prompt_pending/budget_spent");
    expect(last(story(`${spent}; says only the title`))).toContain("implementing run_queued");
    expect(last(story(`${spent}; operator retry`))).toContain("implementing run_queued");
    const pushed = story(`${spent}; pull p1 test=success`);
    expect(last(pushed)).toContain("awaiting_review unapproved");
    expect(last(pushed.tell("review r1 approved"))).toContain("awaiting_queue merge");
  });

  test("tokens and money that are spent are renewed by `retry`, like attempts", () => {
    for (const [budget, spends] of [
      ["tokensPerIssue 100", "200"],
      ["usdPerIssue 1", "5 2.5"],
    ]) {
      const told = story(`budget ${budget}; delegated; run starts; run failed test spends ${spends}`);
      expect(last(told)).toContain("escalated");
      expect(last(told.tell("operator retry")), budget).toContain("run_queued → start_run");
      expect(spent(told)["tokens"]?.spent).toBe(0);
      expect(last(told.tell(`run starts; run failed test spends ${spends}`))).toContain("escalated");
    }
  });

  test("failures that cost money are handed over after five, whatever their cause", () => {
    const told = story("delegated");
    for (let attempt = 1; attempt <= 5; attempt += 1)
      told.tell("wait 900; run starts; run failed infrastructure spends 500000");
    expect(last(told)).toContain("escalated implement/failing");
    const outage = story("delegated");
    for (let attempt = 1; attempt <= 9; attempt += 1)
      outage.tell("wait 900; run starts; run failed infrastructure");
    outage.tell("wait 900; run starts; run failed infrastructure spends 500000");
    outage.tell("wait 900; run starts; run interrupted");
    expect(last(outage)).toContain("run_queued");
  });

  test("`retry` opens the breaker against circles, too", () => {
    const told = story("budget implementations 9; delegated");
    for (let attempt = 1; attempt <= 6; attempt += 1) told.tell("run starts; run failed test");
    expect(last(told)).toContain("implement/too_fast");
    expect(told.life.decision?.until).toBeGreaterThan(told.life.now);
    told.tell("operator retry");
    expect(last(told)).toContain("run_queued");
  });
});

describe("merged and closed", () => {
  test("late events after the merge change nothing", () => {
    const told = story(`${APPROVED}; merge ok; pull h1 merged`);
    expect(last(told)).toContain("done merged");
    told.tell(
      "news head h0; news check test=failure#7 on h1; news review r9 changes_requested; undelegated; ticket",
    );
    expect(told.lines.slice(-5).map((line) => line.split(" → ")[0])).toEqual(
      Array.from({ length: 5 }, () => "done merged"),
    );
    expect(runs(told)).toEqual(["implementation"]);
  });

  test("a later snapshot that does not know of the merge yet does not undo it", () => {
    const told = story(`${APPROVED}; merge ok; pull h1 merged; pull h1 open`);
    const pull = told.life.facts.pullRequest?.core.value;
    expect([pull?.state, pull?.merged]).toEqual(["closed", true]);
  });

  test("a new message after the merge opens a second pull request on a branch of its own", () => {
    const told = story(`${APPROVED}; merge ok; pull h1 merged; says and now multiply`);
    expect(last(told)).toContain("delegated run_queued → start_run");
    expect(told.life.facts.project?.branch).toBe("patchrelay/app-1-2");
    expect(told.life.facts.past.map(({ number, merged }) => [number, merged])).toEqual([[7, true]]);
    expect(told.life.facts.runs.at(-1)).toMatchObject({ generation: 2, headBefore: null, personHead: null });
  });

  test("news about the first pull request is history for the second", () => {
    const told = story(`${APPROVED}; merge ok; pull h1 merged; says and now multiply`);
    const before = told.life.facts;
    told.life.see(500, {
      kind: "pull_request_changed",
      at: told.life.now,
      by: { kind: "person", id: "1", name: null, association: null, permission: null },
      pullRequest: {
        number: 7,
        url: "u",
        node: null,
        repositoryId: null,
        core: {
          state: "open",
          merged: false,
          draft: false,
          head: "x",
          branch: "patchrelay/app-1",
          base: "main",
          title: "",
          closedAt: null,
        },
      },
    });
    expect(told.life.facts).toEqual(before);
  });

  test("closed without a merge ends it; opened again by a person it goes on", () => {
    const told = story(`${GREEN}; pull h1 closed`);
    expect(last(told)).toContain("failed closed_unmerged");
    told.tell("pull h1 open");
    expect(last(told)).toContain("awaiting_review unapproved");
  });

  test("closed, then a new prompt: generation 2 with its own branch", () => {
    const told = story(`${GREEN}; pull h1 closed; says try another way`);
    expect(last(told)).toContain("run_queued → start_run");
    told.tell("run starts; run intends k1; run published; pull k1 fresh test=success");
    expect(told.life.facts.pullRequest).toMatchObject({
      number: 8,
      core: { value: { branch: "patchrelay/app-1-2" } },
    });
    expect(last(told)).toContain("awaiting_review unapproved");
  });

  test("a repair of a pull request that is closed meanwhile is stopped and publishes nothing", () => {
    const told = story(`${RED}; run starts; pull h1 closed`);
    expect(last(told)).toContain("→ stop_run");
    expect(told.life.facts.runs.at(-1)?.stop?.reason).toBe("closed");
  });

  test("`close` finishes, `cancel` also closes the pull request; a new message goes on after either", () => {
    const closed = story(`${GREEN}; operator close`);
    expect(last(closed)).toContain("done closed_by_operator");
    expect(effects(closed, "close_pull_request")).toBe(0);
    const cancelled = story(`${GREEN}; operator cancel`);
    expect(last(cancelled)).toContain("failed closed_by_operator");
    expect(effects(cancelled, "close_pull_request")).toBe(1);
    expect(last(closed.tell("says go on"))).toContain("implementing run_queued");
  });

  test("a stop of an issue that goes on after its end halts it, and `resume` picks it up", () => {
    for (const end of [
      "operator close",
      "operator cancel",
      "ticket status=completed",
      "ticket status=canceled",
      "pull h1 closed",
      "pull h1 merged",
    ]) {
      for (const again of ["says go on", "operator retry", "session s2"]) {
        for (const halt of ["operator stop", "stopped", "undelegated"]) {
          const what = `${end}; ${again}; ${halt}`;
          const told = story(`${GREEN}; ${what}`);
          expect(last(told), what).toMatch(/^paused taken_away/);
          expect(last(told.tell("operator resume")), what).toMatch(
            /^(delegated|implementing|awaiting_review) /,
          );
        }
      }
    }
  });

  test("a stop of an issue that has ended leaves it as it ended", () => {
    for (const [end, as] of [
      ["operator close", "done closed_by_operator"],
      ["ticket status=canceled", "failed ticket_ended"],
      ["pull h1 closed", "failed closed_unmerged"],
      ["pull h1 merged", "done merged"],
    ])
      for (const halt of ["operator stop", "stopped", "undelegated"])
        expect(last(story(`${GREEN}; ${end}; ${halt}`)).split(" → ")[0], `${end}; ${halt}`).toBe(as);
  });

  test("a person who completes or cancels the ticket ends it; a later message goes on", () => {
    const told = story(`${GREEN}; ticket status=canceled`);
    expect(last(told)).toContain("failed ticket_ended");
    expect(last(told.tell("says no, please finish it"))).toContain("implementing run_queued");
  });

  test("an issue that is archived or deleted after its end ended as it did", () => {
    for (const [end, as] of [
      ["pull h1 merged", "done merged"],
      ["operator close", "done closed_by_operator"],
      ["ticket status=completed", "done ticket_ended"],
      ["pull h1 closed", "failed closed_unmerged"],
    ]) {
      const told = story(`${GREEN}; ${end}; removed`);
      expect(last(told), end).toBe(as);
    }
    const before = story(`${GREEN}; removed; pull h1 merged`);
    expect(last(before)).toContain("done merged");
    const moved = before.life.effects.filter((effect) => effect.kind === "set_status");
    expect(moved.map(({ to }) => to)).toEqual(["started"]);
  });
});

describe("our own move to the end", () => {
  const FOLLOWED = `${APPROVED}; merge ok; pull h1 merged; says also mention it in the README; run starts`;

  test("does not end what a person asked for meanwhile, however often it comes back", () => {
    const told = story(`${FOLLOWED}; ticket status=completed ours; ticket; wait 60`);
    expect(last(told)).toContain("run_active");
    expect(told.life.facts.runs.at(-1)?.stop).toBeNull();
  });

  test("is no longer made once a person has asked for more, and is made after the merge that follows", () => {
    const told = story(FOLLOWED);
    const wanted = () => told.wanted("set_status", ":completed:");
    expect(wanted()).toEqual([false]);
    told.tell("run intends h2; run published; pull h2 fresh open test=success; pull h2 merged");
    expect(wanted()).toEqual([false, true]);
  });

  test("the worktree to remove is that of the branch that ended, whatever the issue goes on with", () => {
    const told = story(FOLLOWED);
    expect(told.life.facts.project?.branch).toBe("patchrelay/app-1-2");
    expect(told.life.effects.filter((effect) => effect.kind === "remove_worktree")).toMatchObject([
      { branch: "patchrelay/app-1", base: "main" },
    ]);
  });

  test("is told from a person's, which ends the follow-up", () => {
    for (const [move, state] of [
      ["ticket status=completed", "done"],
      ["ticket status=canceled", "failed"],
    ]) {
      const told = story(`${FOLLOWED}; ticket status=completed ours; ticket; ${move}`);
      expect(last(told), move).toContain(`${state} ticket_ended → stop_run`);
    }
  });

  test("a delegation is not taken back from a person who undelegated us meanwhile", () => {
    const told = story(
      "session s1; says do it in s1; run starts; run intends h1; run published; pull h1; undelegated",
    );
    expect(told.wanted("take_delegation")).toEqual([false]);
  });
});

describe("delegation, stop, pause", () => {
  test("undelegated in the middle of a run: it is stopped, and nothing is asked of the forge", () => {
    const told = story(`${RED}; run starts; undelegated`);
    expect(last(told)).toContain("paused taken_away → stop_run");
    told.tell("run stopped; pull h1 test=failure#3");
    expect(last(told)).toContain("paused taken_away");
    expect(runs(told)).toEqual(["implementation", "ci_repair"]);
    expect(effects(told, "merge") + effects(told, "rerun_checks")).toBe(0);
  });

  test("a run that waits for its slot ends at once when it is stopped, and gives its attempt back", () => {
    const told = story("delegated; stopped");
    expect(last(told)).toContain("paused taken_away");
    expect(told.life.facts.runs[0]).toMatchObject({
      state: "ended",
      startedAt: null,
      end: { outcome: "stopped", charged: false },
    });
    expect(effects(told, "stop_run")).toBe(0);
  });

  test("facts are still kept while it is paused", () => {
    const told = story(`${GREEN}; undelegated; review r1 approved; session s2`);
    expect(last(told)).toContain("awaiting_queue merge");
  });

  test("a delegation again after a stop goes on where the work stood", () => {
    const told = story(`${RED}; run starts; stopped; run stopped; session s2`);
    expect(last(told)).toContain("repairing_ci run_queued → read_ticket, start_run");
  });

  test("a merge that was asked for is cancelled when a person stops, and asked for again after a new word", () => {
    const told = story(`${QUEUED}; stopped`);
    expect(last(told)).toContain("→ cancel_merge");
    told.tell("pull h1 unqueued; ejected manual; session s2");
    expect(last(told)).toContain("awaiting_queue merge → read_ticket, merge");
    const auto = story(`${AUTO}; stopped; session s2; cancel ok; pull h1 manual`);
    expect(effects(auto, "cancel_merge")).toBe(1);
    expect(effects(auto, "merge")).toBe(2);
  });

  test("a merge that was asked for is cancelled, once, when the matter ends before it; done by a person, it stands", () => {
    for (const end of ["ticket status=canceled", "removed", "operator close", "operator cancel"]) {
      for (const asked of [QUEUED, AUTO]) {
        const told = story(`${asked}; ${end}; pull h1; wait 60`);
        expect(told.life.decision?.step.kind, end).toBe("finish");
        expect(effects(told, "cancel_merge"), end).toBe(1);
      }
      const byPerson = story(`${GREEN}; pull h1 queue queued; ${end}`);
      expect(effects(byPerson, "cancel_merge"), end).toBe(0);
    }
    for (const end of ["ticket status=canceled", "operator close"]) {
      const said = story(`${QUEUED}; ${end}`).life.effects.findLast((effect) => effect.kind === "tell");
      expect(said?.kind === "tell" && "body" in said.activity && said.activity.body, end).toContain(
        "The merge of pull request #7 is being cancelled.",
      );
    }
    expect(effects(story(`${QUEUED}; ticket status=completed`), "cancel_merge")).toBe(0);
    expect(effects(story(`${QUEUED}; pull h1 merged; removed`), "cancel_merge")).toBe(0);
  });

  test("a merge that turns out to be asked for after the end is cancelled as well", () => {
    const told = story(`${APPROVED}; operator close; merge ok`);
    expect(last(told)).toMatch(/^done closed_by_operator → .*cancel_merge/);
  });

  test("a merge or rerun that was not carried out during a pause is asked for again after it", () => {
    const merge = story(`${APPROVED}; operator pause; merge skipped; operator resume`);
    expect(last(merge)).toContain("awaiting_queue merge → merge");
    const rerun = story(`reruns 1; ${OPEN}; pull h1 test=failure@55; operator pause; rerun skipped`);
    expect(last(rerun.tell("operator resume"))).toContain("pr_open rerun_failed → rerun_checks");
    rerun.tell("rerun ok; pull h1 test=failure#2@55");
    expect(last(rerun)).toContain("repairing_ci run_queued");
    expect(effects(rerun, "rerun_checks")).toBe(2);
  });

  test("`stop` and `resume` of an operator; `pause` lets the run under way go on", () => {
    expect(last(story(`${RED}; run starts; operator stop`))).toContain("paused taken_away → stop_run");
    const told = story(`${RED}; run starts; operator pause`);
    expect(last(told)).toContain("repairing_ci run_active");
    told.tell("run intends h2; run published; pull h2 test=failure#2");
    expect(last(told)).toContain("paused paused");
    told.tell("operator resume");
    expect(last(told)).toContain("repairing_ci run_queued → start_run");
  });

  test("a merge or rerun that still waits is carried out only if it would be decided now", () => {
    const AGAINST = [
      "stopped",
      "undelegated",
      "operator pause",
      "operator close",
      "ticket status=canceled",
      "removed",
      "news head p1",
      "pull h1 closed",
      "pull h1 draft",
      "pull h1 conflict",
      "news check test=failure#2",
      "pull h1 test=failure#2",
      "says also the docs",
    ];
    for (const then of [...AGAINST, "review r1 dismissed", "policy person"]) {
      const told = story(`${APPROVED}; ${then}`);
      expect(told.wanted("merge"), then).toEqual([false]);
      expect(told.wanted("show_plan"), then).not.toContain(false);
    }
    for (const then of [...AGAINST, "review r1 changes_requested"])
      expect(story(`policy when_rules_allow; ${GREEN}; ${then}`).wanted("merge"), then).toEqual([false]);
    const FAILED = `reruns 1; ${OPEN}; pull h1 test=failure@55`;
    expect(story(FAILED).wanted("rerun_checks")).toEqual([true]);
    for (const then of [
      "stopped",
      "operator close",
      "pull h1 draft",
      "pull h1 test=success@55",
      "news head p1",
    ])
      expect(story(`${FAILED}; ${then}`).wanted("rerun_checks"), then).toEqual([false]);
  });

  test("a merge that still waits is carried out once, whatever speaks for it meanwhile", () => {
    expect(story(APPROVED).wanted("merge")).toEqual([true]);
    // A process may have died right after it asked: what the forge shows of it is found to be ours.
    expect(story(`${APPROVED}; pull h1 auto`).wanted("merge")).toEqual([true]);
    expect(story(`${APPROVED}; pull h1 queue queued`).wanted("merge")).toEqual([true]);
    expect(story(`${APPROVED}; pull h1 auto; review r1 dismissed`).wanted("merge")).toEqual([false]);
    // Another reading makes another request of the same: after the first of them the other is none.
    const told = story(`${APPROVED}; pull h1 lint=success`);
    expect(told.wanted("merge")).toContain(true);
    expect(told.tell("merge ok").wanted("merge")).not.toContain(true);
  });

  test("our own change of the ticket's status comes back and starts nothing", () => {
    const told = story(`${GREEN}; ticket`);
    expect(last(told)).toBe("awaiting_review unapproved");
    expect(runs(told)).toEqual(["implementation"]);
  });
});

describe("review", () => {
  test("an approval in the middle of a run that answers the review stops it before it publishes", () => {
    const told = story(`${GREEN}; review r1 changes_requested; run starts; run at work; review r2 approved`);
    expect(last(told)).toContain("→ stop_run");
    told.tell("run superseded");
    expect(last(told)).toContain("awaiting_queue merge → merge");
    expect(spent(told)["reviewFixes"]?.spent).toBe(0);
  });

  test("past the point of no return the run is left alone", () => {
    const told = story(
      `${GREEN}; review r1 changes_requested; run starts; run at publish; review r2 approved`,
    );
    expect(last(told)).toContain("changes_requested run_active");
  });

  test("a dismissed review is answered by nobody", () => {
    const told = story(`${GREEN}; review r1 changes_requested; run starts; review r1 dismissed`);
    expect(told.life.facts.runs.at(-1)?.stop?.reason).toBe("superseded");
  });

  test("the same review does not start a second run; the reviewer's next word does", () => {
    const told = story(`${GREEN}; review r1 changes_requested; run starts; run no_change`);
    expect(last(told)).toContain("awaiting_review review_answered → comment");
    told.tell("pull h1 test=success");
    expect(runs(told)).toEqual(["implementation", "review_fix"]);
    told.tell("review r2 changes_requested");
    expect(runs(told)).toEqual(["implementation", "review_fix", "review_fix"]);
  });

  test("rounds of review are capped", () => {
    const told = story(`budget runs 20; ${GREEN}`);
    for (let round = 1; round <= 5; round += 1)
      told.tell(`wait 3600; review c${round} changes_requested; run starts; run no_change`);
    told.tell("wait 3600; review c6 changes_requested");
    expect(last(told)).toContain("escalated changes_requested/budget_spent");
  });

  test("an approval while the checks are red is not lost", () => {
    const told = story(`${RED}; review r1 approved; run starts; pull h1 test=success#2; run superseded`);
    expect(last(told)).toContain("awaiting_queue merge → merge");
  });

  test("a stranger's review and comment start nothing", () => {
    const told = story(
      `${GREEN}; review r1 changes_requested by stranger; comments delete everything by stranger`,
    );
    expect(last(told)).toContain("awaiting_review unapproved");
    expect(runs(told)).toEqual(["implementation"]);
    expect(told.life.facts.prompts["p1"]?.text).toBe("delete everything by stranger");
  });

  test("a webhook's review counts only once a reading knows the reviewer's permission", () => {
    const told = story(`${GREEN}; news review r1 approved by stranger`);
    expect(last(told)).toContain("awaiting_review unapproved → read_pull_request");
  });

  test("our own comment is no prompt", () => {
    const told = story(`${GREEN}; comments done as asked by us`);
    expect(last(told)).toBe("awaiting_review unapproved");
  });

  test("a collaborator's comment is a prompt", () => {
    const told = story(`${GREEN}; comments please rename it`);
    expect(last(told)).toContain("implementing run_queued → start_run");
    expect(told.life.facts.runs.at(-1)?.cause.prompts).toEqual(["p1"]);
  });

  test("invited to read only, a collaborator is a stranger; a webhook's one is looked up first", () => {
    const told = story(GREEN);
    const comment = (permission: Actor["permission"]): Observation => ({
      kind: "prompted",
      at: told.life.now,
      prompt: "c1",
      session: null,
      by: { ...STRANGER, association: "collaborator", permission },
      from: "forge",
      text: "rename it",
    });
    expect(told.life.see(200, comment(null))).toBe("awaiting_review unapproved → read_pull_request");
    expect(told.life.see(210, comment("read"))).toBe("awaiting_review unapproved");
    const writer = story(GREEN);
    writer.life.see(200, comment(null));
    expect(writer.life.see(210, comment("write"))).toContain("implementing run_queued → start_run");
  });

  test("what the first pull request was told is not said again on the second", () => {
    const told = story(`${GREEN}; review r1 changes_requested; run starts; run no_change; pull h1 merged`);
    told.tell(
      "says and now more; run starts; run intends k1; run published; pull k1 fresh open test=success",
    );
    const said = told.life.effects.filter((effect) => effect.kind === "comment");
    expect(said.map(({ number }) => number)).toEqual([7]);
  });

  test("a draft waits for the person who made it one; ready, it goes on", () => {
    const told = story(APPROVED.replace("; review", "; pull h1 draft; review"));
    expect(last(told)).toContain("awaiting_review draft");
    expect(last(told.tell("pull h1 ready"))).toContain("awaiting_queue merge");
  });
});

describe("merge queue", () => {
  test("its place in it is evidence, not a sentence that every merge makes untrue", () => {
    const { life } = story(QUEUED);
    const evidence = evidenceOf(life.facts, life.policy, T0);
    expect(evidence.find(({ fact }) => fact === "merge queue")?.value).toBe("queued, position 1");
  });

  test("red checks of the branch are metadata while it is queued", () => {
    const told = story(`${QUEUED}; pull h1 test=failure#2; news check test=failure#3`);
    expect(last(told)).toContain("awaiting_queue in_queue");
    expect(runs(told)).toEqual(["implementation"]);
  });

  test("leaving the queue by an invalidated group or a merge is no failure", () => {
    const other = story(`${QUEUED}; pull h1 unqueued; ejected other`);
    expect(last(other)).toContain("awaiting_queue merge → merge");
    const merged = story(`${QUEUED}; ejected merged; pull h1 unqueued merged`);
    expect(last(merged)).toContain("done merged");
    expect([...runs(other), ...runs(merged)]).toEqual(["implementation", "implementation"]);
  });

  test("taken out by a person, it stays out until a person says so", () => {
    const told = story(`${QUEUED}; pull h1 unqueued; ejected manual; pull h1 test=success; wait 9999`);
    expect(last(told)).toContain("awaiting_input dequeued_by_person");
    expect(effects(told, "merge")).toBe(1);
    expect(last(told.tell("operator retry"))).toContain("awaiting_queue merge → merge");
  });

  test("taken out by a person, requested changes and red checks are dealt with all the same", () => {
    const OUT = `${QUEUED}; pull h1 unqueued; ejected manual`;
    const asked = story(`${OUT}; review r2 changes_requested`);
    expect(runs(asked)).toEqual(["implementation", "review_fix"]);
    const red = story(`${OUT}; pull h1 test=failure#2`);
    expect(runs(red)).toEqual(["implementation", "ci_repair"]);
  });

  test("taken out by a person, our own push does not put it back; an approval of that, or a person's push, does", () => {
    const told = story(
      `policy when_rules_allow; ${OPEN}; pull h1 queue test=success; merge ok; pull h1 queued; pull h1 unqueued; ejected manual`,
    );
    told.tell("pull h1 test=failure#2; run starts; run intends h2; run published; pull h2 test=success");
    expect(last(told)).toContain("awaiting_input dequeued_by_person");
    expect(last(told.tell("review r1 approved"))).toContain("awaiting_queue merge → merge");
    const pushed = story(`${QUEUED}; pull h1 unqueued; ejected manual; policy when_rules_allow`);
    expect(last(pushed.tell("pull p1 test=success"))).toContain("awaiting_queue merge → merge");
  });

  test("the reason is read before anything is done about leaving", () => {
    const told = story(`${QUEUED}; news queue out`);
    expect(last(told)).toBe("awaiting_queue queue_left_unread → read_pull_request");
  });

  test("a second rejection of the same head is another failure; a no-op answer to it is none", () => {
    const told = story(`${QUEUED}; pull h1 unqueued; ejected checks_failed; run starts; run no_change`);
    expect(last(told)).toContain("awaiting_queue merge → merge");
    told.tell("merge ok; ejected checks_failed");
    expect(last(told)).toContain("repairing_queue run_queued → start_run");
    expect(runs(told)).toEqual(["implementation", "queue_repair", "queue_repair"]);
  });

  test("put back by a person while it is being repaired, the repair is dropped", () => {
    const told = story(`${QUEUED}; pull h1 unqueued; ejected checks_failed; run starts; pull h1 queued`);
    expect(told.life.facts.runs.at(-1)?.stop?.reason).toBe("superseded");
  });

  test("out of it for no reason that is told, it is asked for again, but not forever", () => {
    const told = story(`${QUEUED}; wait 60; pull h1 unqueued`);
    expect(last(told)).toContain("awaiting_queue merge → merge");
    for (let time = 1; time <= 5; time += 1) told.tell("merge ok; wait 60; pull h1");
    expect(last(told)).toContain("escalated merge_given_up");
  });

  test("a forge whose clock is ahead of ours does not make us ask again and again", () => {
    const told = story(`${QUEUED}; pull h1 unqueued`);
    const away = { reason: "other", ours: false, group: null, head: "h1", at: T0 + 86_400_000 } as const;
    const reading = (askedAt: number): Observation =>
      pullReading("h1", {
        hasQueue: true,
        checks: [check("test", "success")],
        reviews: Object.values(told.life.facts.pullRequest?.reviews ?? {}),
        ejections: [away],
        readAt: T0 + 86_400_000 + askedAt,
        askedAt: T0 + askedAt,
      });
    expect(told.life.see(200, reading(199_000))).toContain("awaiting_queue merge → merge");
    const effect = told.life.effects.findLast(({ kind }) => kind === "merge");
    if (effect?.kind !== "merge") expect.fail("no merge was asked for");
    const answer = { ok: true, detail: "added to the merge queue" };
    expect(
      told.life.see(201, { kind: "effect_settled", at: T0 + 201_000, effect, ...answer, because: null }),
    ).toContain("awaiting_queue merge_asked");
    expect(effects(told, "merge")).toBe(2);
  });

  test("a queue that keeps sending it away ends with a person", () => {
    const told = story(QUEUED);
    for (let time = 1; time <= 6; time += 1) told.tell("pull h1 unqueued; ejected other; merge ok");
    expect(last(told)).toContain("escalated merge_given_up");
  });
});

describe("auto-merge", () => {
  test.each([
    ["a conflict", "pull h1 conflict", "repairing_queue base_conflict/auto_merge_on"],
    ["red checks", "pull h1 test=failure#2", "repairing_ci ci_red/auto_merge_on"],
    ["a review", "review r2 changes_requested", "awaiting_review auto_merge_stale"],
    ["a message", "says also the docs", "pr_open prompt_pending/auto_merge_on"],
  ])("it is off before a run that %s calls for pushes what nobody has approved", (_, then, rule) => {
    const told = story(`${AUTO}; ${then}`);
    expect(last(told)).toContain(`${rule} → cancel_merge`);
    expect(last(told.tell("cancel ok"))).toContain("run_queued → start_run");
    told.tell("run starts; run no_change");
    expect(effects(told, "cancel_merge")).toBe(1);
  });

  test("it is a person's where the policy leaves the merge to people, whatever account turned it on", () => {
    const told = story(`policy person; ${GREEN}; pull h1 auto ours`);
    expect(last(told)).not.toContain("cancel_merge");
    expect(last(told.tell("pull h1 auto ours test=failure#2"))).toContain("run_queued → start_run");
    expect(last(told.tell("undelegated"))).toContain("paused taken_away");
    expect(effects(told, "cancel_merge")).toBe(0);
  });

  test("on the head that an update of ours gives it waits for a reading, but not forever: it may be somebody else's", () => {
    const told = story(`${AUTO}; pull h1 auto state=behind; update ok; news head m1`);
    expect(last(told)).not.toContain("cancel_merge");
    expect(effects(told, "cancel_merge")).toBe(0);
    expect(last(told.tell("wait 601"))).toMatch(/^awaiting_review auto_merge_stale → .*cancel_merge/);
  });

  test("it is asked for again when the run has left the head as it was", () => {
    const told = story(`${AUTO}; says is this right?; cancel ok; pull h1 manual; run starts; run answered`);
    expect(last(told)).toContain("awaiting_queue merge → merge");
  });

  test("a person's push nobody has approved is not merged by it, not even while paused", () => {
    const told = story(`${AUTO}; news head p1`);
    expect(last(told)).toMatch(/^awaiting_review auto_merge_stale → .*cancel_merge/);
    told.tell("cancel ok; pull p1 manual test=success#2; review r2 approved");
    expect(last(told)).toContain("awaiting_queue merge → merge");
    expect(last(story(`${AUTO}; operator pause; news head p1`))).toMatch(/^paused paused → .*cancel_merge/);
    const rules = story(`policy when_rules_allow; ${GREEN}; merge ok; pull h1 auto; news head p1`);
    expect(last(rules)).not.toContain("cancel_merge");
  });

  test("asked for in the moment in which a message starts a run, it is cancelled while the agent works", () => {
    const told = story(`${APPROVED}; says also the docs; run starts; merge ok`);
    expect(last(told)).toMatch(/^preparing auto_merge_stale → .*cancel_merge/);
    expect(last(told.tell("cancel ok"))).toContain("run_active");
  });

  test("what cannot be turned off holds the run back, and a person is told; `retry` tries again", () => {
    const told = story(`${AUTO}; pull h1 conflict; cancel refused no right to`);
    expect(last(told)).toContain("escalated base_conflict/auto_merge_on → tell error");
    expect(told.life.decision?.why).toContain("could not be turned off");
    const again = story(`${AUTO}; pull h1 conflict; cancel refused no right to; operator retry`);
    expect(last(again)).toContain("base_conflict/auto_merge_on → cancel_merge");
    expect(last(again.tell("cancel ok"))).toContain("run_queued → start_run");
    expect(effects(again, "cancel_merge")).toBe(2);
    expect(last(told.tell("pull h1 manual"))).toContain("run_queued → start_run");
  });

  test("what cannot be turned off on a head nobody approved is a person's matter, and so they hear", () => {
    const told = story(`${AUTO}; review r2 changes_requested; cancel refused no right to`);
    expect(last(told)).toContain("awaiting_input auto_merge_stale → tell elicitation");
    expect(told.life.decision?.why).toContain("could not be cancelled: refused no right to");
    expect(last(told.tell("operator retry"))).toContain("auto_merge_stale → cancel_merge");
    expect(last(told.tell("cancel ok"))).toContain("changes_requested run_queued → start_run");
  });

  test.each(["stopped", "operator cancel", "ticket status=canceled"])(
    "whoever was told that we stop hears that the merge goes on: %s",
    (then) => {
      const told = story(`${AUTO}; ${then}; cancel refused no right to`);
      const words = told.life.effects.flatMap((effect) =>
        effect.kind === "tell" && effect.activity.type === "response" ? [effect.activity.body] : [],
      );
      expect(words).toHaveLength(3);
      expect(words[0]).toContain("is ready for review");
      expect(words[2]).toContain("could not be cancelled: refused no right to");
    },
  );

  test("ours by the forge's word is cancelled though its answer was lost, once", () => {
    const lost = story(`${APPROVED}; review r1 dismissed; merge skipped; pull h1 auto ours`);
    expect(last(lost)).toContain("awaiting_review auto_merge_stale → cancel_merge");
    expect(last(lost.tell("cancel ok"))).toContain("unapproved");
    expect(last(lost.tell("pull h1"))).toContain("unapproved");
    expect(effects(lost, "cancel_merge")).toBe(1);
    const before = story(`${APPROVED}; pull h1 auto ours; pull h1 conflict`);
    expect(last(before)).toContain("base_conflict/auto_merge_on → cancel_merge");
    expect(last(before.tell("cancel ok"))).toContain("run_queued → start_run");
  });

  test("what a person has turned on after ours was turned off is left alone", () => {
    const told = story(`${AUTO}; pull h1 manual; pull h1 auto theirs; pull h1 conflict`);
    expect(last(told)).toContain("run_queued → start_run");
    expect(effects(told, "cancel_merge")).toBe(0);
  });

  test("a person's own is left alone", () => {
    const told = story(`${GREEN}; pull h1 auto; pull p1 test=success conflict`);
    expect(last(told)).toContain("run_queued → start_run");
    expect(effects(told, "cancel_merge")).toBe(0);
  });

  test("turned off by a person, it stays off until a person says so", () => {
    const told = story(`${AUTO}; wait 60; pull h1 manual; wait 7200`);
    expect(last(told)).toContain("awaiting_input auto_merge_off");
    expect(effects(told, "merge")).toBe(1);
    expect(last(story(`${AUTO}; wait 60; pull h1 manual; pull h1 auto`))).toContain("merge_asked");
    expect(last(told.tell("operator retry"))).toContain("awaiting_queue merge → merge");
  });

  test("what a reading that was asked for before our request does not show is not over", () => {
    const told = story(`${APPROVED}; wait 60; merge ok`);
    expect(last(told)).toContain("awaiting_queue merge_asked → read_pull_request");
    expect(last(told.tell("wait 7200"))).toContain("awaiting_queue merge_asked");
    expect(last(told.tell("pull h1"))).toContain("awaiting_input auto_merge_off");
  });

  test("a merge that the rules of the branch hold back waits, and is asked for when what they judge by changes", () => {
    const told = story(`${APPROVED}; merge held`);
    expect(told.life.decision?.until).toBe(told.life.now + 1_800_000);
    for (let time = 1; time <= 5; time += 1) told.tell("wait 1800; merge held");
    expect(last(told)).toContain("awaiting_review merge_held");
    expect(last(told.tell("review r2 approved"))).toContain("awaiting_queue merge → merge");
  });

  test("given up after refusals, it is asked for again after another review or run of a check", () => {
    const refused = `${APPROVED}; merge refused; wait 60; merge refused; wait 60; merge refused`;
    for (const then of [
      "review r2 approved",
      "pull h1 test=success#2",
      "pull h1 required=test,lint lint=success",
    ]) {
      const told = story(refused);
      expect(last(told)).toContain("escalated merge_given_up");
      expect(last(told.tell(then)), then).toContain("awaiting_queue merge → merge");
    }
  });
});

describe("questions and messages", () => {
  test("the agent's question waits without a slot; the answer in the tracker goes on with it", () => {
    const told = story("delegated; run starts; run asked asks Which branch?");
    expect(last(told)).toContain("awaiting_input question_open → tell elicitation");
    expect(told.life.facts.runs[0]).toMatchObject({ state: "ended", end: { charged: false } });
    told.tell("says the second one");
    expect(last(told)).toContain("run_queued → start_run");
    expect(told.life.facts.runs.at(-1)?.cause.prompts).toEqual(["p1"]);
  });

  test("an operator's answer does the same", () => {
    const told = story("delegated; run starts; run asked asks Which branch?; answer the second one");
    expect(last(told)).toContain("run_queued → start_run");
    expect(Object.values(told.life.facts.questions)[0]?.answer?.text).toBe("the second one");
  });

  test("who may steer is who asked for the work: the delegator, or where nobody delegated those who mentioned us", () => {
    const asked = (start: string): Story => {
      const told = new Story();
      const [project] = told.life.policy.projects;
      if (project === undefined) throw new Error("the policy of the tests has a project");
      const trust = { mayDelegate: "members", maySteer: "delegator" } as const;
      told.life.policy = { ...told.life.policy, projects: [{ ...project, trust }] };
      return told.tell(`${start}; run starts; run asked asks Which?`);
    };
    const says = (told: Story, by: Actor): string =>
      told.life.see(900, {
        kind: "prompted",
        at: told.life.now,
        prompt: "p9",
        session: "session-1",
        by,
        from: "tracker",
        text: "the second",
      });
    const bob: Actor = { ...ANN, id: "u-bob", name: "Bob" };
    for (const start of [
      "session s1; says do it in s1",
      "delegated",
      "delegated; undelegated; session s2; says do it in s2",
    ]) {
      expect(says(asked(start), ANN), start).toContain("run_queued → start_run");
      expect(says(asked(start), bob), start).toContain("question_open");
    }
    const taken = asked("session s1; says do it in s1");
    const us: Actor = { ...ANN, kind: "us", id: "u-us", name: "patchrelay" };
    taken.life.see(500, { kind: "delegated", at: taken.life.now, by: us });
    expect(says(taken, ANN)).toContain("run_queued → start_run");
  });

  test("what was said long before the question is no answer to it, however late it is heard", () => {
    const told = story("wait 3600; delegated; run starts; run at work; run asked asks Which one?");
    const askedAt = told.life.now;
    const says = (at: number, prompt: string): string =>
      told.life.see((askedAt - T0) / 1_000 + 60, {
        kind: "prompted",
        at,
        prompt,
        session: "session-1",
        by: ANN,
        from: "tracker",
        text: "by the way",
      });
    expect(says(askedAt - 1_200_000, "late")).toContain("question_open");
    // The tracker's clock may be a little behind ours.
    expect(says(askedAt - 60_000, "answer")).toContain("run_queued → start_run");
    expect(told.life.facts.runs.at(-1)?.cause.prompts).toEqual(["late", "answer"]);
  });

  test("a stranger's comment is no answer", () => {
    const told = story(
      `${GREEN}; says do more; run starts; run asked asks Which?; comments the first by stranger`,
    );
    expect(last(told)).toContain("awaiting_input question_open");
  });

  test("a message while the agent works is handed to it, once, and counts as dealt with", () => {
    const told = story("delegated; run starts; run at work; says use decimals");
    expect(last(told)).toContain("→ steer_run");
    told.tell("run given p1; run intends h1; run published; pull h1 test=success");
    expect(last(told)).toContain("awaiting_review unapproved");
    expect(effects(told, "steer_run")).toBe(1);
  });

  test("a message that did not reach the agent in time is carried out by the next run", () => {
    const told = story(
      "delegated; run starts; run at work; says use decimals; run intends h1; run published; pull h1 test=success",
    );
    expect(runs(told)).toEqual(["implementation", "implementation"]);
    expect(told.life.facts.runs.at(-1)?.cause.prompts).toEqual(["p1"]);
  });

  test("a message whose run failed is not forgotten", () => {
    const told = story(`${GREEN}; says rename it; run starts; run failed infrastructure`);
    expect(runs(told)).toEqual(["implementation", "implementation", "implementation"]);
    expect(told.life.facts.runs.at(-1)?.cause.prompts).toEqual(["p1"]);
  });

  test("a message whose run a person stopped is carried out when the work goes on", () => {
    for (const [stop, on] of [
      ["operator stop", "operator resume"],
      ["stopped", "session s2"],
      ["undelegated", "delegated"],
    ]) {
      const told = story(`${GREEN}; says also the docs; run starts; ${stop}; run stopped; ${on}`);
      expect(last(told), stop).toMatch(/run_queued → .*start_run/);
      expect(told.life.facts.runs.at(-1)?.cause.prompts, stop).toEqual(["p1"]);
    }
    const steered = story(
      "delegated; run starts; run at work; says use decimals; run given p1; stopped; run stopped; operator resume",
    );
    expect(steered.life.facts.runs.at(-1)?.cause.prompts).toEqual(["p1"]);
  });

  test("a message that the end of the pull request overtakes is named, and carried out if a person goes on", () => {
    const told = story(`${QUEUED}; says also the docs; run starts; pull h1 merged; run stopped`);
    expect(last(told)).toContain("done merged");
    const said = told.life.effects.findLast((effect) => effect.kind === "tell");
    expect(said?.kind === "tell" && said.activity.type === "response" && said.activity.body).toContain(
      'merged before I could act on this message: "also the docs".',
    );
    told.tell("says do them now");
    expect(told.life.facts.runs.at(-1)).toMatchObject({ generation: 2, cause: { prompts: ["p1", "p2"] } });
    expect(
      story(`${GREEN}; says also the docs; run starts; operator close; run stopped`).life.decision?.why,
    ).toBe('The issue was closed by ops. I did not act on this message: "also the docs".');
  });

  test("a run without a pull request says so and waits", () => {
    for (const outcome of ["no_change", "answered"]) {
      const told = story(`delegated; run starts; run ${outcome}`);
      expect(last(told)).toContain("awaiting_input said_all");
      expect(last(told.tell("says then do it differently"))).toContain("run_queued → start_run");
    }
  });

  test("every conversation is answered at once, also while nothing can start", () => {
    const told = story("agent missing; delegated blocked=APP-2; session s2");
    const acknowledged = told.life.effects.filter(
      (effect) => effect.kind === "tell" && effect.key.includes(":ack:"),
    );
    expect(acknowledged.map((effect) => (effect.kind === "tell" ? effect.session : ""))).toEqual([
      "session-1",
      "s2",
    ]);
  });
});

describe("what the machine and the configuration hold back", () => {
  test("work waits a moment until it is read what blocks the issue, and no longer", () => {
    const told = story("heard");
    expect(last(told)).toContain("delegated implement/blockers_unread");
    expect(last(told.tell("ticket blocked=APP-2"))).toContain("implement/blocked");
    expect(last(story("heard; wait 60; repository fine"))).toContain("run_queued");
  });

  test("a parent waits for its open sub-issues, unless policy has them make no difference", () => {
    const told = story("delegated part=APP-3");
    expect(last(told)).toContain("delegated implement/sub_issues_open");
    expect(last(told.tell("ticket"))).toContain("run_queued");
    expect(last(story("subIssues ignore; delegated part=APP-3"))).toContain("run_queued");
    expect(last(story("delegated; run starts; ticket part=APP-3"))).toContain("run_active");
    expect(last(story("session s1 part=APP-3; says what is it in s1"))).toContain("run_queued");
  });

  test("a blocked issue starts when the blocker is done, and work under way is not held back by one", () => {
    const told = story("delegated blocked=APP-2");
    expect(last(told)).toContain("delegated implement/blocked");
    expect(last(told.tell("ticket"))).toContain("run_queued → start_run");
    expect(last(story(`${GREEN}; ticket blocked=APP-2; says also this`))).toContain("run_queued");
  });

  test("without an agent, a full disk or a spent day the issue waits and goes on by itself", () => {
    expect(last(story("agent missing; delegated; agent ready"))).toContain("run_queued");
    expect(last(story("disk full; delegated; disk fine"))).toContain("run_queued");
    const told = story("budget usdPerDay 5; spent 7 today; delegated");
    expect(new Date(told.life.decision?.until ?? 0).toISOString()).toBe("2026-01-06T00:00:00.000Z");
    expect(last(told.tell("spent 0 today"))).toContain("run_queued");
  });

  test("looking again whether the agent is there is no news, and the next look is planned", () => {
    const { life } = story("agent missing; delegated");
    const now = life.now + 60_000;
    const { facts, decision: before, policy, conditions } = life;
    const woken = { kind: "time_passed", at: now, reason: "the agent" } as const;
    const result = advance({ facts, before, observations: [woken], policy, conditions, now });
    expect(result).toMatchObject({ changed: false, decision: { until: now + 60_000 } });
  });

  test("an issue of a team that nobody takes says so, and is taken when it moves", () => {
    const told = story("delegated team=OPS");
    expect(last(told)).toContain("awaiting_input unrouted");
    expect(last(told.tell("ticket team=APP"))).toContain("run_queued → start_run");
  });

  test("a repository that cannot be worked with is waited for", () => {
    const told = story(
      "delegated; run starts; repository there is no branch main; run failed infrastructure",
    );
    expect(last(told)).toContain("awaiting_input repository_problem");
    expect(last(told.tell("repository fine"))).toContain("run_queued → start_run");
  });

  test("a lost webhook and a delivered one end alike once the pull request was read", () => {
    const delivered = story(`${OPEN}; pull h1 test=running; news check test=success; pull h1 test=success`);
    const lost = story(`${OPEN}; pull h1 test=running; wait 0; pull h1 test=success`);
    expect(lost.life.decision).toEqual(delivered.life.decision);
  });
});
