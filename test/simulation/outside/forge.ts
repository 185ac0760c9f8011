import type { Actor } from "../../../src/factory/facts/actor.ts";
import type {
  Check,
  Commit as Listed,
  Conclusion,
  Ejection,
  QueueEntry,
  Review,
} from "../../../src/factory/facts/pull-request.ts";
import type { Observation } from "../../../src/factory/facts/observation.ts";
import { REV, STRANGER } from "../../factory/world.ts";
import { HOUR, MINUTE, SECOND, type Chance } from "../chance.ts";
import type { Agenda } from "../time/agenda.ts";
import { Commits } from "./commits.ts";

export interface Pull {
  readonly number: number;
  readonly branch: string;
  head: string;
  state: "open" | "closed";
  merged: boolean;
  draft: boolean;
  closedAt: number | null;
  updatedAt: number;
  readonly checks: Map<string, Map<string, Check>>;
  readonly reviews: Review[];
  readonly ejections: Ejection[];
  readonly comments: {
    readonly id: string;
    readonly at: number;
    readonly by: Actor;
    readonly text: string;
  }[];
  queue: QueueEntry | null;
  autoMerge: boolean;
}

export interface ForgeSetting {
  readonly required: readonly string[];
  readonly hasQueue: boolean;
  /** Chance that a commit of the agent is good, that CI fails for no reason, that a review asks for changes. */
  readonly skill: number;
  readonly flake: number;
  readonly strict: number;
  /** The forge's clock against the relay's, ms. */
  readonly skew: number;
  /** Another bot that pushes after every push of ours. */
  readonly meddling: boolean;
}

/** What the forge tells and keeps for one issue: branches, pull requests, CI, reviewers, merge queue. */
export class Forge {
  readonly pulls: Pull[] = [];
  readonly branches = new Map<string, string>();
  readonly commits = new Commits();
  /** Names that were red at a head at any time, for the oracle: `head name`. */
  readonly redOnce = new Set<string>();
  readonly conflictOnce = new Set<string>();
  /** Heads that a push threw away, each with what took its place. */
  readonly lost: { readonly sha: string; readonly under: string }[] = [];
  baseVersion = 0;
  baseRed = false;
  private conflictSince = -1;
  private ids = 0;
  private asked = 0;

  readonly name: string;
  private readonly agenda: Agenda;
  private readonly chance: Chance;
  readonly setting: ForgeSetting;
  private readonly tell: (seen: readonly Observation[]) => void;

  constructor(
    name: string,
    agenda: Agenda,
    chance: Chance,
    setting: ForgeSetting,
    tell: (seen: readonly Observation[]) => void,
  ) {
    this.name = name;
    this.agenda = agenda;
    this.chance = chance;
    this.setting = setting;
    this.tell = tell;
  }

  private now(): number {
    return this.agenda.now + this.setting.skew;
  }

  private next(prefix: string): string {
    this.ids += 1;
    return `${prefix}-${this.name}-${this.ids}`;
  }

  /** The present pull request, if it is open. */
  live(): Pull | null {
    const last = this.pulls.at(-1);
    return last !== undefined && last.state === "open" ? last : null;
  }

  // ── what the relay asks ──

  /** Puts `sha` on the branch if it holds `expected`; null = it must not be there; undefined = whatever it holds. */
  push(branch: string, sha: string, expected: string | null | undefined): "pushed" | "already" | "moved" {
    const held = this.branches.get(branch) ?? null;
    if (held !== null && this.commits.contains(held, sha)) return "already";
    if (expected !== undefined && held !== expected) return "moved";
    if (held !== null && !this.commits.contains(sha, held)) this.lost.push({ sha: held, under: sha });
    this.arrived(branch, sha);
    if (this.setting.meddling)
      this.agenda.after(this.chance.between(1, 4) * MINUTE, () => this.meddle(branch));
    return "pushed";
  }

