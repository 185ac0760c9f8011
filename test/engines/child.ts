// A relay's engine in a process of its own, for tests that kill it. Bundled by child-process.ts.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { openEmbeddedEngine } from "../../src/engines/embedded/engine.ts";
import { delay, systemClock } from "../../src/lib/clock.ts";
import { arm } from "../../src/lib/failpoints.ts";
import { delivery, engineParts, issueOf } from "./parts.ts";
import { script, scriptedAdvance } from "./scripted-factory.ts";

const ISSUES = ["a", "b", "c"];
const LOOKS = 1_000;
const LOOK_MS = 10;

const [mode = "", folder = "", failpoint = "", nth = "1"] = process.argv.slice(2);
const note = (file: string, line: string): void => appendFileSync(join(folder, file), `${line}\n`);

if (failpoint !== "") arm(failpoint, { kind: "kill" }, Number(nth));
const parts = engineParts(systemClock, {
  async perform(effect) {
    note("performed.log", effect.key);
    return [];
  },
  async performRun(handle) {
    note("performed.log", `run ${handle.issue}.${handle.run}`);
    await handle.saveProgress({ seen: true });
    await handle.record([
      {
        kind: "run_ended",
        at: 1,
        run: handle.run,
        fence: handle.fence,
        question: null,
        spent: { input: 1, cached: 0, output: 1, usd: null },
        end: {
          outcome: "published",
          failureClass: null,
          summary: "",
          retryAt: null,
          replies: [],
        },
      },
    ]);
  },
});
const engine = openEmbeddedEngine({
  file: join(folder, "patchrelay.db"),
  lockFile: join(folder, "patchrelay.lock"),
  pid: process.pid,
  parts,
  advance: scriptedAdvance,
});
await engine.start();

if (mode === "hold") {
  process.stdout.write("held\n");
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
} else {
  // Each issue: told of twice by the same delivery, one effect, one run. Sent again after a restart, as a
  // sender does that got no answer.
  const sent = ISSUES.flatMap((issue) => {
    const effects = [{ kind: "tell" as const, key: `tell-${issue}`, session: "s" }];
    const observation = {
      ...script({ effects, run: "implementation", project: issue }),
      prompt: `p-${issue}`,
    };
    const one = delivery(`d-${issue}`, { issue, observations: [observation] });
    return [one, one];
  });
  await Promise.all(
    sent.map(async (one) => {
      await engine.accept(one);
      note("acked.log", one.deliveryId);
    }),
  );
  for (let look = 0; look < LOOKS && !(await isIdle()); look += 1) await delay(systemClock, LOOK_MS);
  const idle = await isIdle();
  await engine.stop(5_000);
  process.exit(idle ? 0 : 3);
}

async function isIdle(): Promise<boolean> {
  const health = engine.health();
  const facts = await Promise.all(ISSUES.map(async (issue) => await engine.facts(issueOf(issue))));
  const ended = facts.every((each) => each?.runs.at(-1)?.state === "ended");
  return ended && health.inbox.pending === 0 && health.outbox.pending === 0 && health.slots.used === 0;
}
