import { issueId, type IssueId } from "../../../src/factory/facts/ids.ts";
import type { Conditions } from "../../../src/factory/facts/policy.ts";
import type { Observation } from "../../../src/factory/facts/observation.ts";
import { ANN, REV, STRANGER } from "../../factory/world.ts";
import type { Agenda } from "../time/agenda.ts";
import { HOUR, MINUTE, SECOND, type Chance } from "../chance.ts";
import { Forge } from "./forge.ts";
import { BUSY_MS, type Setting } from "../settings.ts";
import type { Discovery } from "../../../src/trackers/tracker.ts";
import { Tracker } from "./tracker.ts";

export interface Delivery {
  readonly id: string;
  readonly source: "tracker" | "forge";
  readonly issue: IssueId;
  /** The time in its signed body. */
  readonly signedAt: number;
  readonly observations: readonly Observation[];
}

export interface Place {
  readonly tracker: Tracker;
  readonly forge: Forge;
}

/** What became of a delivery, for the oracle. */
export interface Fate {
  readonly delivery: Delivery;
  acknowledged: boolean;
  /** Tries that met a living relay and were refused. */
  refused: number;
  over: boolean;
}

/** The tracker tries again after these waits, with the same bytes and the old signed time. */
const TRIES_MS = [0, MINUTE, HOUR, 6 * HOUR];

/** How likely a person is to act while the agent works, a merge is asked for, or asking for it has just failed. */
const WORST_MOMENTS = { works: 0.06, merges: 0.15, fails: 0.5 } as const;

/** Everything outside the relay: two services, the people who use them, and the network between. */
export class Outside {
  readonly places = new Map<IssueId, Place>();
  readonly down = new Set<"tracker" | "forge">();
  readonly fates: Fate[] = [];
  /** Prompts that a person wrote, with whether that person may steer. */
  readonly spoken = new Map<string, boolean>();
  /** Hands a delivery to the relay; true = it was answered with success. */
  receive: (delivery: Delivery) => Promise<boolean> = async () => false;
  /** Issues by the numbers of their pull requests. */
  private readonly pulls = new Map<number, IssueId>();
  /** Things people still mean to do. */
  pending = 0;
  private ids = 0;
  private troubles = new Set<"agent" | "disk">();

  private readonly agenda: Agenda;
  private readonly chance: Chance;
  private readonly setting: Setting;

  constructor(agenda: Agenda, chance: Chance, setting: Setting) {
    this.agenda = agenda;
    this.chance = chance;
    this.setting = setting;
    for (let index = 1; index <= setting.issues; index += 1) this.settle(index);
    for (const { of, from, forMs } of setting.outages) {
      this.plan(from, () => this.down.add(of));
      this.plan(from + forMs, () => this.down.delete(of));
    }
    for (const { of, from, forMs } of setting.troubles) {
      this.plan(from, () => this.troubles.add(of));
      this.plan(from + forMs, () => this.troubles.delete(of));
    }
    for (const { at, red, conflict } of setting.baseMoves) {
      this.plan(at, () => {
        for (const { forge } of this.places.values()) forge.moveBase(red, conflict);
      });
    }
  }

  place(issue: IssueId): Place {
    const found = this.places.get(issue);
    if (found === undefined) throw new Error(`no place ${issue}`);
    return found;
  }

  conditions(): Conditions {
    return {
      agents: { scripted: this.troubles.has("agent") ? "it is not logged in" : null },
      disk: this.troubles.has("disk") ? "90 MiB are free." : null,
      usdToday: 0,
    };
  }

  /** The issue that a branch, worktree, session or commit belongs to: all their names hold the issue's key. */
  issueOf(name: string): IssueId {
    const index = /app-(\d+)/i.exec(name)?.[1];
    if (index === undefined) throw new Error(`whose is ${name}?`);
    return issueId("linear", `issue-000${index}`);
  }

  placeOf(name: string): Place {
    return this.place(this.issueOf(name));
  }

  byPull(number: number): Place {
    return this.place(this.issueOfPull(number));
  }

  issueOfPull(number: number): IssueId {
    const issue = this.pulls.get(number);
    if (issue === undefined) throw new Error(`no pull request ${number}`);
    return issue;
  }

  nextNumber(issue: IssueId): number {
    const number = 101 + this.pulls.size;
    this.pulls.set(number, issue);
    return number;
  }

  /** The tracker's list of our issues that somebody touched since then. */
  discover(since: number): Discovery {
    const ours = [...this.places.values()].filter(
      ({ tracker }) => tracker.sessions.length > 0 && tracker.touchedAt >= since,
    );
    return {
      issues: ours.map(({ tracker: { issue, touchedAt } }) => ({
        issue,
        workspace: "w",
        by: ANN,
        at: touchedAt,
        isOurs: true,
      })),
      rest: null,
    };
  }

  private plan(ms: number, act: () => void): void {
    this.pending += 1;
    this.agenda.after(ms, () => {
      this.pending -= 1;
      act();
    });
  }

  private settle(index: number): void {
    const issue = issueId("linear", `issue-000${index}`);
    const tracker = new Tracker(issue, `APP-${index}`, this.agenda, (seen) =>
      this.emit("tracker", issue, seen),
    );
    const forge = new Forge(`app-${index}`, this.agenda, this.chance, this.setting.forge, (seen) =>
      this.emit("forge", issue, seen),
    );
    this.places.set(issue, { tracker, forge });
    const { chance } = this;
    if (chance.that(0.15)) {
      tracker.blocked = true;
      this.plan(chance.between(1, 10) * HOUR, () => tracker.unblock());
    }
    this.plan(chance.between(0, 30) * MINUTE, () => tracker.delegate());
    const acts = chance.between(0, 7);
    for (let act = 0; act < acts; act += 1) {
      this.plan(chance.between(30, BUSY_MS / MINUTE) * MINUTE + chance.between(0, 59_999), () =>
        this.act(tracker, forge),
      );
    }
  }

