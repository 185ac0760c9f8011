import { describe, expect, test } from "vitest";
import type { Observation } from "../../../src/factory/facts/observation.ts";
import type { Decision } from "../../../src/factory/rules/decision.ts";
import type { Activity } from "../../../src/factory/effects/effect.ts";
import {
  counted,
  firstLine,
  listed,
  quoting,
  sentence,
  sentences,
  withReason,
} from "../../../src/factory/words.ts";
import { Story } from "../story.ts";
import { CASES } from "../table.ts";

// Everything that a story makes the factory say, judged as prose. What others write (people, agents, services) ends here
// once with and once without a full stop: whatever follows it must be a sentence of its own.

/** A story in which whatever others write, and whatever is wrong with this machine, is `text`. */
class Theirs extends Story {
  readonly #text: string;
  constructor(text: string) {
    super();
    this.#text = text;
  }

  protected override seen(line: string): readonly Observation[] {
    const seen = super.seen(line);
    const text = this.#text;
    const { disk, agents } = this.life.conditions;
    const reasons = Object.entries(agents).map(([name, why]) => [name, why === null ? null : text] as const);
    this.life.conditions = {
      ...this.life.conditions,
      disk: disk === null ? null : `Only ${text}`,
      agents: Object.fromEntries(reasons),
    };
    return seen.map((observation) => written(observation, text));
  }
}

function written(seen: Observation, text: string): Observation {
  if (seen.kind === "prompted") return { ...seen, text };
  if (seen.kind === "effect_settled") return { ...seen, detail: text };
  if (seen.kind === "repository_read") return { ...seen, problem: seen.problem === null ? null : text };
  if (seen.kind === "pull_request_read")
    return { ...seen, reviews: seen.reviews.map((review) => ({ ...review, body: text })) };
  if (seen.kind !== "run_ended") return seen;
  const question = seen.question === null ? null : { ...seen.question, text };
  return { ...seen, end: { ...seen.end, summary: text }, question };
}

interface Said {
  readonly why: readonly string[];
  readonly waitsFor: readonly string[];
  /** Whole texts for the tracker and the pull request. */
  readonly told: readonly string[];
}

/** What is said while a story goes on, each text once. */
function said(told: string, text: string): Said {
  const story = new Theirs(text);
  const { life } = story;
  const decisions: Pick<Decision, "why" | "waitsFor">[] = [];
  const see = life.see.bind(life);
  life.see = (at, ...observations) => {
    const line = see(at, ...observations);
    if (life.decision !== null) decisions.push(life.decision);
    return line;
  };
  story.tell(told);
  // What a row says of a run that it calls for: once one is reserved, another row speaks.
  decisions.push(new Theirs(text).decideAfter(told));
  return {
    why: [...new Set(decisions.map(({ why }) => why))],
    waitsFor: [...new Set(decisions.flatMap(({ waitsFor }) => waitsFor ?? []))],
    told: life.effects.flatMap((effect) => {
      // Its answers and questions are the agent's own words.
      if (effect.kind === "tell") return wordsOf(effect.activity).filter((words) => words !== text);
      if (effect.kind === "close_pull_request") return [effect.comment];
      return effect.kind === "link" ? [`${effect.label}.`] : [];
    }),
  };
}

function wordsOf(activity: Activity): readonly string[] {
  if (activity.type !== "action") return [activity.body];
  return [`${activity.action} ${activity.parameter}.`];
}

/** Names of people and of an operator in the stories: they may begin a sentence as they are. */
const NAMES = /^(rev|ops|Ann)\b/;
const LINK = /https?:\S+/g;