  open(branch: string, nextNumber: () => number): number {
    const known = this.pulls.find((pull) => pull.branch === branch && pull.state === "open");
    if (known !== undefined) return known.number;
    const head = this.branches.get(branch);
    if (head === undefined) throw new Error(`no branch ${branch}`);
    const number = nextNumber();
    const pull: Pull = {
      number,
      branch,
      head,
      state: "open",
      merged: false,
      draft: false,
      closedAt: null,
      updatedAt: this.now(),
      checks: new Map(),
      reviews: [],
      ejections: [],
      comments: [],
      queue: null,
      autoMerge: false,
    };
    this.pulls.push(pull);
    if (this.conflicts(pull)) this.conflictOnce.add(head);
    this.changed(pull);
    this.startChecks(pull, head);
    this.agenda.after(this.chance.between(10, 120) * MINUTE, () => this.reviewerLooks(pull));
    return number;
  }

  merge(number: number, head: string): { readonly ok: boolean; readonly detail: string } {
    const pull = this.pulls.find((row) => row.number === number);
    if (pull === undefined || pull.state === "closed")
      return pull?.merged === true ? { ok: true, detail: "merged already" } : { ok: false, detail: "closed" };
    if (pull.head !== head) return { ok: false, detail: "another head" };
    if (pull.queue !== null) return { ok: true, detail: "queued already" };
    if (pull.draft || this.conflicts(pull)) return { ok: false, detail: "it cannot be merged" };
    if (this.setting.hasQueue) {
      this.enqueue(pull);
      return { ok: true, detail: "queued" };
    }
    if (!this.green(pull)) {
      pull.autoMerge = true;
      this.changed(pull);
      return { ok: true, detail: "auto-merge is on" };
    }
    this.end(pull, true);
    return { ok: true, detail: "merged" };
  }

  cancelMerge(number: number): void {
    const pull = this.pulls.find((row) => row.number === number);
    if (pull === undefined || pull.state === "closed") return;
    pull.autoMerge = false;
    if (pull.queue !== null) this.eject(pull, "manual", true);
    else this.changed(pull);
  }

  rerun(workflowRuns: readonly string[]): { readonly ok: boolean; readonly detail: string } {
    const pull = this.live();
    if (pull === null) return { ok: false, detail: "closed" };
    const again = [...(pull.checks.get(pull.head)?.values() ?? [])].filter(
      (check) => check.status === "completed" && workflowRuns.includes(check.workflowRun ?? ""),
    );
    if (again.length === 0) return { ok: true, detail: "nothing to run again" };
    for (const check of again) this.startCheck(pull, pull.head, check.name);
    return { ok: true, detail: "run again" };
  }

  close(number: number): void {
    const pull = this.pulls.find((row) => row.number === number);
    if (pull !== undefined && pull.state === "open") this.end(pull, false);
  }

  /** `askedAt`: by the relay's clock, which may be another. */
  read(number: number | null, branch: string, askedAt: number): Observation | null {
    const pull = this.pulls.find((row) => (number === null ? row.branch === branch : row.number === number));
    if (pull === undefined) return null;
    return {
      kind: "pull_request_read",
      at: pull.updatedAt,
      readAt: Math.max(this.now(), pull.updatedAt),
      askedAt,
      number: pull.number,
      url: `https://forge.test/${this.name}/${pull.number}`,
      node: `PR_${pull.number}`,
      repositoryId: "100",
      core: this.core(pull),
      commits: this.commitsOf(pull),
      baseChangedAt: null,
      mergeable: this.conflicts(pull) ? "conflict" : "yes",
      mergeState: "open",
      required: this.setting.required,
      hasQueue: this.setting.hasQueue,
      checks: [...(pull.checks.get(pull.head)?.values() ?? [])],
      redOnBase: this.baseRed ? ["test"] : [],
      reviews: [...pull.reviews],
      threads: [],
      queue: pull.queue,
      autoMerge: pull.autoMerge,
      // Nobody but the relay turns it on here.
      autoMergeOurs: pull.autoMerge,
      checksExpected: [],
      checksCut: false,
      ejections: [...pull.ejections],
      prompts: [...pull.comments],
    };
  }

  private commitsOf(pull: Pull): readonly Listed[] {
    const line = [...this.commits.line(pull.head)].toReversed();
    return line.map(({ sha, by }) => ({
      sha,
      by: by === "base" ? "unknown" : by,
      name: by,
      brings: "change",
      key: sha,
      tree: this.commits.tree(sha),
      at: pull.updatedAt,
    }));
  }

  // ── what people and machines do ──

