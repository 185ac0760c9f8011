import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { describeFactory } from "../../src/factory/describe.ts";

test("docs/factory.md is what the tables say", async () => {
  const written = await readFile(new URL("../../docs/factory.md", import.meta.url), "utf8");
  const current = written === describeFactory();
  expect(current, "docs/factory.md is out of date: run `npm run factory-doc`").toBe(true);
});

test("no cell of the page breaks its table", () => {
  for (const line of describeFactory()
    .split("\n")
    .filter((text) => text.startsWith("|"))) {
    expect(line, line).toMatch(/^\|.*\|$/);
  }
});
