import { NOBODY, operator, type Actor } from "../../src/factory/facts/actor.ts";
import { decide } from "../../src/factory/rules/decide.ts";
import type { Decision } from "../../src/factory/rules/decision.ts";
import type { Check, Commit, Ejection, MergeState, Review } from "../../src/factory/facts/pull-request.ts";
import type { FailureClass, Outcome, PlanItem, RunReport } from "../../src/factory/facts/run.ts";
import type { NotYet } from "../../src/factory/facts/request.ts";
import type { Command, Observation } from "../../src/factory/facts/observation.ts";
import type { ProjectPolicy } from "../../src/factory/facts/policy.ts";
import { isReported, type EffectKind } from "../../src/factory/effects/effect.ts";
import { stillWanted } from "../../src/factory/effects/called-for.ts";
import { observe } from "../../src/factory/observe/observe.ts";
import { withProject } from "../../src/factory/judge/route.ts";
import { ANN, check, commit, Life, pullReading, REV, STRANGER, T0, ticketReading } from "./world.ts";

/**
 * A factory history as text: lines (or `;`) of a few words each, ten seconds apart. The words:
 *
 *   heard (delegated, by webhook only) | delegated [by outsider] | session <id> | undelegated | stopped [in <session>] | ticket <words> | removed
 *   says <text> [in <session>]
 *     ticket words: stale (the tracker has long heard nothing from us) team=X status=completed [ours] blocked=APP-2 part=APP-3 (an open sub-issue) nobody
 *   pull <head> <words>   a whole reading; what was said of the head before stays. Its name tells whose it is (commit in
 *            world.ts); `head=tree`: its files are those of another with this tree; `p1+h2`: one was pushed after the other
 *     words: open draft merged closed conflict mergeable queue queued unqueued auto manual ours theirs (who turned auto on) required=a,b base=a unread
 *            state=open|behind|blocked (what the rules say of its merge)
 *            expected=a,b (known to check it, and not there; `?` = cannot be seen) cut (there are more checks than are listed)
 *            <check>=success|failure|… (with `#2` for a second attempt, `@3` for workflow run 3: another run's stays)
 *   base <branch>   somebody gives it another base, as a reading tells
 *   review <id> <state> [by stranger] [on <head>] | ejected <reason> [ours | on <head>]
 *   news head <head> | news base <branch> | news check <check>=… [on <head>] | news queue in|out | news review <id> <state> [by stranger]
 *   comments <text> [by stranger]
 *   run starts | run at <phase> | run intends <head> | run given <prompt> | run spends <tokens> [usd]
 *   run <outcome> [<class>] [refunded] [again <seconds>] [-> <head>] [asks <text>]
 *   operator <command> | answer <text> | repository <problem>|fine
 *   merge ok|refused|held|skipped | rerun ok|refused|skipped | cancel ok|refused | update ok|refused|skipped
 *   steers <delegator|members|collaborators> (trust.maySteer)
 *   mentions <answer|offer|start> (what policy has them start) | subIssues <wait|ignore>
 *   timeout <hours> (how long a question may be open)
 *   wait <seconds> | disk full | disk fine | agent missing | agent ready | spent <usd> today
 *   policy <merge policy> | reruns <n> | budget <name> <n> | projects none|twins
 */
export class Story {
  readonly life = new Life();
  readonly lines: string[] = [];
  private at = 0;
  private prompts = 0;
  private head = "";
  /** The forge has said yes to a merge: auto-merge is ours unless the words say whose it is. */
  private asked = false;
  private readonly pull: Partial<Record<string, unknown>> = {};
  private checks: Check[] = [];
  private commits: Commit[] = [];
  private retargetedAt: number | null = null;
  private reviews: Review[] = [];
  private ejections: Ejection[] = [];

  /** Tells all lines; each is one advance. */
  tell(text: string): this {
    for (const line of linesOf(text)) this.lines.push(this.step(line));
    return this;
  }