  /** One thing that a person does. */
  private act(tracker: Tracker, forge: Forge): void {
    const { chance } = this;
    const later = (most: number, act: () => void): void => this.plan(chance.between(5, most) * MINUTE, act);
    const acts: readonly (() => void)[] = [
      () => this.say(tracker),
      () => this.say(tracker),
      () => this.comment(forge, true),
      () => this.comment(forge, false),
      () => forge.personPushes(chance.that(0.5)),
      () => forge.personPushes(chance.that(0.5)),
      () => forge.strangerReviews(),
      () => forge.personDrafts(),
      () => forge.personDequeues(),
      () => {
        tracker.stop();
        if (chance.that(0.7)) later(300, () => this.say(tracker));
      },
      () => {
        tracker.undelegate();
        if (chance.that(0.7)) later(300, () => tracker.delegate());
      },
      () => {
        if (!chance.that(0.4)) return;
        forge.personEnds(chance.that(0.5));
        const then = chance.pick(["reopen", "say", "nothing"] as const);
        if (then === "reopen") later(120, () => forge.personReopens());
        if (then === "say") later(120, () => this.say(tracker));
      },
      () => {
        if (chance.that(0.3)) tracker.cancel();
      },
    ];
    chance.pick(acts)();
  }

  /** People have a gift for the worst moment: they push while the agent works, and stop what is about to merge. */
  meanwhile(issue: IssueId, what: keyof typeof WORST_MOMENTS): void {
    const { tracker, forge } = this.place(issue);
    if (!this.chance.that(WORST_MOMENTS[what]) || this.setting.patient) return;
    if (what === "works")
      this.plan(this.chance.between(1, 45) * MINUTE, () => forge.personPushes(this.chance.that(0.5)));
    else {
      this.plan(this.chance.between(0, 2) * SECOND, () => tracker.stop());
      this.plan(this.chance.between(20, 200) * MINUTE, () => this.say(tracker));
    }
  }

  /** A person presses stop now. */
  stops(issue: IssueId): void {
    this.plan(0, () => this.place(issue).tracker.stop());
  }

  private say(tracker: Tracker): void {
    this.spoken.set(tracker.say(ANN), true);
  }

  private comment(forge: Forge, trusted: boolean): void {
    this.ids += 1;
    const id = `comment-${this.ids}`;
    if (forge.comment(id, trusted ? REV : STRANGER, `please ${id}`)) this.spoken.set(id, trusted);
  }

  /** The agent asked something; most people answer, some time. */
  asked(issue: IssueId): void {
    if (this.chance.that(0.8)) {
      this.plan(this.chance.between(10, 600) * MINUTE, () => this.say(this.place(issue).tracker));
    }
  }

  /** What a service is told by us under an identity of ours: the same identity twice is once. */
  post(issue: IssueId, identity: string): void {
    const { tracker } = this.place(issue);
    if (tracker.posts.has(identity)) return;
    const [fact = identity] = identity.split("#");
    tracker.posts.set(identity, fact);
    // Our own words come back as a webhook; they are recognised and say nothing.
    const by = { ...ANN, id: "u-bot" };
    const text = `I think ${identity}`;
    const echo: readonly Observation[] = this.setting.mistakes.has("self_trigger")
      ? [
          {
            kind: "prompted",
            at: this.agenda.now,
            prompt: `echo-${identity}`,
            session: null,
            by,
            from: "tracker",
            text,
          },
        ]
      : [];
    this.emit("tracker", issue, echo);
  }

  // ── network ──

  private emit(source: "tracker" | "forge", issue: IssueId, observations: readonly Observation[]): void {
    this.ids += 1;
    const delivery: Delivery = {
      id: `d-${this.ids}`,
      source,
      issue,
      signedAt: this.agenda.now,
      observations,
    };
    const fate: Fate = { delivery, acknowledged: false, refused: 0, over: false };
    this.fates.push(fate);
    this.send(fate, 0);
    if (this.chance.that(this.setting.network.duplication)) {
      this.agenda.after(this.chance.between(0, 2 * this.setting.network.delayMs), () =>
        this.arrive(fate, false),
      );
    }
  }

  private send(fate: Fate, attempt: number): void {
    const { loss, delayMs } = this.setting.network;
    const again = attempt + 1;
    const wait = fate.delivery.source === "tracker" ? TRIES_MS[again] : undefined;
    const retry = (): void => {
      if (fate.acknowledged || wait === undefined) fate.over = true;
      else this.agenda.after(wait, () => this.send(fate, again));
    };
    const delay = this.chance.between(20, Math.max(21, delayMs));
    if (this.chance.that(loss)) {
      this.agenda.after(delay, retry);
      return;
    }
    this.agenda.after(delay, () => {
      this.arrive(fate, this.chance.that(loss));
      this.agenda.after(SECOND, retry);
    });
  }

  private arrive(fate: Fate, answerLost: boolean): void {
    const wasAlive = this.alive();
    const heard = (answered: boolean): void => {
      if (answered && !answerLost) fate.acknowledged = true;
      if (!answered && wasAlive && this.alive()) fate.refused += 1;
    };
    this.receive(fate.delivery).then(heard, (error: unknown) => {
      this.fault ??= error;
    });
  }

  alive: () => boolean = () => true;
  /** What went wrong in the simulation itself. */
  fault: unknown = null;
}
