import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Testbed } from "../../src/demo/testbed.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import { cli, json } from "./fake-host.ts";
import { linearReady, linearTestbed } from "./linear-testbed.ts";

const CHROMIUM = "/usr/bin/chromium";
const there = existsSync(CHROMIUM);
const required = process.env["CI"] === "true";
if (!there && !required) process.stdout.write(`skipped: no browser at ${CHROMIUM}\n`);

describe.skipIf(!there && !required)("an admin connects Linear in a browser", () => {
  let browser: Browser;
  let testbed: Testbed;
  let url: string;
  let env: Record<string, string>;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    testbed = await linearTestbed("browser");
    const { oauth } = testbed.standIns.linear;
    env = { ...testbed.standIns.credentials, PATCHRELAY_ENCRYPTION_KEY: "cd".repeat(32) };
    oauth.settings.clientCredentials = false;
    ({ url } = await testbed.start({ clock: systemClock, log: silentLog, env }));
    oauth.settings.redirectUris = [`${url}/oauth/linear/callback`];
    oauth.consent = "asked";
  });
  afterAll(async () => {
    await browser?.close();
    await testbed?.close();
  });

  test("who cancels changes nothing; who authorizes the address that the command prints is connected", async () => {
    const page = await browser.newPage();
    const connect = async (): Promise<string> => {
      const { out } = await cli(["linear", "connect", "--json", "--config", testbed.configFile], {
        cwd: testbed.dir,
        env,
      });
      return json<{ authorizeUrl: string }>(out).authorizeUrl;
    };
    await page.goto(await connect());
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("Linear did not grant access (access_denied)").waitFor();
    expect((await linearReady(url)).ok).toBe(false);

    await page.goto(await connect());
    await page.getByRole("button", { name: "Authorize" }).click();
    await page.getByRole("heading", { name: "Linear is connected" }).waitFor();
    expect(await linearReady(url, ({ ok }) => ok)).toMatchObject({
      detail: "signed in as Patchrelay in Example",
    });

    await page.reload();
    await page.getByText("used already").waitFor();
  });

  test("from the relay's own address, typed into the browser", async () => {
    const page = await browser.newPage();
    await page.goto(`${url}/oauth/linear/start`);
    await page.getByRole("button", { name: "Authorize" }).click();
    await page.getByRole("heading", { name: "Linear is connected" }).waitFor();
  });
});