  /** Tells all lines, the last one without acting on it: what `decide` says before anything is reserved. */
  decideAfter(text: string): Decision {
    const lines = linesOf(text);
    const last = lines.pop();
    if (last === undefined) throw new Error("a story needs a line");
    this.tell(lines.join("\n"));
    this.at += 10;
    const { life } = this;
    const facts = withProject(this.seen(last).reduce(observe, life.facts), life.policy);
    return decide(facts, life.policy, life.conditions, T0 + this.at * 1_000).decision;
  }

  /** Per effect of this kind that was asked for, with `part` in its key: whether its performer would carry it out now. */
  wanted(kind: EffectKind, part = ""): readonly boolean[] {
    const { facts, policy, effects } = this.life;
    return effects
      .filter((effect) => effect.kind === kind && effect.key.includes(part))
      .map((effect) => stillWanted(effect, facts, policy, this.now()));
  }

  private step(line: string): string {
    this.at += 10;
    const seen = this.seen(line);
    return this.life.see(this.at, ...seen);
  }

  /** The story's present time (Unix ms). */
  now(): number {
    return T0 + this.at * 1_000;
  }

  protected seen(line: string): readonly Observation[] {
    const [word = "", ...rest] = line.split(/\s+/);
    const text = rest.join(" ");
    const at = this.now();
    switch (word) {
      case "delegated":
      case "session":
      case "ticket":
        return [this.ticket(word, rest)];
      case "heard": {
        const reading = ticketReading();
        if (reading.kind !== "ticket_read") throw new Error("a reading");
        const { core, status } = reading;
        return [
          { kind: "ticket_changed", at, ticket: { core, status } },
          { kind: "delegated", at, by: ANN },
        ];
      }
      case "undelegated":
        return [{ kind: "undelegated", at, by: ANN }];
      case "stopped":
        return [{ kind: "stop_requested", at, prompt: `stop-${at}`, session: sessionOf(rest), by: ANN }];
      case "removed":
        return [{ kind: "ticket_removed", at, by: ANN }];
      case "says":
        this.prompts += 1;
        return [
          {
            kind: "prompted",
            at,
            prompt: `p${this.prompts}`,
            session: sessionOf(rest),
            by: ANN,
            from: "tracker",
            text: text.replace(/ in (session-\d+|s\d+)$/, ""),
          },
        ];
      case "comments": {
        this.prompts += 1;
        const by = text.endsWith(" by stranger") ? STRANGER : text.endsWith(" by us") ? US : REV;
        return [{ kind: "prompted", at, prompt: `p${this.prompts}`, session: null, by, from: "forge", text }];
      }
      case "pull":
        return [this.reading(rest)];
      case "base":
        this.pull["onto"] = rest[0];
        this.retargetedAt = at;
        return [this.reading([])];
      case "review":
        this.reviews.push(this.review(rest));
        return [this.reading([])];
      case "ejected":
        this.ejections.push({
          at,
          reason: rest[0] as Ejection["reason"],
          ours: rest.includes("ours"),
          group: "g1",
          head: rest[1] === "on" ? (rest[2] ?? this.head) : this.head,
        });
        return [this.reading([])];
      case "news":
        return this.news(rest);
      case "run":
        return [this.run(rest)];
      case "operator":
        return [this.command(rest[0] as Command, null)];
      case "answer":
        return [this.command("answer", text)];
      case "merge":
      case "rerun":
      case "cancel":
      case "update":
        return [this.settled(word, rest[0] ?? "", text)];
      case "repository":
        return [{ kind: "repository_read", at, problem: text === "fine" ? null : text }];
      default:
        return this.world(word, rest);
    }
  }

