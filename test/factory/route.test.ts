import { describe, expect, test } from "vitest";
import type { ProjectPolicy } from "../../src/factory/facts/policy.ts";
import { Story } from "./story.ts";

interface Match {
  readonly teams?: readonly string[];
  readonly projects?: readonly string[];
  readonly labels?: readonly string[];
}

/** A story in a relay with these projects; the issue is APP-1 of team APP. */
function relayWith(projects: Readonly<Record<string, Match & { readonly repository?: string }>>): Story {
  const told = new Story();
  const [base] = told.life.policy.projects;
  if (base === undefined) throw new Error("the stories' policy has a project");
  told.life.policy = {
    ...told.life.policy,
    projects: Object.entries(projects).map(
      ([id, { repository = `acme/${id}`, teams = [], projects: of = [], labels = [] }]): ProjectPolicy => ({
        ...base,
        id,
        repository,
        match: { teams, projects: of, labels },
      }),
    ),
  };
  return told;
}

const last = (told: Story): string => told.lines.at(-1) ?? "";
const routed = (told: Story): string | null => told.life.facts.project?.id ?? null;
const asked = (told: Story) =>
  told.life.effects.flatMap((effect) =>
    effect.kind === "tell" && effect.activity.type === "elicitation" ? [effect.activity] : [],
  );

describe("where an issue goes", () => {
  test("a single project takes everything, and nobody is asked", () => {
    const told = relayWith({ app: {} }).tell("delegated");
    expect([routed(told), asked(told)]).toEqual(["app", []]);
  });

  test("the project that says most about the issue takes it, wherever it stands", () => {
    const told = relayWith({ all: {}, team: { teams: ["APP"] }, exact: { teams: ["app"], labels: ["bug"] } });
    told.tell("delegated");
    expect(routed(told)).toBe("team");
  });

  test("where several fit equally well a person chooses, and the choice stands", () => {
    const told = relayWith({ web: { teams: ["APP"] }, api: { teams: ["APP"] }, ops: { teams: ["OPS"] } });
    told.tell("delegated");
    expect(last(told)).toContain("awaiting_input");
    expect(asked(told)).toEqual([
      {
        type: "elicitation",
        body: "Which repository is this issue for?",
        options: ["acme/web", "acme/api"],
      },
    ]);
    told.tell("wait 600; says acme/api");
    expect(routed(told)).toBe("api");
    expect(told.life.facts.runs.map(({ type, cause }) => [type, cause.prompts])).toEqual([
      ["implementation", []],
    ]);
    told.tell("ticket team=OPS; wait 60");
    expect(routed(told)).toBe("api");
    expect(asked(told)).toHaveLength(1);
  });

  test.each(["ACME/API", "api", " Api ", "2"])("the choice may be said as %j", (words) => {
    expect(routed(relayWith({ web: {}, api: {} }).tell("delegated").tell(`says ${words}`))).toBe("api");
  });

  test("what is none of them is asked again, with the reason, and a word that fits two is no choice", () => {
    const told = relayWith({ one: { repository: "acme/app" }, two: { repository: "other/app" } });
    told.tell("delegated; says the new one; says app");
    expect(routed(told)).toBeNull();
    expect(asked(told).map(({ body }) => body)).toEqual([
      "Which repository is this issue for?",
      "That is none of the repositories that I can choose from. Which repository is this issue for?",
      "That is none of the repositories that I can choose from. Which repository is this issue for?",
    ]);
    told.tell("says I mean it; says hello?; wait 60");
    expect(asked(told).filter(({ options }) => options !== undefined)).toHaveLength(3);
    told.tell("says other/app");
    expect(routed(told)).toBe("two");
  });

  test("two projects of one repository are told apart by their ids", () => {
    const told = relayWith({ front: { repository: "acme/app" }, back: { repository: "acme/app" } }).tell(
      "delegated",
    );
    expect(asked(told)[0]).toMatchObject({ options: ["front", "back"] });
    expect(routed(told.tell("says back"))).toBe("back");
  });

  test("an operator may answer, and somebody who may not steer may not", () => {
    const told = relayWith({ web: {}, api: {} }).tell("delegated; comments acme/web by stranger");
    expect(routed(told)).toBeNull();
    expect(routed(told.tell("answer acme/web"))).toBe("web");
  });

  test("an issue that no project takes is said to be one, with nothing to choose from", () => {
    const told = relayWith({ ops: { teams: ["OPS"] }, web: { teams: ["WEB"] } }).tell("delegated");
    expect(last(told)).toContain("awaiting_input unrouted");
    expect(asked(told)).toEqual([expect.not.objectContaining({ options: expect.anything() })]);
  });

  test("a question is not asked of an issue that was taken back", () => {
    const told = relayWith({ web: {}, api: {} }).tell("undelegated");
    expect(asked(told)).toEqual([]);
  });
});