  personPushes(good: boolean, by: "person" | "bot" = "person"): void {
    const pull = this.live();
    if (pull === null) return;
    const sha = this.next(by === "bot" ? "b" : "p");
    const base = this.commits.get(pull.head).base;
    this.commits.add({ sha, parent: pull.head, by, good, base, work: sha });
    this.arrived(pull.branch, sha);
  }

  private meddle(branch: string): void {
    const pull = this.live();
    if (pull !== null && pull.branch === branch) this.personPushes(false, "bot");
  }

  personEnds(merged: boolean): void {
    const pull = this.live();
    if (pull !== null && (!merged || !this.conflicts(pull))) this.end(pull, merged);
  }

  personReopens(): void {
    const pull = this.pulls.at(-1);
    if (pull === undefined || pull.state === "open" || pull.merged) return;
    pull.state = "open";
    pull.closedAt = null;
    this.changed(pull);
    this.agenda.after(HOUR, () => this.reviewerLooks(pull));
  }

  personDrafts(): void {
    const pull = this.live();
    if (pull === null) return;
    pull.draft = true;
    this.changed(pull);
    this.agenda.after(this.chance.between(1, 5) * HOUR, () => {
      pull.draft = false;
      this.changed(pull);
    });
  }

  personDequeues(): void {
    const pull = this.live();
    if (pull?.queue != null) this.eject(pull, "manual");
  }

  comment(id: string, by: Actor, text: string): boolean {
    const pull = this.live();
    if (pull === null) return false;
    pull.comments.push({ id, at: this.now(), by, text });
    this.tell([
      {
        kind: "prompted",
        at: this.now(),
        prompt: id,
        session: null,
        by: { ...by, permission: null },
        from: "forge",
        text,
      },
    ]);
    return true;
  }

  strangerReviews(): void {
    const pull = this.live();
    if (pull !== null) this.review(pull, STRANGER, "changes_requested");
  }

  moveBase(red: boolean, conflict: boolean): void {
    this.baseVersion += 1;
    this.baseRed = red;
    if (conflict) this.conflictSince = this.baseVersion;
    const pull = this.live();
    if (pull !== null && this.conflicts(pull)) {
      this.conflictOnce.add(pull.head);
      if (pull.queue !== null) this.eject(pull, "conflict");
    }
    this.tell([{ kind: "base_moved", at: this.now(), branch: "main", sha: `base-${this.baseVersion}` }]);
  }

  private arrived(branch: string, sha: string): void {
    this.branches.set(branch, sha);
    const pull = this.pulls.find((row) => row.branch === branch && row.state === "open");
    if (pull === undefined) return;
    // A head shows a little after the push, as it does in life.
    this.agenda.after(this.chance.between(0, 4) * SECOND, () => {
      if (this.branches.get(branch) !== sha || pull.state === "closed") return;
      pull.head = sha;
      pull.autoMerge = false;
      if (pull.queue !== null) this.eject(pull, "other");
      if (this.conflicts(pull)) this.conflictOnce.add(sha);
      this.changed(pull);
      this.startChecks(pull, sha);
    });
  }

  private core(pull: Pull) {
    const { state, merged, draft, head, branch, closedAt } = pull;
    return { state, merged, draft, head, branch, base: "main", title: "t", closedAt };
  }

  private changed(pull: Pull): void {
    pull.updatedAt = Math.max(this.now(), pull.updatedAt + 1);
    this.tell([this.change(pull)]);
  }

  private change(pull: Pull): Observation {
    const url = `https://forge.test/${this.name}/${pull.number}`;
    const pullRequest = {
      number: pull.number,
      url,
      node: `PR_${pull.number}`,
      repositoryId: "100",
      core: this.core(pull),
    };
    return { kind: "pull_request_changed", at: pull.updatedAt, by: REV, pullRequest };
  }

  private end(pull: Pull, merged: boolean): void {
    pull.state = "closed";
    pull.merged = merged;
    pull.closedAt = this.now();
    pull.queue = null;
    this.changed(pull);
  }

  private startChecks(pull: Pull, sha: string): void {
    for (const name of ["test", "lint"]) this.startCheck(pull, sha, name);
  }