  private world(word: string, rest: readonly string[]): readonly Observation[] {
    const { life } = this;
    const [first = "", second = ""] = rest;
    const project = life.policy.projects[0];
    const change = (patch: Partial<ProjectPolicy>): void => {
      if (project !== undefined) life.policy = { ...life.policy, projects: [{ ...project, ...patch }] };
    };
    if (word === "wait") this.at += Number(first);
    else if (word === "disk")
      life.conditions = { ...life.conditions, disk: first === "full" ? "90 MiB are free." : null };
    else if (word === "agent")
      life.conditions = {
        ...life.conditions,
        agents: { scripted: first === "missing" ? "no binary" : null },
      };
    else if (word === "spent") life.conditions = { ...life.conditions, usdToday: Number(first) };
    else if (word === "policy" && project !== undefined)
      change({ merge: { ...project.merge, policy: first as ProjectPolicy["merge"]["policy"] } });
    else if (word === "budget" && project !== undefined)
      change({ budgets: { ...project.budgets, [first]: Number(second) } });
    else if (word === "steers" && project !== undefined)
      change({ trust: { ...project.trust, maySteer: first as ProjectPolicy["trust"]["maySteer"] } });
    else if (word === "mentions" && project !== undefined)
      change({ mentions: first as ProjectPolicy["mentions"] });
    else if (word === "subIssues" && project !== undefined)
      change({ subIssues: first as ProjectPolicy["subIssues"] });
    else if (word === "timeout") change({ questions: { timeoutHours: Number(first) } });
    else if (word === "reruns")
      life.policy = { ...life.policy, ci: { ...life.policy.ci, reruns: Number(first) } };
    else if (word === "projects") {
      const twins = life.policy.projects.map((project) => ({
        ...project,
        id: "twin",
        repository: "acme/twin",
      }));
      life.policy = {
        ...life.policy,
        projects: first === "twins" ? [...life.policy.projects, ...twins] : [],
      };
    } else throw new Error(`a story has no word "${word}"`);
    return [{ kind: "time_passed", at: this.now(), reason: word }];
  }

  private ticket(word: string, rest: readonly string[]): Observation {
    const at = this.now();
    const by = rest[0] === "by" ? { ...ANN, id: "u-out", kind: "outsider" as const } : ANN;
    const given = Object.fromEntries(
      rest.map((pair) => [pair.split("=")[0] ?? "", pair.split("=")[1] ?? ""]),
    );
    const opened = Object.values(this.life.facts.sessions);
    const sessions =
      word === "ticket"
        ? rest.includes("stale")
          ? opened.map((session) => ({ ...session, staleAt: at }))
          : []
        : [
            {
              id: word === "session" ? (rest[0] ?? "s") : "session-1",
              at,
              by,
              automatic: false,
              staleAt: null,
            },
          ];
    const base = ticketReading({}, this.at);
    if (base.kind !== "ticket_read") throw new Error("a ticket reading");
    const type = given["status"] as "completed" | "canceled" | undefined;
    return {
      ...base,
      core: {
        ...base.core,
        team: given["team"] ?? "APP",
        key: given["team"] === undefined ? "APP-1" : "OPS-1",
      },
      status:
        type === undefined
          ? base.status
          : { id: "s9", name: type === "completed" ? "Done" : "Canceled", type, endedAt: at },
      ownEnd: rest.includes("ours") ? at : null,
      blockers: (["blocked", "part"] as const).flatMap((word) => {
        const key = given[word];
        return key === undefined ? [] : [{ key, done: false, isSubIssue: word === "part" }];
      }),
      sessions,
      authorities: word === "delegated" ? [{ granted: true, at, cause: "delegated", by, session: null }] : [],
    };
  }

  private reading(words: readonly string[]): Observation {
    const [named, ...rest] = words;
    for (const pushed of named?.split("+") ?? []) {
      const [sha = "", tree = `tree-${sha}`] = pushed.split("=");
      if (sha !== this.head) this.checks = [];
      this.head = sha;
      this.pushed(sha, tree);
    }
    for (const word of rest) this.word(word);
    const closed = this.pull["state"] === "closed";
    const base = pullReading(this.head, {}, this.at);
    if (base.kind !== "pull_request_read") throw new Error("a pull request reading");
    const queued = this.pull["queued"] === true;
    const generation = this.life.facts.past.length;
    return {
      ...base,
      askedAt: this.now(),
      number: 7 + generation,
      core: {
        ...base.core,
        branch: this.life.facts.project?.branch ?? base.core.branch,
        state: closed ? "closed" : "open",
        merged: this.pull["merged"] === true,
        draft: this.pull["draft"] === true,
        base: (this.pull["onto"] as string | undefined) ?? base.core.base,
        closedAt: closed ? ((this.pull["closedAt"] as number | undefined) ?? this.now()) : null,
      },
      commits: [...this.commits],
      baseChangedAt: this.retargetedAt,
      mergeable: this.pull["conflict"] === true ? "conflict" : "yes",
      mergeState: (this.pull["state="] as MergeState | undefined) ?? "open",
      required: (this.pull["required"] as string[] | undefined) ?? ["test"],
      redOnBase: (this.pull["base"] as string[] | undefined) ?? [],
      hasQueue: this.pull["queue"] === true,
      queue: queued ? { state: "queued", position: 1, at: this.now() } : null,
      autoMerge: this.pull["auto"] === true,
      autoMergeOurs: this.pull["auto"] === true && ((this.pull["ours"] as boolean | undefined) ?? this.asked),
      checksCut: this.pull["cut"] === true,
      checksExpected:
        this.pull["expected"]?.toString() === "?"
          ? null
          : ((this.pull["expected"] as string[] | undefined) ?? []),
      checks: this.checks,
      reviews: this.reviews,
      ejections: this.ejections,
    };
  }

