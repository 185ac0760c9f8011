import { afterAll, describe, expect, test } from "vitest";
import { policyFunctions } from "./altered-policy.ts";
import { embeddedSite } from "./embedded-site.ts";
import { engineConformance } from "./engine.ts";

// Whether an engine decides by engines/policy/ alone: one function at a time answers something else, and a case of the
// conformance suite has to notice. An engine that decides by a copy of its own does not.

/** The database puts effects in this order itself: test/engines/order.test.ts compares the two. */
const IN_THE_DATABASE = ["order.ts:mayGo", "order.ts:byDue", "order.ts:byPlace"];

// policy function | case that notices
const NOTICED_BY = `
  broken-run.ts:stoppedBeforeItBegan | a stop reaches the run, also one that still waits for a slot
  broken-run.ts:brokenOff | a run that cannot be started again and again ends, free of charge, and holds nothing up
  broken-run.ts:endOfBroken | a pipeline that breaks is settled as an uncharged infrastructure failure with a time to try again
  delivery.ts:outcomeOf | a delivery changes its issue once, however often it comes
  discovery.ts:firstLook | it goes on although reading fails and although looking for lost issues never answers
  discovery.ts:withAnswer | an issue that no webhook reported is found and kept
  discovery.ts:startsOver | a list that goes on is followed to its end, and a place in it that is refused starts over
  discovery.ts:takeFrom | an issue that no webhook reported is found and kept
  discovery.ts:isAsked | an issue that no webhook reported is found and kept
  discovery.ts:discoveryMs | without webhooks what changed is read at once, each change once, and only of what is kept or ours
  effects.ts:classOf | a delivery changes its issue once, however often it comes
  effects.ts:waitsForNothing | an acknowledgement waits for nothing of its issue: not for what is under way, not for what is to be tried again
  effects.ts:acknowledges | an acknowledgement waits for nothing of its issue: not for what is under way, not for what is to be tried again
  effects.ts:givesWay | of two readings the one that is waited for stays, and it takes over no wait of one that is not
  effects.ts:outlives | of two readings the one that is waited for stays, and it takes over no wait of one that is not
  effects.ts:takesOverWait | of two readings the one that is waited for stays, and it takes over no wait of one that is not
  effects.ts:freePlaces | of one class no more effects are under way at once than it has places
  effects.ts:longestWaitMs | a wall clock that was ahead and is set back halts neither the sweep, nor a retry, nor a delivery, nor the look for lost issues
  effects.ts:afterCutShort | is no failure of what it interrupts: nothing is logged as one, and the next start takes it up
  effects.ts:afterKilled | killed while it was being carried out costs an attempt, and what kills each time waits the longest
  effects.ts:nextTry | effects of one lane go in order, and one that waits holds back only its own lane and issue
  effects.ts:afterDone | effects of one lane go in order, and one that waits holds back only its own lane and issue
  effects.ts:afterFailure | a refusal is not tried again, the factory hears of it, and the operator may
  effects.ts:mayRetry | a refusal is not tried again, the factory hears of it, and the operator may
  fence.ts:queuedRun | a run gets a slot, its fence and its end; the money is counted
  fence.ts:currentRun | a run gets a slot, its fence and its end; the money is counted
  journaling.ts:isJournaled | a delivery changes its issue once, however often it comes
  order.ts:isOrdered | a delivery changes its issue once, however often it comes
  order.ts:headOf | a delivery changes its issue once, however often it comes
  order.ts:inherited | of a coalescing kind only the newest that has not begun is carried out, with the wait of the older
  parking.ts:parked | quarantined observations are seen, and can be applied once more by hand
  parking.ts:afterFailedAdvance | a poisonous delivery is tried five times with growing pauses and then quarantined; others go on
  rounds.ts:pauseMs | it goes on although reading fails and although looking for lost issues never answers
  slots.ts:assignSlots | slots are limited in all and per project, rework goes before new work, then the older
  slots.ts:queueReason | slots are limited in all and per project, rework goes before new work, then the older
  slots.ts:placeOf | slots are limited in all and per project, rework goes before new work, then the older
  start.ts:startOf | a run gets a slot, its fence and its end; the money is counted
  start.ts:endOfQueued | a stop reaches the run, also one that still waits for a slot
  start.ts:nextStart | a run that cannot be started again and again ends, free of charge, and holds nothing up
  start.ts:endOfUnstartable | a run that cannot be started again and again ends, free of charge, and holds nothing up
  sweep.ts:periodOf | each issue is read at the pace of its state, and an ended one once more and never again
  sweep.ts:sweepAt | each issue is read at the pace of its state, and an ended one once more and never again
  sweep.ts:plannedIn | each issue is read at the pace of its state, and an ended one once more and never again
  sweep.ts:tickMs | each issue is read at the pace of its state, and an ended one once more and never again
  sweep.ts:longestPeriodMs | a wall clock that was ahead and is set back halts neither the sweep, nor a retry, nor a delivery, nor the look for lost issues
  sweep.ts:readingsOf | each issue is read at the pace of its state, and an ended one once more and never again
  timer.ts:timerAt | a delivery changes its issue once, however often it comes
  views.ts:queueClass | slots are limited in all and per project, rework goes before new work, then the older
  views.ts:spentInAll | a run gets a slot, its fence and its end; the money is counted
  views.ts:shownQuestion | a reading that finds nothing new leaves no line and no new version, and when it was is kept
  views.ts:dayLimit | a run gets a slot, its fence and its end; the money is counted
`;

const rows = NOTICED_BY.split("\n")
  .filter((line) => line.includes("|"))
  .map((line) => line.split("|").map((cell) => cell.trim()) as [string, string]);
const altered = globalThis as { alteredPolicy?: string };
const run = new Set<string>();

test("every policy function has a case that notices when it answers something else", () => {
  expect(
    rows
      .map(([name]) => name)
      .concat(IN_THE_DATABASE)
      .toSorted(),
  ).toEqual(policyFunctions().toSorted());
});

describe.each(rows)("with %s altered", (name, title) => {
  engineConformance("embedded", embeddedSite, {
    title,
    begin() {
      run.add(name);
      altered.alteredPolicy = name;
    },
    end() {
      delete altered.alteredPolicy;
    },
  });
});

afterAll(() => {
  // A title that no case has any more would otherwise notice nothing, and nobody would notice that.
  expect([...run].toSorted()).toEqual(rows.map(([name]) => name).toSorted());
});
