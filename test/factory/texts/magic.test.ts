import { describe, expect, test } from "vitest";
import { commitMessage, pullRequestText } from "../../../src/factory/effects/texts/pull-request.ts";
import { defused } from "../../../src/factory/effects/texts/defuse.ts";
import { clip, wellFormed } from "../../../src/lib/text.ts";
import { cut } from "../../../src/factory/words.ts";
import { Story } from "../story.ts";

describe("words on which GitHub and CI services act are only words", () => {
  test.each([
    ["Add it [skip ci]", "Add it (skip ci)"],
    ["[ci skip] [no ci] [skip actions] [actions skip]", "(ci skip) (no ci) (skip actions) (actions skip)"],
    ["[Skip-CI] [skip netlify]", "(Skip-CI) (skip netlify)"],
    ["***NO_CI***", "NO_CI"],
    ["Done.\n\nskip-checks: true", "Done.\n\nskip checks: true"],
    ["Fixes #4, closes acme/app#5", "Fixes `#4`, closes `acme/app#5`"],
    ["resolved: GH-12", "resolved: `GH-12`"],
    ["Closes https://github.com/acme/app/issues/9.", "Closes `https://github.com/acme/app/issues/9`."],
    ["cc @acme/admins and @grace", "cc `@acme/admins` and `@grace`"],
    ["(@grace)", "(`@grace`)"],
    ["mail ann@example.com about `@Injectable()`", "mail ann@example.com about `@Injectable()`"],
    ["```\n@Injectable()\nfixes #4\n```", "```\n@Injectable()\nfixes #4\n```"],
    ["See #4; an array[skip] is fine", "See #4; an array[skip] is fine"],
    ["[no idea](https://x.example) and [skip this]", "[no idea](https://x.example) and [skip this]"],
  ])("%j", (text, expected) => {
    expect(defused(text)).toBe(expected);
    expect(defused(expected)).toBe(expected);
  });

  test("in titles, bodies and commits, whose key survives every cut", () => {
    const { life } = new Story().tell("delegated; run starts");
    const [run] = life.facts.runs;
    if (run === undefined || life.facts.ticket.core === null)
      throw new Error("the story has a run and a ticket");
    const core = {
      ...life.facts.ticket.core,
      value: { ...life.facts.ticket.core.value, title: `[skip ci] ${"😀".repeat(300)}` },
    };
    const facts = { ...life.facts, ticket: { ...life.facts.ticket, core } };
    const { title } = pullRequestText(facts, "Fixes #4");
    expect(title).toMatch(/^\(skip ci\) .*… \(APP-1\)$/u);
    expect(title.length).toBeLessThanOrEqual(250);
    expect(title).toBe(wellFormed(title));
    const message = commitMessage(facts, run, "Fixes #4 [skip ci]");
    expect(message).toBe(wellFormed(message));
    expect(message).toMatch(/^APP-1: \(skip ci\) /u);
    expect(message).toContain("Fixes `#4` (skip ci)");
  });
});

describe("no cut leaves half a character", () => {
  test.each([clip, cut])("%o", (shorten) => {
    const text = "😀".repeat(20);
    for (let most = 1; most <= 41; most += 1) {
      const short = shorten(text, most);
      expect(short).toBe(wellFormed(short));
      expect(short.length).toBeLessThanOrEqual(Math.max(most, 1));
    }
  });

  test("halves that others sent are replaced", () => {
    expect(wellFormed("a\ud83d b\ude00 😀")).toBe("a\ufffd b\ufffd 😀");
  });
});
