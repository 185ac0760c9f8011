import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Check, Review } from "../../src/factory/facts/pull-request.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { Observation, ObservationKind } from "../../src/factory/facts/observation.ts";
import type { Forge, ForgeContext, ForgeIdentity, MergeRequest } from "../../src/forges/forge.ts";
import type { RequestHeaders } from "../../src/lib/delivery.ts";
import { ExternalError } from "../../src/lib/external.ts";
import { passUntilOver } from "../virtual-clock.ts";

/** A forge beside the service it talks to, with one repository, and people who use that service. */
export interface ForgeRig {
  readonly forge: Forge;
  readonly repository: string;
  readonly baseBranch: string;
  now(): number;
  advance(ms: number): void;
  /** The webhooks since the last call, in order, once all were sent. */
  received(): Promise<readonly { readonly headers: RequestHeaders; readonly body: Buffer }[]>;
  readonly people: {
    /** Somebody with write permission, and somebody without. */
    readonly writer: string;
    readonly outsider: string;
    push(by: string, branch: string, files: Readonly<Record<string, string>>): Promise<string>;
    review(
      by: string,
      number: number,
      state: "approved" | "changes_requested" | "commented",
      body: string,
      comments?: readonly { readonly path: string; readonly line: number; readonly body: string }[],
    ): Promise<void>;
    comment(by: string, number: number, body: string): Promise<void>;
    /** Edits the first comment of a review thread, counted from 0. */
    editThread(by: string, number: number, position: number, body: string): Promise<void>;
    resolveThread(by: string, number: number, position: number): Promise<void>;
    close(by: string, number: number): Promise<void>;
    merge(by: string, number: number): Promise<void>;
    /** Somebody else's status on a commit. */
    status(sha: string, context: string, state: "success" | "failure" | "pending"): Promise<void>;
  };
  /** What CI says from now on, by check name; `log` is the log of each failing one. */
  ci(results: Readonly<Record<string, "success" | "failure">>, log?: string): void;
  protect(rules: {
    readonly required: readonly string[];
    readonly queue?: boolean;
    readonly classic?: boolean;
  }): Promise<void>;
  shown(number: number): {
    readonly state: "open" | "closed";
    readonly merged: boolean;
    readonly title: string;
    readonly queued: boolean;
    readonly autoMerge: boolean;
    readonly labels: readonly string[];
    readonly requested: readonly string[];
    readonly comments: readonly string[];
    readonly threads: readonly { readonly resolved: boolean; readonly comments: readonly string[] }[];
  };
  pullRequests(): number;
  /** All that is under way over there is over. */
  settled(): Promise<void>;
  misbehave(how: "none" | "refused" | "silent" | "reset" | "html502" | "status503" | "lost_reply"): void;
  rateLimitNext(count: number): void;
  /** Every credential handed out so far stops working. */
  revoke(): void;
  problems(): readonly string[];
  close(): Promise<void>;
}

const ISSUE = issueId("linear", "11111111-1111-4111-8111-111111111111");
const BRANCH = "patchrelay/app-1";

