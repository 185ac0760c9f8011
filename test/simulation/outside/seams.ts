import type { EngineParts, Interpreter } from "../../../src/engines/engine.ts";
import type { IssueId } from "../../../src/factory/facts/ids.ts";
import type { Observation } from "../../../src/factory/facts/observation.ts";
import type { Forge } from "../../../src/forges/forge.ts";
import { COMMITTER } from "../../../src/lib/committer.ts";
import type { Tracker } from "../../../src/trackers/tracker.ts";
import { call, type Judge, type Life } from "../life.ts";

// The two services as the relay's own code calls them. What they know and do is in tracker.ts and forge.ts.

/** What a delivery's body says. */
export interface Letter {
  /** `source:id` of the delivery. */
  readonly id: string;
  readonly issue: IssueId;
  readonly observations: readonly Observation[];
}

/** Letters are in our words already; telling them from raw payloads is the business of the seams' own tests. */
export function interpret(oracle: Pick<Judge, "interpreted">, body: unknown): ReturnType<Interpreter> {
  const { id, issue, observations } = body as Letter;
  oracle.interpreted.add(id);
  const ignored = observations.length === 0 ? "an echo of our own words" : null;
  return {
    action: "said",
    observations: observations.map((observation) => ({ issue, observation })),
    ignored,
  };
}

function never(): never {
  throw new Error("nobody asks for this in a simulation");
}

export function trackerSeam(life: Life): Tracker {
  const { outside } = life;
  const ask = async <T>(signal: AbortSignal, what: () => T): Promise<T> =>
    await call(life, "tracker", signal, what);
  return {
    name: "tracker",
    open: never,
    interpret: never,
    whoAmI: never,
    installing: null,
    discover: async (since, _rest, signal) => await ask(signal, () => outside.discover(since)),
    in: () => ({
      readTicket: async (issue, signal) => await ask(signal, () => outside.place(issue).tracker.read()),
      tell: async (session, key, _activity, signal) =>
        await ask(signal, () => outside.post(outside.issueOf(session), key)),
      showPlan: async (_session, _items, signal) => await ask(signal, () => undefined),
      link: async (session, _label, url, signal) =>
        await ask(signal, () => outside.post(outside.issueOf(session), `${session} ${url}`)),
      setStatus: async (issue, to, _name, signal) =>
        await ask(signal, () => {
          const moved = outside.place(issue).tracker.move(to);
          return { says: moved === null ? "left" : "moved", moved };
        }),
      takeDelegation: async (_issue, signal) => await ask(signal, () => undefined),
    }),
  };
}

export function forgeSeam(life: Life): Forge {
  const { outside } = life;
  const ask = async <T>(signal: AbortSignal, what: () => T): Promise<T> =>
    await call(life, "forge", signal, what);
  return {
    name: "forge",
    open: never,
    interpret: never,
    whoAmI: never,
    signature: async () => COMMITTER,
    repository: async (_repository, signal) =>
      await ask(signal, () => ({
        id: "100",
        defaultBranch: "main",
        hasBranch: async () => true,
      })),
    async readPullRequest(_repository, { number, branch }, signal) {
      const askedAt = life.clock.now();
      return await ask(signal, () => {
        const { forge } = number === null ? outside.placeOf(branch) : outside.byPull(number);
        return forge.read(number, branch, askedAt);
      });
    },
    openPullRequest: async ({ branch }, signal) =>
      await ask(signal, () => {
        const { forge } = outside.placeOf(branch);
        const number = forge.open(branch, () => outside.nextNumber(outside.issueOf(branch)));
        return { number, url: `https://forge.test/${forge.name}/${number}` };
      }),
    comment: async (_repository, number, key, _text, signal) =>
      await ask(signal, () => outside.post(outside.issueOfPull(number), key)),
    replyThreads: async (_repository, number, key, _replies, signal) =>
      await ask(signal, () => outside.post(outside.issueOfPull(number), key)),
    requestReviews: async (_repository, _number, _reviewers, signal) => await ask(signal, () => []),
    async merge({ number, head }, signal) {
      const issue = outside.issueOfPull(number);
      life.oracle.merges(life, issue, `the merge of ${head}`);
      outside.meanwhile(issue, "merges");
      try {
        const answer = await ask(signal, () => outside.place(issue).forge.merge(number, head));
        return { ...answer, because: null };
      } catch (error) {
        if (life.alive) outside.meanwhile(issue, "fails");
        throw error;
      }
    },
    cancelMerge: async (_repository, number, signal) =>
      await ask(signal, () => outside.byPull(number).forge.cancelMerge(number)),
    // Its rules never want a branch up to date, so that nobody asks.
    updateBranch: async () => ({ ok: false, detail: "it is up to date" }),
    rerunChecks: async (_repository, workflowRuns, signal) =>
      await ask(signal, () => outside.placeOf(workflowRuns[0] ?? "").forge.rerun(workflowRuns)),
    closePullRequest: async (_repository, number, signal) =>
      await ask(signal, () => outside.byPull(number).forge.close(number)),
    checkFailures: async (_repository, _sha, names, signal) =>
      await ask(signal, () =>
        names.map((check) => ({ check, conclusion: "failure", url: null, summary: null, log: "1 failed" })),
      ),
    gitRemote: async () => ({ url: "https://forge.test/acme/app.git", token: null }),
  };
}

/** The engine's list of lost issues. */
export function discovery(tracker: Tracker): EngineParts["discover"] {
  return async (since, rest, signal) => {
    const found = await tracker.discover(since, rest?.rest ?? null, signal);
    return { ...found, rest: found.rest === null ? null : { tracker: tracker.name, rest: found.rest } };
  };
}
