import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serve, TOKEN } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { APP_1, issueDocument, journalLine, NOON, runDocument, runLine } from "./fake-engine.ts";
import { systemClock } from "../../src/lib/clock.ts";

const CHROMIUM = "/usr/bin/chromium";
const there = existsSync(CHROMIUM);
const required = process.env["CI"] === "true";
if (!there && !required) process.stdout.write(`skipped: no browser at ${CHROMIUM}\n`);

describe.skipIf(!there && !required)("the dashboard in a browser", () => {
  let browser: Browser;
  let bench: Bench;
  const faults: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    bench = await serve({ token: TOKEN, over: { clock: systemClock } });
    bench.engine.runs.push(runDocument());
  });
  afterAll(async () => {
    await browser?.close();
    await bench?.close();
  });

  async function open(path: string, origin = bench.url): Promise<Page> {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(message.text());
    });
    await page.goto(`${origin}${path}`);
    return page;
  }

  test("goes live and shows what changes without being asked", async () => {
    const page = await open("/");
    await page.locator("#live.on").waitFor();
    bench.engine.issues[0] = issueDocument({ state: "pr_open", why: "Checks are running." });
    bench.engine.commit(journalLine({ issue: APP_1, kind: "pull_request_changed" }));
    await page.getByText("Checks are running.").waitFor();
    await page.context().close();
  });

  test("answers a question by one of its options, and by the keyboard alone", async () => {
    const question = {
      id: "q1",
      text: "Net or gross?",
      options: ["Net", "Gross"],
      askedAt: "2026-01-05T12:00:00.000Z",
    };
    bench.engine.issues[0] = issueDocument({ question });
    const facts = bench.engine.known.get(APP_1);
    if (facts === undefined) throw new Error("the fake engine keeps APP-1");
    const asked = {
      ...question,
      about: "work" as const,
      afterRun: 1,
      askedAt: NOON,
      run: 1,
      known: [],
      dueAt: null,
      answer: null,
    };
    bench.engine.known.set(APP_1, { ...facts, questions: { q1: asked } });
    const page = await open("/issues/APP-1");
    await page.locator("#live.on").waitFor();
    const option = page.getByRole("button", { name: "Gross" });
    await option.focus();
    await page.keyboard.press("Enter");
    await page.getByText("Done; see the timeline.").waitFor();
    expect(bench.engine.observed.at(-1)?.observation).toMatchObject({
      command: "answer",
      question: "q1",
      text: "Gross",
    });
    await page.context().close();
  });

  test("keeps what is being typed while news comes in, and shows a refusal in words", async () => {
    bench.engine.issues[0] = issueDocument({
      question: { id: "q1", text: "Net or gross?", options: [], askedAt: "2026-01-05T12:00:00.000Z" },
    });
    const page = await open("/issues/APP-1");
    await page.locator("#live.on").waitFor();
    await page.getByLabel("Your answer").fill("half an answ");
    bench.engine.commit(journalLine({ issue: APP_1, kind: "time_passed", why: "Something else happened." }));
    await page.getByText("Something else happened.").waitFor();
    expect(await page.getByLabel("Your answer").inputValue()).toBe("half an answ");
    // By now the question is answered, from the test before.
    await page.getByRole("button", { name: "Answer", exact: true }).click();
    await page.getByText("no open question").waitFor();
    await page.context().close();
  });

  test("asks before it stops something", async () => {
    bench.engine.issues[0] = issueDocument();
    const before = bench.engine.observed.length;
    const page = await open("/issues/APP-1");
    await page.locator("#live.on").waitFor();
    page.once("dialog", (dialog) => {
      dialog.dismiss().catch((error: unknown) => faults.push(String(error)));
    });
    await page.getByRole("button", { name: "Stop" }).click();
    expect(bench.engine.observed).toHaveLength(before);
    page.once("dialog", (dialog) => {
      dialog.accept().catch((error: unknown) => faults.push(String(error)));
    });
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByText("Done; see the timeline.").waitFor();
    expect(bench.engine.observed.at(-1)?.observation).toMatchObject({ command: "stop" });
    await page.context().close();
  });

  test("lets a run's log grow, as text whatever is in it", async () => {
    bench.engine.commit(runLine("linear-0a1b2c3d.1", "the first line"));
    const page = await open("/runs/linear-0a1b2c3d.1");
    await page.locator("#live.on").waitFor();
    bench.engine.commit(runLine("linear-0a1b2c3d.1", "<img src=x onerror=alert(1)> is text"));
    bench.engine.commit(runLine("another-run.1", "not here"));
    await page.getByText("<img src=x onerror=alert(1)> is text").waitFor();
    expect(await page.locator("#log li").count()).toBe(2);
    expect(await page.locator("#log img").count()).toBe(0);
    await page.context().close();
  });

  test("is not wider than a phone", async () => {
    bench.engine.issues[0] = issueDocument({
      title: "x".repeat(200),
      why: "y".repeat(300),
      branch: "z".repeat(120),
    });
    for (const path of ["/", "/issues/APP-1", "/runs/linear-0a1b2c3d.1", "/deliveries"]) {
      const page = await open(path);
      await page.setViewportSize({ width: 360, height: 740 });
      const width = await page.evaluate<number>("document.documentElement.scrollWidth");
      expect([path, width]).toEqual([path, 360]);
      await page.context().close();
    }
  });

  test("asks for the token under another name, and lets in with it", async () => {
    const local = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--host-resolver-rules=MAP relay.test 127.0.0.1"],
    });
    try {
      const page = await local.newPage();
      await page.goto(`http://relay.test:${bench.port}/`);
      await page.getByLabel("The relay's token").fill(TOKEN);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.locator("#live.on").waitFor();
      expect(await page.evaluate<string>("document.cookie")).toBe("");
    } finally {
      await local.close();
    }
  });

  test("meets no error and no blocked resource on the way", () => {
    // Refused commands are shown in words; the browser notes their status as well.
    expect(faults.filter((fault) => !fault.includes("409"))).toEqual([]);
  });
});