  private startCheck(pull: Pull, sha: string, name: string): void {
    this.asked += 1;
    const id = String(10_000 + this.asked);
    const set = (status: Check["status"], conclusion: Conclusion | null): void => {
      const known = pull.checks.get(sha) ?? new Map<string, Check>();
      if (Number(known.get(name)?.id ?? 0) > Number(id)) return;
      const at = this.now();
      const check: Check = {
        name,
        app: "15368",
        id,
        status,
        conclusion,
        at,
        url: null,
        workflowRun: `${sha}/${name}`,
        summary: null,
      };
      pull.checks.set(sha, new Map([...known, [name, check]]));
      if (conclusion === "failure" || conclusion === "timed_out") this.redOnce.add(`${sha} ${name}`);
      this.tell([{ kind: "check_changed", at, sha, check }]);
      if (status === "completed" && pull.autoMerge && pull.state === "open" && this.green(pull))
        this.end(pull, true);
    };
    this.agenda.after(this.chance.between(2, 30) * SECOND, () => {
      set("running", null);
      this.agenda.after(this.chance.between(30, 900) * SECOND, () =>
        set("completed", this.conclusion(sha, name)),
      );
    });
  }

  private conclusion(sha: string, name: string): Conclusion {
    if (this.chance.that(this.setting.flake))
      return this.chance.pick(["failure", "failure", "cancelled", "timed_out"]);
    if (name === "lint") return "success";
    return this.commits.get(sha).good && !this.baseRed ? "success" : "failure";
  }

  private green(pull: Pull): boolean {
    const names = this.setting.required.length > 0 ? this.setting.required : ["test", "lint"];
    const checks = pull.checks.get(pull.head);
    return names.every((name) => checks?.get(name)?.conclusion === "success");
  }

  private conflicts(pull: Pull): boolean {
    return this.conflictsOn(pull.head);
  }

  /** Whether this commit cannot be put on the base as it is now. */
  conflictsOn(sha: string): boolean {
    return this.commits.get(sha).base < this.conflictSince;
  }

  private review(pull: Pull, by: Actor, state: Review["state"]): void {
    const review: Review = { id: this.next("r"), by, state, head: pull.head, at: this.now(), body: "words" };
    pull.reviews.push(review);
    this.tell([
      {
        kind: "review_changed",
        at: review.at,
        number: pull.number,
        review: { ...review, by: { ...by, permission: null } },
      },
    ]);
  }

  /** A reviewer comes by again and again until the pull request is closed, and says something new if there is. */
  private reviewerLooks(pull: Pull): void {
    if (pull.state === "closed") return;
    const mine = pull.reviews.filter((review) => review.by.id === REV.id).at(-1);
    const stale = mine === undefined || mine.head !== pull.head || mine.state === "changes_requested";
    if (!pull.draft && pull.queue === null && this.green(pull) && stale) {
      const rounds = pull.reviews.filter((review) => review.state === "changes_requested").length;
      const asks = this.chance.that(this.setting.strict / (1 + rounds / 4));
      this.review(pull, REV, asks ? "changes_requested" : "approved");
    }
    this.agenda.after(this.chance.between(60, 240) * MINUTE, () => this.reviewerLooks(pull));
  }

  private enqueue(pull: Pull): void {
    const entry: QueueEntry = { state: "QUEUED", position: 1, at: this.now() };
    pull.queue = entry;
    pull.updatedAt = Math.max(this.now(), pull.updatedAt + 1);
    this.tell([
      this.change(pull),
      { kind: "queue_entered", at: pull.updatedAt, number: pull.number, head: pull.head },
    ]);
    this.agenda.after(this.chance.between(5, 40) * MINUTE, () => {
      if (pull.queue !== entry) return;
      if (this.baseRed || this.chance.that(this.setting.flake)) this.eject(pull, "checks_failed");
      else this.end(pull, true);
    });
  }

  private eject(pull: Pull, reason: Ejection["reason"], ours = false): void {
    pull.queue = null;
    pull.updatedAt = Math.max(this.now(), pull.updatedAt + 1);
    pull.ejections.push({ at: pull.updatedAt, reason, ours, group: "g", head: pull.head });
    const left: Observation = {
      kind: "queue_left",
      at: pull.updatedAt,
      number: pull.number,
      head: pull.head,
      reason,
      group: null,
    };
    this.tell([this.change(pull), left]);
  }
}