/** What every forge must do; `start` makes a fresh rig. */
export function forgeConformance(name: string, start: () => Promise<ForgeRig>): void {
  describe(`the ${name} forge`, () => {
    let rig: ForgeRig;
    let us: ForgeIdentity;
    let number: number | null;
    let commits: Set<string>;
    const signal = new AbortController().signal;

    beforeEach(async () => {
      rig = await start();
      us = await rig.forge.whoAmI(signal);
      number = null;
      commits = new Set();
    });
    afterEach(async () => {
      const problems = rig.problems();
      await rig.close();
      expect(problems).toEqual([]);
    });

    const context = (): ForgeContext => ({
      us,
      receivedAt: rig.now(),
      byPullRequest: (_id, repository, given) =>
        repository === rig.repository && given === number ? ISSUE : null,
      byBranch: (repository, branch) => (repository === rig.repository && branch === BRANCH ? ISSUE : null),
      byCommit: (repository, sha) => (repository === rig.repository && commits.has(sha) ? [ISSUE] : []),
      byBase: (repository, branch) =>
        repository === rig.repository && branch === rig.baseBranch && number !== null ? [ISSUE] : [],
    });
    /** What the webhooks since the last look say. */
    const heard = async (): Promise<Observation[]> => {
      const observations: Observation[] = [];
      for (const { headers, body } of await rig.received()) {
        const delivery = rig.forge.open(headers, body, rig.now());
        if (!delivery.verified) throw new Error(`refused: ${delivery.detail}`);
        const said = rig.forge.interpret(JSON.parse(body.toString()), delivery.event, context());
        expect((said.ignored === null) === said.observations.length > 0).toBe(true);
        observations.push(...said.observations.map((entry) => entry.observation));
      }
      return observations;
    };
    const propose = async (
      file = "change.txt",
      content = "one\n",
    ): Promise<{ number: number; head: string }> => {
      const head = await rig.people.push(rig.people.writer, BRANCH, { [file]: content });
      const opened = await rig.forge.openPullRequest(
        { repository: rig.repository, branch: BRANCH, base: rig.baseBranch, title: "A change", body: "Why." },
        signal,
      );
      number = opened.number;
      commits.add(head);
      await rig.settled();
      return { number: opened.number, head };
    };
    const read = async (): Promise<Extract<Observation, { kind: "pull_request_read" }>> => {
      const reading = await rig.forge.readPullRequest(rig.repository, { number, branch: BRANCH }, signal);
      if (reading?.kind !== "pull_request_read") throw new Error("no pull request was read");
      return reading;
    };
    const merging = (given: { number: number; head: string }): MergeRequest => ({
      repository: rig.repository,
      number: given.number,
      head: given.head,
      method: "squash",
      policy: "when_approved",
      label: null,
    });

    test("says what a repository is and which branches it has", async () => {
      const repository = await rig.forge.repository(rig.repository, signal);
      expect(repository).toMatchObject({ defaultBranch: rig.baseBranch, id: expect.stringMatching(/./) });
      expect(await repository.hasBranch(rig.baseBranch, signal)).toBe(true);
      expect(await repository.hasBranch("no/such", signal)).toBe(false);
    });

    test("refuses a repository that is not there for us", async () => {
      await expect(rig.forge.repository("acme/none", signal)).rejects.toMatchObject({ kind: "not_found" });
    });

    test("reads nothing where our branch has no pull request", async () => {
      expect(
        await rig.forge.readPullRequest(rig.repository, { number: null, branch: BRANCH }, signal),
      ).toBeNull();
    });

    test("opens one pull request however often it is asked, and brings ours up to date", async () => {
      const first = await propose();
      const again = await rig.forge.openPullRequest(
        { repository: rig.repository, branch: BRANCH, base: rig.baseBranch, title: "Better", body: "Why." },
        signal,
      );
      expect(again.number).toBe(first.number);
      expect(rig.pullRequests()).toBe(1);
      expect(rig.shown(first.number).title).toBe("Better");
    });

    test("opens one pull request when the answer to the first try is lost", async () => {
      await rig.people.push(rig.people.writer, BRANCH, { "change.txt": "one\n" });
      const request = {
        repository: rig.repository,
        branch: BRANCH,
        base: rig.baseBranch,
        title: "A",
        body: "",
      };
      rig.misbehave("lost_reply");
      await expect(rig.forge.openPullRequest(request, signal)).rejects.toBeInstanceOf(ExternalError);
      rig.misbehave("none");
      await rig.forge.openPullRequest(request, signal);
      await rig.forge.openPullRequest(request, signal);
      expect(rig.pullRequests()).toBe(1);
    });

    test("finds the pull request by our branch as by its number", async () => {
      await propose();
      const byNumber = await read();
      const byBranch = await rig.forge.readPullRequest(
        rig.repository,
        { number: null, branch: BRANCH },
        signal,
      );
      expect({ ...byBranch, readAt: 0 }).toEqual({ ...byNumber, readAt: 0 });
    });

    test("tells the same of a pull request by webhook as by reading", async () => {
      const { head } = await propose();
      const observations = await heard();
      const reading = await read();
      const changed = last(observations, "pull_request_changed");
      expect(changed.pullRequest).toEqual({
        number: reading.number,
        url: reading.url,
        node: reading.node,
        repositoryId: reading.repositoryId,
        core: reading.core,
      });
      expect(changed.at).toBe(reading.at);
      expect(changed.by.kind).toBe("us");
      expect(reading.core.head).toBe(head);
      expect(reading.readAt).toBeGreaterThanOrEqual(reading.at);
    });

    test("tells the same of each check by webhook as by reading", async () => {
      rig.ci({ build: "success", unit: "failure" }, "it broke");
      const { head } = await propose();
      await rig.people.status(head, "legacy/ci", "pending");
      await rig.people.status(head, "legacy/ci", "failure");
      const observations = await heard();
      const reading = await read();
      const told = new Map<string, Check>();
      for (const observation of observations) {
        if (observation.kind === "check_changed" && observation.sha === head)
          told.set(`${observation.check.app} ${observation.check.name}`, observation.check);
      }
      expect(byName([...told.values()])).toEqual(byName(reading.checks));
      expect(byName(reading.checks).map((check) => [check.name, check.conclusion])).toEqual([
        ["build", "success"],
        ["legacy/ci", "failure"],
        ["unit", "failure"],
      ]);
      expect(reading.checks.find((check) => check.name === "unit")?.workflowRun).not.toBeNull();
    });

    test("names the required checks, whichever way the branch is guarded", async () => {
      await rig.protect({ required: ["unit", "build"] });
      await propose();
      expect((await read()).required).toEqual(["build", "unit"]);
    });

    test("names the required checks of the older branch protection too", async () => {
      await rig.protect({ required: ["unit", "build"], classic: true });
      await propose();
      expect((await read()).required).toEqual(["build", "unit"]);
    });

    test("says which failing checks fail on the base branch as well", async () => {
      rig.ci({ flaky: "failure", unit: "success" });
      await rig.people.push(rig.people.writer, rig.baseBranch, { "base.txt": "red\n" });
      await rig.settled();
      rig.ci({ flaky: "failure", unit: "failure" });
      await propose();
      expect((await read()).redOnBase).toEqual(["flaky"]);
    });

    test("tells the same of a review by webhook as by reading, but for the permission", async () => {
      const { head } = await propose();
      await heard();
      rig.advance(1_000);
      await rig.people.review(rig.people.writer, number ?? 0, "changes_requested", "Not yet.", [
        { path: "change.txt", line: 1, body: "Why one?" },
      ]);
      const observations = await heard();
      const reading = await read();
      const told = last(observations, "review_changed").review;
      expect(withoutPermission(told)).toEqual(withoutPermission(reading.reviews.at(-1)));
      expect(told).toMatchObject({
        state: "changes_requested",
        head,
        body: "Not yet.",
        by: { kind: "person" },
      });
      expect(reading.reviews.at(-1)?.by.permission).toBe("write");
      expect(observations.map((observation) => observation.kind)).toContain("review_comment_added");
      expect(reading.threads).toMatchObject([
        { resolved: false, path: "change.txt", line: 1, comments: [{ text: "Why one?" }] },
      ]);
    });

    test("says that an outsider's review comes from one", async () => {
      await propose();
      await rig.people.review(rig.people.outsider, number ?? 0, "changes_requested", "Mine now.");
      const review = (await read()).reviews.at(-1);
      expect(["read", "none"]).toContain(review?.by.permission);
      expect(["none", "contributor"]).toContain(review?.by.association);
    });

    test("hears a person's comment only when it is addressed to us, by webhook as by reading", async () => {
      await propose();
      await heard();
      const mention = `@${us.login.replace("[bot]", "")} use a map`;
      await rig.people.comment(rig.people.writer, number ?? 0, "nice work");
      await rig.people.comment(rig.people.writer, number ?? 0, mention);
      await rig.people.comment(rig.people.writer, number ?? 0, `> ${mention}\n\nI agree`);
      await rig.people.comment(rig.people.writer, number ?? 0, "/patchrelay retry");
      const prompts = (await heard()).filter((observation) => observation.kind === "prompted");
      expect(prompts.map((prompt) => prompt.text)).toEqual([mention, "/patchrelay retry"]);
      const reading = await read();
      expect(reading.prompts.map(({ id, at, text }) => ({ id, at, text }))).toEqual(
        prompts.map(({ prompt, at, text }) => ({ id: prompt, at, text })),
      );
      expect(reading.prompts[0]?.by.permission).toBe("write");
    });

    test("hears what is addressed to us in reviews and their threads, by webhook as by reading", async () => {
      const { number: given } = await propose("change.txt", "one\ntwo\n");
      await heard();
      const mention = `@${us.login.replace("[bot]", "")} use a map`;
      rig.advance(1_000);
      await rig.people.review(rig.people.writer, given, "commented", mention, [
        { path: "change.txt", line: 2, body: `${mention}, also here` },
        { path: "change.txt", line: 1, body: "nice" },
      ]);
      rig.advance(1_000);
      await rig.people.editThread(rig.people.writer, given, 1, `${mention}, too`);
      await rig.people.editThread(rig.people.writer, given, 1, `\`\`\`\n${mention}\n\`\`\``);
      await rig.people.editThread(rig.people.writer, given, 1, `${mention}, too`);
      const told = (await heard()).flatMap((seen) => (seen.kind === "prompted" ? [seen] : []));
      const whole = told.map(({ prompt: id, at, text, on }) => ({ id, at, text, on }));
      const reading = await read();
      const again = new Map(whole.map((prompt) => [prompt.id, prompt]));
      expect(reading.prompts.map(({ id, at, text, on }) => ({ id, at, text, on }))).toEqual([
        ...again.values(),
      ]);
      const review = reading.reviews.at(-1)?.id ?? null;
      expect([...again.values()]).toMatchObject([
        { text: mention, on: { review, comment: null } },
        { text: `${mention}, also here`, on: { review, comment: { path: "change.txt", line: 2 } } },
        { text: `${mention}, too`, on: { review, comment: { path: "change.txt", line: 1 } } },
      ]);
      expect(reading.threads.flatMap(({ comments }) => comments.map((word) => word.review))).toEqual([
        review,
        review,
      ]);
    });

    test("requests reviews again of those who reviewed, and tells of whom that is refused", async () => {
      const { number: given } = await propose();
      await rig.people.review(rig.people.writer, given, "changes_requested", "Not yet.");
      const all = [rig.people.writer, "nobody-here", us.login];
      const ask = async (): Promise<readonly string[]> =>
        (await rig.forge.requestReviews(rig.repository, given, all, signal)).map(
          ({ login, why }) => `${login}: ${why}`,
        );
      rig.misbehave("lost_reply");
      await expect(ask()).rejects.toThrow(ExternalError);
      rig.misbehave("none");
      expect(await ask()).toEqual([
        expect.stringMatching(/^nobody-here: Reviews may only be .*repository\.$/),
      ]);
      await ask();
      expect(rig.shown(given).requested).toEqual([rig.people.writer]);
      await rig.people.close(rig.people.writer, given);
      expect(await ask()).toEqual([]);
    });

    test("answers no conversation that somebody has resolved meanwhile", async () => {
      const { number: given } = await propose();
      const comments = [{ path: "change.txt", line: 1, body: "hm" }];
      await rig.people.review(rig.people.writer, given, "commented", "", comments);
      const thread = (await read()).threads[0]?.id ?? "";
      await rig.people.resolveThread(rig.people.writer, given, 0);
      const reply = { thread, outcome: "fixed" as const, text: "Done." };
      await rig.forge.replyThreads(rig.repository, given, "run-1", [reply], signal);
      expect(rig.shown(given).threads).toEqual([{ resolved: true, comments: ["hm"] }]);
    });

    test("does not take our own comment for a prompt", async () => {
      const { number: given } = await propose();
      await heard();
      await rig.forge.comment(rig.repository, given, "key", `/patchrelay @${us.login} hello`, signal);
      expect(await heard()).toEqual([]);
      expect((await read()).prompts).toEqual([]);
    });

    test("comments once per key, also when an answer was lost", async () => {
      const { number: given } = await propose();
      rig.misbehave("lost_reply");
      await expect(rig.forge.comment(rig.repository, given, "a", "Hello", signal)).rejects.toThrow(
        ExternalError,
      );
      rig.misbehave("none");
      for (const key of ["a", "a", "b"]) await rig.forge.comment(rig.repository, given, key, "Hello", signal);
      expect(rig.shown(given).comments).toHaveLength(2);
    });

    test("answers each conversation once per key and resolves what was fixed", async () => {
      const { number: given } = await propose("change.txt", "one\ntwo\n");
      await rig.people.review(rig.people.writer, given, "changes_requested", "", [
        { path: "change.txt", line: 1, body: "first" },
        { path: "change.txt", line: 2, body: "second" },
      ]);
      const [first, second] = (await read()).threads;
      const replies = [
        { thread: first?.id ?? "", outcome: "fixed" as const, text: "Done." },
        { thread: second?.id ?? "", outcome: "declined" as const, text: "It is wanted." },
      ];
      await heard();
      await rig.forge.replyThreads(rig.repository, given, "run-1", replies, signal);
      await rig.forge.replyThreads(rig.repository, given, "run-1", replies, signal);
      const { threads } = rig.shown(given);
      expect(threads.map((thread) => [thread.resolved, thread.comments.length])).toEqual([
        [true, 2],
        [false, 2],
      ]);
      const kinds = (await heard()).map((observation) => observation.kind);
      expect(kinds).toContain("thread_changed");
      expect(kinds).not.toContain("review_comment_added");
      expect((await read()).threads[1]?.comments.at(-1)?.by.kind).toBe("us");
    });

    test("hears that a conversation was resolved", async () => {
      const { number: given } = await propose();
      await rig.people.review(rig.people.writer, given, "commented", "", [
        { path: "change.txt", line: 1, body: "hm" },
      ]);
      await heard();
      await rig.people.resolveThread(rig.people.writer, given, 0);
      const told = last(await heard(), "thread_changed");
      expect(told).toMatchObject({ resolved: true, thread: (await read()).threads[0]?.id });
    });

    test("hears of a push to the branch and of the base moving on", async () => {
      await propose();
      await heard();
      const head = await rig.people.push(rig.people.writer, BRANCH, { "change.txt": "more\n" });
      expect(last(await heard(), "pull_request_changed").pullRequest.core.head).toBe(head);
      const base = await rig.people.push(rig.people.writer, rig.baseBranch, { "base.txt": "new\n" });
      expect(last(await heard(), "base_moved")).toMatchObject({ branch: rig.baseBranch, sha: base });
    });

    test("sees a conflict with the base", async () => {
      await propose("shared.txt", "ours\n");
      await rig.people.push(rig.people.writer, rig.baseBranch, { "shared.txt": "theirs\n" });
      await rig.settled();
      expect((await read()).mergeable).toBe("conflict");
    });

    test("merges at once where nothing holds the branch", async () => {
      const proposed = await propose();
      expect(await rig.forge.merge(merging(proposed), signal)).toMatchObject({ ok: true });
      await rig.settled();
      expect(rig.shown(proposed.number).merged).toBe(true);
      expect(last(await heard(), "pull_request_changed").pullRequest.core).toMatchObject({
        state: "closed",
        merged: true,
      });
      expect((await read()).core).toMatchObject({ state: "closed", merged: true });
      expect(await rig.forge.merge(merging(proposed), signal)).toMatchObject({ ok: true });
    });

    test("does not merge another head than the one it was asked for", async () => {
      const proposed = await propose();
      await rig.people.push(rig.people.writer, BRANCH, { "change.txt": "newer\n" });
      await rig.settled();
      expect(await rig.forge.merge(merging(proposed), signal)).toMatchObject({ ok: false });
      expect(rig.shown(proposed.number).merged).toBe(false);
    });

    test("turns on auto-merge while the rules are not met, and off again", async () => {
      await rig.protect({ required: ["slow"] });
      const proposed = await propose();
      expect(await rig.forge.merge(merging(proposed), signal)).toMatchObject({ ok: true });
      expect(rig.shown(proposed.number)).toMatchObject({ autoMerge: true, merged: false });
      expect(await read()).toMatchObject({ autoMerge: true, autoMergeOurs: true });
      expect(await rig.forge.merge(merging(proposed), signal)).toMatchObject({ ok: true });
      await rig.forge.cancelMerge(rig.repository, proposed.number, signal);
      await rig.forge.cancelMerge(rig.repository, proposed.number, signal);
      expect(rig.shown(proposed.number).autoMerge).toBe(false);
    });

    test("enqueues where the base has a queue, and takes out again", async () => {
      await rig.protect({ required: ["slow"], queue: true });
      const proposed = await propose();
      await rig.people.status(proposed.head, "slow", "success");
      expect((await read()).hasQueue).toBe(true);
      await heard();
      expect(await rig.forge.merge(merging(proposed), signal)).toMatchObject({ ok: true });
      expect(await rig.forge.merge(merging(proposed), signal)).toMatchObject({ ok: true });
      const observations = await heard();
      expect(last(observations, "queue_entered")).toMatchObject({
        number: proposed.number,
        head: proposed.head,
      });
      expect(last(observations, "group_formed").number).toBe(proposed.number);
      expect((await read()).queue).not.toBeNull();
      await rig.forge.cancelMerge(rig.repository, proposed.number, signal);
      expect(rig.shown(proposed.number).queued).toBe(false);
      expect(last(await heard(), "queue_left")).toMatchObject({ reason: "manual", head: proposed.head });
      expect((await read()).queue).toBeNull();
    });

    test("tells that the queue sent a pull request away, with the commit that failed and what failed on it", async () => {
      await rig.protect({ required: ["unit"], queue: true });
      rig.ci({ unit: "success" });
      const proposed = await propose();
      await heard();
      rig.ci({ unit: "failure" }, "line one\nassertion failed\n");
      rig.advance(60_000);
      expect(await rig.forge.merge(merging(proposed), signal)).toMatchObject({ ok: true });
      const observations = await heard();
      const left = last(observations, "queue_left");
      const group = last(observations, "group_formed").group;
      expect(left).toMatchObject({ reason: "checks_failed", head: proposed.head });
      const checked = observations.filter((one) => one.kind === "check_changed" && one.sha === group);
      expect(checked.length).toBeGreaterThan(0);
      const { ejections } = await read();
      expect(ejections).toMatchObject([{ reason: "checks_failed", group, head: proposed.head }]);
      expect(ejections[0]?.at).toBe(left.at);
      const failures = await rig.forge.checkFailures(rig.repository, group, [], signal);
      expect(failures).toMatchObject([{ check: "unit", log: expect.stringContaining("assertion failed") }]);
    });

    test("labels for another system, and leaves it to a person, where that is the policy", async () => {
      const proposed = await propose();
      const external = { ...merging(proposed), policy: "external" as const, label: "ship it" };
      expect(await rig.forge.merge(external, signal)).toMatchObject({ ok: true });
      expect(rig.shown(proposed.number)).toMatchObject({ labels: ["ship it"], merged: false });
      const person = { ...merging(proposed), policy: "person" as const };
      expect(await rig.forge.merge(person, signal)).toMatchObject({ ok: false });
      expect(rig.shown(proposed.number).merged).toBe(false);
    });

    test("gives the failing checks of a commit with their logs, and runs them again", async () => {
      rig.ci({ build: "success", unit: "failure" }, "start\nexpected 1, got 2\n");
      const { head } = await propose();
      expect(await rig.forge.checkFailures(rig.repository, head, ["unit", "build"], signal)).toMatchObject([
        { check: "unit", conclusion: "failure", log: expect.stringContaining("expected 1, got 2") },
      ]);
      const before = (await read()).checks.find((check) => check.name === "unit");
      rig.ci({ build: "success", unit: "success" });
      rig.advance(1_000);
      const runs = [before?.workflowRun ?? ""];
      expect(await rig.forge.rerunChecks(rig.repository, runs, signal)).toMatchObject({ ok: true });
      expect(await rig.forge.rerunChecks(rig.repository, runs, signal)).toMatchObject({ ok: true });
      await rig.settled();
      const after = (await read()).checks.find((check) => check.name === "unit");
      expect(after?.conclusion).toBe("success");
      expect(Number(after?.id)).toBeGreaterThan(Number(before?.id));
      expect(await rig.forge.rerunChecks(rig.repository, ["1"], signal)).toMatchObject({ ok: false });
    });

    test("closes a pull request once, and reads it as closed by its branch too", async () => {
      const { number: given } = await propose();
      await rig.forge.closePullRequest(rig.repository, given, signal);
      await rig.forge.closePullRequest(rig.repository, given, signal);
      expect(rig.shown(given)).toMatchObject({ state: "closed", merged: false });
      const reading = await rig.forge.readPullRequest(
        rig.repository,
        { number: null, branch: BRANCH },
        signal,
      );
      expect(reading).toMatchObject({ core: { state: "closed", merged: false } });
    });

    test("hears when a person closes", async () => {
      const { number: given } = await propose();
      await heard();
      await rig.people.close(rig.people.writer, given);
      expect(last(await heard(), "pull_request_changed")).toMatchObject({
        by: { kind: "person" },
        pullRequest: { core: { state: "closed", merged: false } },
      });
    });

    test("hears when a person merges, and when that was", async () => {
      const { number: given } = await propose();
      await heard();
      await rig.people.merge(rig.people.writer, given);
      const told = last(await heard(), "pull_request_changed");
      expect(told).toMatchObject({ by: { kind: "person" }, pullRequest: { core: { merged: true } } });
      expect(told.pullRequest.core.closedAt).toBe((await read()).core.closedAt);
    });

    test("sends git to the repository with a credential", async () => {
      const remote = await rig.forge.gitRemote(rig.repository, signal);
      expect(remote.url).toContain(rig.repository);
      expect(remote.token).not.toBeNull();
      expect(JSON.stringify(remote)).not.toContain(remote.token?.reveal());
    });

    test.each(["refused", "silent", "reset", "html502", "status503"] as const)(
      "calls it unavailable when the service is %s, and goes on when it is back",
      async (how) => {
        await propose();
        rig.misbehave(how);
        const asking = read();
        if (how === "silent") await passUntilOver((ms) => rig.advance(ms), asking);
        await expect(asking).rejects.toMatchObject({ name: "ExternalError", kind: "unavailable" });
        rig.misbehave("none");
        expect((await read()).number).toBe(number);
      },
    );

    test("says until when it was told to wait", async () => {
      await propose();
      rig.rateLimitNext(1);
      const error: unknown = await read().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ kind: "rate_limited" });
      expect((error as ExternalError).retryAt).toBeGreaterThan(rig.now());
    });

    test("gives up at once when it is told to", async () => {
      await propose();
      rig.misbehave("silent");
      const stop = new AbortController();
      const reading = rig.forge.readPullRequest(rig.repository, { number, branch: BRANCH }, stop.signal);
      stop.abort(new Error("the relay is stopping"));
      await expect(reading).rejects.toThrow("the relay is stopping");
    });
  });
}

function last<K extends ObservationKind>(
  observations: readonly Observation[],
  kind: K,
): Extract<Observation, { kind: K }> {
  const found = observations.findLast((observation) => observation.kind === kind);
  if (found === undefined)
    throw new Error(`no ${kind} among ${observations.map((observation) => observation.kind).join(", ")}`);
  return found as Extract<Observation, { kind: K }>;
}

function byName(checks: readonly Check[]): readonly Check[] {
  return checks.toSorted((one, other) => one.name.localeCompare(other.name));
}

function withoutPermission(review: Review | undefined): unknown {
  return review === undefined ? undefined : { ...review, by: { ...review.by, permission: null } };
}
