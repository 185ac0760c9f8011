import { afterEach, expect, test } from "vitest";
import { disarmAll, failpoint } from "../../src/lib/failpoints.ts";
import { armFailpoints } from "../../src/settings/failpoints.ts";
import { failpointNames } from "../faults/failpoint-names.ts";

afterEach(disarmAll);

test("failpoints are armed from the environment of a test, at the time that was asked for", () => {
  const env = {
    PATCHRELAY_TEST: "1",
    PATCHRELAY_FAILPOINTS: "run.claimed:throw:3, publish.intent:throw,a.b:delay=0",
  };
  expect(armFailpoints(env)).toEqual([]);
  expect(() => failpoint("publish.intent")).toThrow("failpoint publish.intent");
  failpoint("run.claimed");
  failpoint("run.claimed");
  expect(() => failpoint("run.claimed")).toThrow("failpoint run.claimed");
  failpoint("a.b");
});

test("failpoints are not armed outside of tests, and that is told", () => {
  for (const PATCHRELAY_TEST of [undefined, "", "0", "true"]) {
    const told = armFailpoints({ PATCHRELAY_TEST, PATCHRELAY_FAILPOINTS: "run.claimed:throw" });
    expect(told.map(({ path, message }) => `${path} ${message}`)).toEqual([
      "PATCHRELAY_FAILPOINTS is ignored: failpoints are for tests",
    ]);
    failpoint("run.claimed");
  }
  expect(armFailpoints({ PATCHRELAY_TEST: "1" })).toEqual([]);
});

test("a misspelt entry arms nothing, not even the good ones beside it", () => {
  const bad = [
    "run.claimed",
    "run.claimed:explode",
    "run.claimed:throw:0",
    "run.claimed:delay",
    "Run:kill",
    "",
  ];
  for (const entry of bad) {
    const told = armFailpoints({
      PATCHRELAY_TEST: "1",
      PATCHRELAY_FAILPOINTS: `publish.intent:throw,${entry}`,
    });
    expect(told.map(({ message }) => message)).toEqual([expect.stringContaining(JSON.stringify(entry))]);
    failpoint("publish.intent");
  }
});

test("the kills aim at the failpoints of every room, and at each migration", () => {
  const rooms = new Set(failpointNames().map((name) => name.split(".")[0]));
  expect([...rooms]).toEqual(
    expect.arrayContaining(["effect", "ingest", "migrate", "publish", "run", "worker"]),
  );
});