  /** A head on top of those before, or one that the branch had and is put back to. */
  private pushed(head: string, tree: string): void {
    const place = this.commits.findIndex(({ sha }) => sha === head);
    this.commits =
      place < 0 ? [...this.commits, commit(head, this.now(), { tree })] : this.commits.slice(0, place + 1);
  }

  private word(word: string): void {
    const [name = "", value] = word.split("=");
    if (value === undefined) {
      if (name === "merged" || name === "closed") {
        this.pull["merged"] = name === "merged";
        this.pull["state"] = "closed";
        this.pull["closedAt"] = this.now();
      } else if (name === "open") Object.assign(this.pull, { state: "open", merged: false });
      else if (name === "fresh") this.forget();
      else if (OPPOSITES[name] !== undefined) this.pull[OPPOSITES[name]] = false;
      else this.pull[name] = true;
      return;
    }
    if (name === "state") {
      this.pull["state="] = value;
      return;
    }
    if (name === "required" || name === "base" || name === "expected") {
      this.pull[name] = value === "" ? [] : value.split(",");
      return;
    }
    const seen = this.check(name, value);
    const same = (known: Check): boolean => known.name === name && known.workflowRun === seen.workflowRun;
    this.checks = [...this.checks.filter((known) => !same(known)), seen];
  }

  /** Another pull request: nothing of the one before holds. */
  private forget(): void {
    for (const key of Object.keys(this.pull)) delete this.pull[key];
    this.checks = [];
    this.reviews = [];
    this.ejections = [];
    this.commits = this.commits.slice(-1);
    this.retargetedAt = null;
  }