/** What is wrong with whole sentences, in words; empty = nothing. */
function faults(text: string, mark: string): readonly string[] {
  const found: string[] = [];
  const prose = text.replaceAll(LINK, "").replaceAll(/`[^`]*`/g, "Command");
  for (const line of prose.split("\n").map((row) => row.replace(/^- /, "").trim())) {
    if (line === "" || line.endsWith(":")) continue;
    if (!/[.!?…]["”')]*$/.test(line)) found.push(`it does not end: ${line}`);
    const parts = line.split(/(?<=[.!?…]["”')]*) +/);
    for (const part of parts)
      if (!/^["(]?[A-Z0-9]/.test(part) && !NAMES.test(part)) found.push(`it begins small: ${part}`);
    const twice = parts.filter((part, index) => parts.indexOf(part) !== index);
    if (twice.length > 0) found.push(`it is said twice: ${twice.join(" ")}`);
  }
  if (new RegExp(`${mark}(?!"?[.!?…])`).test(prose))
    found.push("what others wrote runs into the next sentence");
  if (/\.["”')]*\.(?!\.)|\?["”')]*\.|  | [.,;:]/.test(prose)) found.push("a doubled or stray stop");
  if (/[a-z0-9)"]\.[A-Z]/.test(prose)) found.push("two sentences without a space");
  return [...found, ...unfit(prose)];
}

/** Words that are ours and not the readers'. */
function unfit(prose: string): readonly string[] {
  const found: string[] = [];
  const jargon = /\b(forge|tracker|green|red|head|[a-z]+_[a-z_]+)\b/i.exec(prose);
  if (jargon !== null) found.push(`jargon: ${jargon[0]}`);
  const one = /\b1 (check|run|attempt|time|token|message)s\b/.exec(prose);
  if (one !== null) found.push(`a wrong plural: ${one[0]}`);
  if (/`(retry|resume|answer)`/.test(prose)) found.push("a command that cannot be typed");
  return found;
}

/** What is wrong with a phrase that follows "waiting for". */
function phraseFaults(phrase: string): readonly string[] {
  const found = [...unfit(phrase)];
  if (/[.!?:;]$/.test(phrase)) found.push("a phrase has no end of its own");
  if (/[.!?] /.test(phrase)) found.push("a phrase is no sentence");
  if (/^[A-Z][a-z]/.test(phrase)) found.push("a phrase begins small");
  return found;
}

const MARK = "ENDMARK";

/** Told once more when it is over: late messages, a second session, a failure of everything. */
const MORE = [
  "delegated; run starts; run intends h1; run published; pull h1 test=success; review r1 approved; merge ok; pull h1 merged",
  "delegated; run starts; says also the docs; run published; operator close",
  "delegated; run starts; run failed test; run starts; run failed test; run starts; run failed test; session s2",
  "delegated; run starts; run intends h1; run published; pull h1 required= lint=success; wait 90; pull h1 lint=failure#2 test=failure; wait 90",
  "delegated; run starts; run intends h1; run published; pull h1 required=a,b,c,d,e; pull h1 a=failure b=failure c=failure d=success e=success",
  "delegated blocked=APP-2; ticket; run starts; run asked asks Which?; answer the first; run starts; run answered",
  "budget ciRepairs 0; delegated; run starts; run intends h1; run published; pull h1 test=failure",
  "budget ciRepairs 1; delegated; run starts; run intends h1; run published; pull h1 test=failure; run starts; run failed test",
  "delegated; run starts; run intends h1; run published; pull h1 queue test=success; review r1 approved; merge ok; pull h1 queued; pull h1 unqueued; ejected conflict; run starts; run no_change",
  "delegated; run starts; operator cancel; run stopped",
  "delegated; run starts; run intends h1; run published; pull h1 test=success; operator cancel",
  "delegated; run starts; stopped; run stopped; operator resume; run starts; run no_change",
];

const STORIES = [...new Set([...CASES.map(({ told }) => told), ...MORE])];

describe.each([
  ["without a full stop", ""],
  ["with one", "."],
])("what others write ends %s:", (_, end) => {
  test("every why is whole sentences, every text for people too, and what is waited for is a phrase", () => {
    const text = `it says ${MARK}${end}`;
    const found = STORIES.flatMap((told) => {
      const { why, waitsFor, told: texts } = said(told, text);
      return [
        ...[...why, ...texts].flatMap((words) => faults(words, MARK).map((fault) => `${fault} | ${words}`)),
        ...waitsFor.flatMap((words) => phraseFaults(words).map((fault) => `${fault} | ${words}`)),
      ];
    });
    expect([...new Set(found)]).toEqual([]);
  });
});

test("every why and what is waited for, to be read aloud", () => {
  const all = STORIES.map((told) => said(told, "what they wrote"));
  const page = (texts: readonly string[]): string => [...new Set(texts)].toSorted().join("\n");
  expect(page(all.flatMap(({ why }) => why))).toMatchSnapshot("why");
  expect(page(all.flatMap(({ waitsFor }) => waitsFor))).toMatchSnapshot("waiting for");
  expect(page(all.flatMap(({ told }) => told))).toMatchSnapshot("told");
});

describe("the judge of prose", () => {
  test.each([
    ["It failed It will be retried", "it does not end"],
    ["It failed. it will be retried.", "it begins small"],
    ["It failed. It failed.", "it is said twice"],
    ["It says: ENDMARK It will be retried.", "runs into the next"],
    ["It failed..", "doubled"],
    ["It failed.It ended.", "without a space"],
    ["The forge said no.", "jargon: forge"],
    ["It is in ci_repair.", "jargon: ci_repair"],
    ["It has 1 checks.", "a wrong plural"],
  ])("finds what is wrong with %j", (text, fault) => {
    expect(faults(text, MARK).join()).toContain(fault);
  });

  test("finds nothing wrong with good prose", () => {
    const text =
      'rev asked: "why ENDMARK?" I am waiting for 1 check, or 2 checks.\n\n- Run 1 failed: ENDMARK.';
    expect(faults(text, MARK)).toEqual([]);
  });
});

describe("words", () => {
  test("a sentence ends once, whatever it ended with", () => {
    expect(
      [
        "",
        "It failed",
        "It failed.",
        "Really?",
        'He said: "no"',
        'He said "no."',
        "it has a list:",
        "more …",
      ].map(sentence),
    ).toEqual([
      "",
      "It failed.",
      "It failed.",
      "Really?",
      'He said: "no".',
      'He said "no."',
      "it has a list.",
      "more …",
    ]);
    expect(sentences("One", "", "Two.")).toBe("One. Two.");
  });

  test("of a text only the first line is quoted, and that there is more is shown", () => {
    expect(firstLine("  one\ntwo")).toBe("one …");
    expect(firstLine("one\n")).toBe("one");
    expect(firstLine("x".repeat(201))).toBe(`${"x".repeat(199)}…`);
    expect(quoting("Ann asked", "please:\n- this")).toBe('Ann asked: "please: …"');
    expect(quoting("rev requested changes", " \n")).toBe("rev requested changes.");
    expect(withReason("The merge was refused", "")).toBe("The merge was refused.");
  });

  test("numbers and lists are as they are spoken", () => {
    expect([0, 1, 2].map((count) => counted(count, "check"))).toEqual(["0 checks", "1 check", "2 checks"]);
    expect([[], ["a"], ["a", "b"], ["a", "b", "c", "d"], ["a", "b", "c", "d", "e"]].map(listed)).toEqual([
      "",
      "a",
      "a and b",
      "a, b, c and d",
      "a, b, c and 2 more",
    ]);
  });
});
