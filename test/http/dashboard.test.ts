import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { html, webUrl } from "../../src/lib/html.ts";
import { serve } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { APP_1, deliveryDocument, issueDocument, journalLine, runDocument, runLine } from "./fake-engine.ts";

describe("a template", () => {
  test("escapes every value, in text and in attributes, and not what was escaped before", () => {
    const evil = `"><script>alert('x')</script>&amp;`;
    const escaped = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;";
    expect(html`<a title="${evil}">${evil}</a>`.toString()).toBe(`<a title="${escaped}">${escaped}</a>`);
    expect(html`<p>${html`<b>${evil}</b>`}</p>`.toString()).toBe(`<p><b>${escaped}</b></p>`);
  });

  test("joins lists, and shows nothing for what is absent", () => {
    const list = ["a", html`<i></i>`, null, undefined, false as const, 0];
    expect(html`${list}`.toString()).toBe("a<i></i>0");
  });

  test("follows only web addresses", () => {
    expect(webUrl("https://example.com/a")).toBe("https://example.com/a");
    for (const url of ["javascript:alert(1)", "data:text/html,x", "//example.com", "x", "", null]) {
      expect(webUrl(url)).toBeNull();
    }
  });
});

describe("the pages", () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await serve();
  });
  afterEach(async () => {
    await bench.close();
  });
  const page = async (path: string): Promise<{ status: number; text: string; csp: string }> => {
    const answer = await fetch(`${bench.url}${path}`, { headers: { accept: "text/html" } });
    expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const csp = answer.headers.get("content-security-policy") ?? "";
    return { status: answer.status, text: await answer.text(), csp };
  };
  const EVIL = `"'><img src=x onerror=alert(1)><script>alert(1)</script>`;

  test("escape whatever outsiders wrote, in every field", async () => {
    const { engine } = bench;
    engine.issues[0] = issueDocument({
      title: EVIL,
      url: "javascript:alert(1)",
      why: EVIL,
      waitsFor: EVIL,
      branch: EVIL,
      repository: EVIL,
      worktree: EVIL,
      rule: EVIL,
      pullRequest: { number: 7, url: "javascript:alert(1)", head: EVIL, state: EVIL, merged: false },
      question: { id: EVIL, text: EVIL, options: [EVIL], askedAt: EVIL },
      queue: { position: 1, reason: EVIL },
      budgets: { [EVIL]: { spent: 1, limit: 2 } },
    });
    engine.runs.push(runDocument({ why: EVIL, outcome: EVIL, thread: EVIL, failureClass: EVIL }));
    engine.commit(journalLine({ issue: APP_1, kind: EVIL, source: EVIL, why: EVIL, from: EVIL, to: EVIL }));
    engine.commit({ ...runLine("linear-0a1b2c3d.1", EVIL), kind: EVIL, at: EVIL });
    engine.deliveries.push(
      deliveryDocument({
        deliveryId: EVIL,
        event: EVIL,
        action: EVIL,
        why: EVIL,
        source: EVIL,
        issues: [EVIL],
      }),
    );
    for (const path of [
      "/",
      "/issues/APP-1",
      "/runs/linear-0a1b2c3d.1",
      "/deliveries",
      `/?q=${encodeURIComponent(EVIL)}`,
    ]) {
      const { status, text } = await page(path);
      expect([path, status]).toEqual([path, 200]);
      expect(text).not.toMatch(/<img src=x|<script>|href="javascript|"'>/);
      expect(text).toContain("&lt;script&gt;");
    }
  });

  test("hold no script and no style of their own, and a policy that forbids any", async () => {
    for (const path of ["/", "/issues/APP-1", "/deliveries", "/issues/NONE-1"]) {
      const { text, csp } = await page(path);
      expect(text.replaceAll(/<script src="\/assets\/dashboard\.js" defer><\/script>/g, "")).not.toMatch(
        /<script|<style| style=| on[a-z]+=/,
      );
      expect(csp).toContain("default-src 'none'");
      expect(csp).toContain("script-src 'self'");
      expect(csp).not.toContain("unsafe");
    }
  });

  test("show where an issue stands, its question, timeline, runs and only sensible commands", async () => {
    const { engine } = bench;
    engine.issues[0] = issueDocument({
      question: {
        id: "q1",
        text: "Which column?",
        options: ["Net", "Gross"],
        askedAt: "2026-01-05T12:00:00.000Z",
      },
    });
    engine.runs.push(runDocument());
    engine.commit(journalLine({ issue: APP_1, kind: "delegated", why: "It was accepted.", from: "paused" }));
    const { text } = await page("/issues/app-1");
    for (const words of [
      "Make the list sortable",
      "Run 1 is under way.",
      "Which column?",
      "It was accepted.",
    ]) {
      expect(text).toContain(words);
    }
    expect(text).toContain('value="Gross"');
    expect(text).toContain('href="/runs/linear-0a1b2c3d.1"');
    expect(text).toMatch(/<button disabled title="APP-1 has a run in progress[^"]*">Retry</);
    expect(text).toMatch(/<button\s*>Stop</);
  });

  test("fold what left an issue where it stood, and show every move", async () => {
    const { engine } = bench;
    const here = { issue: APP_1, from: "implementing", to: "implementing", why: "Run 7 is at work." };
    engine.commit(journalLine({ ...here, kind: "run_started", from: "preparing" }));
    for (const kind of ["first_news", "second_news", "third_news"])
      engine.commit(journalLine({ ...here, kind }));
    engine.commit(journalLine({ ...here, kind: "other_news", why: "Run 7 is done." }));
    const { text } = await page("/issues/APP-1");
    expect(text).toContain("2 earlier entries, no change");
    const [shown, hidden] = text.split("2 earlier");
    expect(shown).toMatch(/other news.*third news/s);
    expect(hidden).toMatch(/second news.*first news.*<\/details>.*run started/s);
    expect(text.match(/Run 7 is at work/g)).toHaveLength(4);
  });

  test("filter, page, and say so when there is nothing", async () => {
    for (let number = 2; number <= 60; number += 1) {
      bench.engine.issues.push(
        issueDocument({ id: `linear:${number}`, key: `APP-${number}`, state: "done" }),
      );
    }
    const first = (await page("/?state=done&q=app")).text;
    expect(first).toContain("APP-51");
    expect(first).not.toContain("APP-52");
    const older = /href="(\/\?[^"]*)">Older/.exec(first)?.[1]?.replaceAll("&amp;", "&") ?? "";
    expect(older).toContain("state=done");
    expect((await page(older)).text).toContain("APP-60");
    expect((await page("/?state=&q=nothing-like-it")).text).toContain("No issues match.");
    expect((await page("/deliveries")).text).toContain("No webhooks yet.");
  });

  test("show the last lines of a long log and go on after them", async () => {
    bench.engine.runs.push(runDocument());
    for (let line = 1; line <= 1_200; line += 1) {
      bench.engine.commit(runLine("linear-0a1b2c3d.1", `line ${line}.`));
    }
    const { text } = await page("/runs/linear-0a1b2c3d.1");
    expect(text).toContain("line 1200.");
    expect(text).toContain("line 701.");
    expect(text).not.toContain("line 700.");
    expect(text).toContain('data-after="1200"');
  });

  test.each([
    ["issues", "/"],
    ["an issue", "/issues/APP-1"],
    ["a run", "/runs/linear-0a1b2c3d.1"],
    ["deliveries", "/deliveries"],
    ["what is not there", "/issues/NONE-1"],
  ])("the words of the page of %s", async (_, path) => {
    const { engine } = bench;
    const askedAt = "2026-01-05T12:00:00.000Z";
    engine.issues[0] = issueDocument({
      waitsFor: "an answer",
      question: { id: "q1", text: "Which column?", options: ["Net", "Gross"], askedAt },
    });
    engine.runs.push(runDocument({ outcome: "failed", failureClass: "test" }));
    engine.deliveries.push(deliveryDocument({ state: "quarantined", why: "Unknown event." }));
    engine.commit(journalLine({ issue: APP_1, kind: "delegated", why: "It was accepted.", from: "paused" }));
    engine.commit(runLine("linear-0a1b2c3d.1", "Looked at the table."));
    // The files' names change with their content, which is no page's.
    const text = (await page(path)).text.replaceAll(/(\/assets\/[\w.-]+)\?[\w=.-]+/g, "$1");
    expect(text).toMatchSnapshot();
  });

  test("a browser gets a page for what is not there, a program a problem", async () => {
    const { status, text } = await page("/issues/NONE-1");
    expect(status).toBe(404);
    expect(text).toContain("there is no issue");
    const answer = await fetch(`${bench.url}/issues/NONE-1`);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
  });

  test("script, style and icon are sent once and then confirmed", async () => {
    for (const path of ["/assets/dashboard.js", "/assets/dashboard.css", "/assets/icon.svg"]) {
      const first = await fetch(`${bench.url}${path}`);
      expect(first.status).toBe(200);
      const etag = first.headers.get("etag") ?? "";
      const second = await fetch(`${bench.url}${path}`, { headers: { "if-none-match": etag } });
      expect(second.status).toBe(304);
    }
  });
});