  private check(name: string, value: string): Check {
    const [, conclusion = "", id, run] = /^([a-z_]+)(?:#(\d+))?(?:@(\d+))?$/.exec(value) ?? [];
    const settled = conclusion !== "running";
    return check(name, settled ? (conclusion as Check["conclusion"]) : null, {
      id: id ?? "1",
      at: this.now(),
      workflowRun: run ?? null,
    });
  }

  private review(words: readonly string[]): Review {
    const [id = "r", state = "approved"] = words;
    const named = words.indexOf("on");
    return {
      id,
      by: words.includes("stranger") ? STRANGER : REV,
      state: state as Review["state"],
      head: named < 0 ? this.head : (words[named + 1] ?? this.head),
      at: this.now(),
      body: "Please handle negative numbers.",
    };
  }

  private news(words: readonly string[]): readonly Observation[] {
    const [what, value = ""] = words;
    const at = this.now();
    const number = 7;
    if (what === "check") {
      const [name = "", how = ""] = value.split("=");
      return [{ kind: "check_changed", at, sha: words[3] ?? this.head, check: this.check(name, how) }];
    }
    if (what === "queue") {
      const entry = { at, number, head: this.head };
      return value === "in"
        ? [{ kind: "queue_entered", ...entry }]
        : [{ kind: "queue_left", ...entry, reason: "checks_failed", group: null }];
    }
    if (what === "review")
      return [{ kind: "review_changed", at, number, review: this.review(words.slice(1)) }];
    const known = this.commits;
    if (what === "base") this.pull["onto"] = value;
    const reading = this.reading(what === "base" ? [] : what === "head" ? [value] : ["", ...words.slice(1)]);
    this.commits = known;
    if (reading.kind !== "pull_request_read") throw new Error("a pull request reading");
    const { url, node, repositoryId, core } = reading;
    return [
      {
        kind: "pull_request_changed",
        at,
        by: REV,
        pullRequest: { number: reading.number, url, node, repositoryId, core },
      },
    ];
  }

  private run(words: readonly string[]): Observation {
    const run = this.life.facts.runs.at(-1);
    if (run === undefined) throw new Error("the story has no run");
    const id = { at: this.now(), run: run.number, fence: run.fence };
    const [what = "", value = ""] = words;
    if (what === "starts") return { kind: "run_started", ...id };
    const nothing = { thread: null, turn: null, headBefore: null };
    if (what === "at") return { kind: "phase_entered", ...id, ...nothing, phase: value as "work" };
    if (what === "begins")
      return { kind: "phase_entered", ...id, ...nothing, phase: "prepare", headBefore: value };
    if (what === "intends") return { kind: "push_intended", ...id, sha: value, expected: null };
    if (what === "says") return { kind: "run_glimpsed", ...id, words: words.slice(1).join(" "), plan: null };
    if (what === "plans") {
      const items = words.slice(1).map((step): PlanItem => {
        const [content = "", status] = step.split("=");
        return {
          content,
          status: status === "now" ? "inProgress" : status === "done" ? "completed" : "pending",
        };
      });
      return { kind: "run_glimpsed", ...id, words: null, plan: items };
    }
    if (what === "given") return { kind: "prompt_delivered", ...id, prompt: value };
    const spends = words.indexOf("spends");
    const spent = {
      input: spends < 0 ? 0 : Number(words[spends + 1]),
      cached: 0,
      output: 0,
      usd: spends < 0 || words[spends + 2] === undefined ? null : Number(words[spends + 2]),
    };
    if (what === "spends") return { kind: "run_spent", ...id, spent };
    const again = words.indexOf("again");
    const asks = words.indexOf("asks");
    const failureClass = what === "failed" ? (value as FailureClass) : null;
    const end: RunReport = {
      outcome: what as Outcome,
      failureClass,
      summary: `It ${what}.`,
      retryAt: again < 0 ? null : this.now() + Number(words[again + 1]) * 1_000,
      replies: [],
    };
    const question = asks < 0 ? null : { text: words.slice(asks + 1).join(" "), options: ["yes", "no"] };
    return { kind: "run_ended", ...id, end, question, spent };
  }

  private command(command: Command, text: string | null): Observation {
    const at = this.now();
    const question = text === null ? null : (Object.keys(this.life.facts.questions).at(-1) ?? null);
    return { kind: "commanded", at, id: `c${at}`, command, by: operator("ops"), text, question };
  }

  private settled(what: "merge" | "rerun" | "cancel" | "update", how: string, detail: string): Observation {
    const kind = { merge: "merge", rerun: "rerun_checks", cancel: "cancel_merge", update: "update_branch" }[
      what
    ];
    const effect = this.life.effects.findLast((each) => each.kind === kind);
    if (effect === undefined || !isReported(effect)) throw new Error(`the story has asked for no ${what}`);
    const seen = { kind: "effect_settled", at: this.now(), effect } as const;
    if (what === "merge" && how === "ok") this.asked = true;
    const because = { held: "held", skipped: "unwanted" }[how] as NotYet | undefined;
    return { ...seen, ok: how === "ok", detail, because: because ?? null };
  }
}

const OPPOSITES: Readonly<Record<string, string>> = {
  unqueued: "queued",
  ready: "draft",
  mergeable: "conflict",
  manual: "auto",
  theirs: "ours",
};

const US: Actor = { ...NOBODY, kind: "us", id: "1", name: "patchrelay[bot]" };

/** The session that the words name, as "in <session>" at their end. */
function sessionOf(words: readonly string[]): string {
  return (words.at(-2) === "in" ? words.at(-1) : undefined) ?? "session-1";
}

function linesOf(text: string): string[] {
  return text
    .split(/[\n;]/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** A fresh story, told. */
export function story(text: string): Story {
  return new Story().tell(text);
}
