import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { check } from "../../src/engines/embedded/database/maintenance.ts";
import { openViews } from "../../src/engines/embedded/views/open-views.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { buildChild } from "./child-process.ts";
import type { Child } from "./child-process.ts";

const PAGE = { limit: 50, cursor: null };
let child: Child;
let folder: string;

beforeAll(async () => {
  child = await buildChild();
});
afterAll(() => child.remove());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "patchrelay-crash-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = (file: string): string[] => {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
};

/** What must hold once the history has been played to its end, whatever happened on the way. */
async function expectWhole(): Promise<void> {
  const file = join(folder, "patchrelay.db");
  const views = openViews(file, systemClock);
  try {
    const deliveries = (await views.deliveries({ state: null, source: null }, PAGE)).items;
    expect(deliveries.map(({ deliveryId, state }) => `${deliveryId} ${state}`).toSorted()).toEqual([
      "d-a applied",
      "d-b applied",
      "d-c applied",
    ]);
    for (const issue of ["a", "b", "c"]) {
      const journal = (await views.journal(`linear:${issue}`, PAGE))?.items ?? [];
      expect(journal.filter(({ observation }) => observation.delivery === `d-${issue}`)).toHaveLength(1);
      expect(journal.filter(({ observation }) => observation.kind === "run_ended")).toHaveLength(1);
      expect(
        (await views.runs({ issue: `linear:${issue}` }, PAGE)).items.map(({ outcome }) => outcome),
      ).toEqual(["published"]);
      expect(lines("performed.log")).toContain(`tell-${issue}`);
    }
    expect((await views.counts()).outbox).toEqual({ done: 6 });
  } finally {
    await views.close();
  }
  expect(check(file, systemClock.now())).toEqual([]);
}

test("the history without a kill ends whole and each effect was carried out once", async () => {
  expect(await child.run("history", folder)).toEqual({ ended: 0, errors: "" });
  await expectWhole();
  expect(lines("performed.log")).toHaveLength(6);
});

test.each([
  ["ingest.verified", 4],
  ["ingest.in_tx", 1],
  ["ingest.committed", 1],
  ["worker.claimed", 1],
  ["worker.in_tx", 1],
  ["worker.committed", 1],
  ["effect.before_call", 2],
  ["effect.after_call", 1],
  ["effect.recorded", 2],
  ["run.claimed", 2],
  ["migrate.0001-inbox", 1],
  ["migrate.0003-outbox", 1],
  ["recover.mid", 1],
  ["checkpoint.mid", 1],
  ["shutdown.draining", 1],
])(
  "killed at %s, the next start brings everything to its end and loses no answer",
  async (failpoint, nth) => {
    expect((await child.run("history", folder, failpoint, String(nth))).ended).toBe("SIGKILL");
    const acked = lines("acked.log");
    if (acked.length > 0) {
      const views = openViews(join(folder, "patchrelay.db"), systemClock);
      for (const id of acked) expect(await views.delivery(id)).toHaveLength(1);
      await views.close();
    }
    expect(await child.run("history", folder)).toEqual({ ended: 0, errors: "" });
    await expectWhole();
  },
);
