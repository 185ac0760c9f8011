import { expect, test } from "vitest";
import { tell } from "../../src/effects/tracker/tell.ts";
import type { EffectParts } from "../../src/effects/parts.ts";
import type { Activity, EffectOf } from "../../src/factory/effects/effect.ts";
import { emptyFacts } from "../../src/factory/facts/facts.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import { ExternalError, type ExternalFault } from "../../src/lib/external.ts";
import type { TrackerWorkspace } from "../../src/trackers/tracker.ts";
import { POLICY } from "../factory/world.ts";
import { handClock } from "../agents/hand-clock.ts";

const ISSUE = issueId("linear", "i1");
const PASSING: Activity = { type: "thought", body: "Reading.", ephemeral: true };
const LASTING: Activity = { type: "thought", body: "Run 1 failed." };

/** Performs a telling that the tracker answers with that fault; gives how much it was wanted. */
async function told(
  activity: Activity,
  { fault = null, acknowledges = false }: { fault?: ExternalFault | null; acknowledges?: boolean } = {},
): Promise<string | undefined> {
  let wanted: string | undefined;
  const tracker: Pick<TrackerWorkspace, "tell"> = {
    async tell(_session, _key, _activity, _signal, need) {
      wanted = need;
      if (fault !== null) throw new ExternalError(fault, "no");
    },
  };
  const parts = { tracker: () => tracker, policy: POLICY, clock: handClock() } as unknown as EffectParts;
  const effect: EffectOf<"tell"> = {
    kind: "tell",
    key: "k",
    issue: ISSUE,
    session: "s",
    activity,
    acknowledges,
  };
  const context = {
    facts: emptyFacts(ISSUE, 0),
    attempt: 1,
    signal: new AbortController().signal,
    record: () => Promise.resolve(),
  };
  await tell(parts)(effect, context);
  return wanted;
}

test("a passing word is left out when the allowance is low, and waits for the end of an outage", async () => {
  expect(await told(PASSING, { fault: "rate_limited" })).toBe("fleeting");
  await expect(told(PASSING, { fault: "unavailable" })).rejects.toMatchObject({ kind: "unavailable" });
});

test.each<[string, Activity, boolean]>([
  ["what is to stay", LASTING, false],
  ["the first word of a session", PASSING, true],
])("%s waits for the allowance", async (_, activity, acknowledges) => {
  expect(await told(activity, { acknowledges })).toBe("wanted");
  await expect(told(activity, { acknowledges, fault: "rate_limited" })).rejects.toMatchObject({
    kind: "rate_limited",
  });
});
