import type { Facts } from "../../facts/facts.ts";
import type { Glimpse, Outcome, Run } from "../../facts/run.ts";
import type { Prompt } from "../../facts/ticket.ts";
import type { PullRequest } from "../../facts/pull-request.ts";
import { worktreeNameOf } from "../../facts/ids.ts";
import { own } from "../../facts/own.ts";
import { RUN_TYPES } from "../../facts/run-types.ts";
import type { Decision } from "../../rules/decision.ts";
import { counted, firstLine, listed, quoting, sentence, sentences } from "../../words.ts";

/**
 * What the tracker is told, word for word; when it is told is decided in narration.ts. Sentences of a decision
 * (`why`) and what it waits for (`waitsFor`, which follows "waiting for") come from the rules and are passed on as they are.
 */

/** The stages of the plan, in order. */
export const STAGES = [
  "Implement",
  "Open a pull request",
  "Make the checks pass",
  "Address the review",
  "Merge",
] as const;

/** Why a stage of the plan stands still, behind its name. */
export const STAGE_WAITS: Readonly<Partial<Record<Decision["state"], string>>> = {
  awaiting_review: "waiting for the reviewer",
  awaiting_input: "waiting for your answer",
  escalated: "waiting for a person",
  paused: "paused",
};

/** The title of an action, and what it is about: read one after the other they are a phrase. */
export interface ActionWords {
  readonly action: string;
  readonly parameter: string;
}

const short = (sha: string): string => sha.slice(0, 8);

/** What a run that has begun does. */
export function doing(facts: Facts, run: Run): ActionWords {
  const head = run.headBefore;
  switch (run.type) {
    case "implementation":
      if (run.cause.asks !== "issue" && facts.pullRequest === null)
        return { action: "Looking into", parameter: "your message" };
      return facts.pullRequest === null || head === null
        ? {
            action: "Implementing",
            parameter: `the issue in ${facts.project?.repository ?? "the repository"}`,
          }
        : { action: "Working on", parameter: "the latest request" };
    case "ci_repair": {
      const { checks } = run.cause;
      return { action: `Fixing the check${checks.length === 1 ? "" : "s"}`, parameter: listed(checks) };
    }
    case "review_fix":
      return { action: "Addressing the review of", parameter: head === null ? "the change" : short(head) };
    case "queue_repair": {
      const { ejection } = run.cause;
      const reason = ejection === null ? "conflict" : facts.pullRequest?.ejections[ejection]?.reason;
      return reason === "conflict"
        ? {
            action: "Resolving the conflict with",
            parameter: facts.pullRequest?.core.value.base ?? "the base branch",
          }
        : {
            action: "Fixing the merge queue failure of",
            parameter: head === null ? "the change" : short(head),
          };
    }
  }
}

/** What a run is at, long after it has begun. */
export function underWay({ startedAt }: Run, word: NonNullable<Glimpse["word"]>): string {
  const minutes = Math.round((word.at - (startedAt ?? word.at)) / 60_000);
  return word.again ? `Still at it after ${counted(minutes, "minute")}: ${word.text}` : word.text;
}

/** What a run has published. */
export function published({ headAfter }: Run): ActionWords {
  return headAfter === null
    ? { action: "Opened", parameter: "the pull request" }
    : { action: "Pushed", parameter: short(headAfter) };
}

/** The first word in a session; the key of the issue, once it is known. */
export function acknowledgement(key: string | undefined): string {
  return `On it. I'll post progress${key === undefined ? "" : ` on ${key}`} here, and ask when I need a decision from you.`;
}

/** To a message that only thanks or praises. */
export const WELCOME = "You're welcome.";

export function changedNothing({ number }: Run, summary: string): string {
  return `Run ${number} changed nothing: ${sentence(summary)}`;
}

export function runFailed({ number }: Run, failureClass: string, summary: string): string {
  const what = failureClass === "unknown" ? "" : ` (${failureClass})`;
  return `Run ${number} failed${what}: ${sentence(summary)}`;
}

export function pullRequestLabel(number: number): string {
  return `Pull request #${number}`;
}

/** Work that is called for may not begin yet; `triedBefore`: an earlier attempt has begun. */
export function notStarted({ why, waitsFor }: Decision, triedBefore: boolean): string {
  return sentences(why, `I'm waiting for ${waitsFor ?? "a while"}${triedBefore ? "" : " before I start"}`);
}

/** The issue has ended without a merge. */
export function stopped(why: string): string {
  return sentences(why, "I've stopped working on it. To continue, delegate the issue again or write here");
}

/** A person has taken the issue away: what became of the work, and what would become of it. */
export function pausedByPerson(why: string, facts: Facts): string {
  const pull = facts.pullRequest;
  const last = facts.runs.at(-1);
  const broken = last?.end?.outcome === "stopped" && last.startedAt !== null ? last : null;
  const pushed = broken?.headAfter ?? null;
  const rest = [
    ...(pushed === null
      ? []
      : [sentence(`- Commit ${short(pushed)} was pushed before that, or may have been`)]),
    ...(pull === null ? [] : [`- Pull request #${pull.number} stays as it is: ${pull.url}`]),
    ...(broken === null || pushed !== null ? [] : [unfinished(facts)]),
  ];
  const lead = sentences(
    why,
    "Nothing is running, and nothing will be published until you delegate the issue again or write here",
  );
  return rest.length === 0 ? lead : [lead, "", ...rest].join("\n");
}

/** What of a run that was stopped is not published. */
function unfinished({ id, project }: Facts): string {
  const name = project === null ? "" : `${worktreeNameOf(id, project.branch)}/`;
  return `- Whatever the agent had begun was not pushed. If you write here, it goes on from there; if you delegate the issue again, it starts over, and the unfinished files stay in the relay's mirror below \`refs/patchrelay/salvage/${name}\`.`;
}

/** An operator has paused the issue, and nothing runs. */
export function pausedByOperator({ waitsFor }: Decision): string {
  return sentences(
    "An operator paused this issue",
    `Nothing starts until it is resumed. I'm waiting for ${waitsFor ?? "an operator"}`,
  );
}

export const PAUSED_WHILE_GOING =
  "An operator paused this issue. The run in progress goes on; nothing new starts after it.";

export const RESUMED = "An operator resumed the work on this issue.";

/** A person wrote while an agent works. */
export function passedOn({ text }: Prompt): string {
  return quoting("I've passed this on to the agent", text);
}

export function awaitsWord({ why, waitsFor }: Decision): string {
  return sentences(why, `I'm waiting for ${waitsFor ?? "you"}`);
}

export function whatNext(summary: string): string {
  return `I found nothing to change: ${sentence(summary)}\n\nWhat should I do next?`;
}

/** A person's word on the pull request comes next. */
export function readyForReview({ number, url }: PullRequest, facts: Facts, decision: Decision): string {
  const { rule, why, waitsFor } = decision;
  const ready = READY[rule];
  const done = ready === undefined ? [] : doneSince(facts.runs).map((run) => doneLine(run, facts));
  return [
    ...(ready === undefined ? [] : [`Pull request #${number} is ${ready}. ${url}`]),
    ...(done.length > 0 ? ["", ...done] : []),
    ...(ready === undefined ? [] : [""]),
    sentences(why, `I'm waiting for ${waitsFor ?? "a review"}`),
    ...(ready === undefined ? ["", url] : []),
  ].join("\n");
}

const READY: Readonly<Record<string, string>> = {
  person_merges: "ready to be merged",
  unapproved: "ready for review",
  review_answered: "ready for another review",
};

/** What was published since a person last had the pull request before them. */
function doneSince(runs: readonly Run[]): readonly Run[] {
  const from = runs.findLastIndex(({ type }) => type === "implementation" || type === "review_fix");
  return runs.slice(Math.max(from, 0)).filter((run) => run.end?.outcome === "published");
}

function doneLine(run: Run, { prompts }: Facts): string {
  const given = run.steered
    .flatMap((id) => own(prompts, id)?.text ?? [])
    .map((text) => `"${firstLine(text, MOST_GIVEN)}"`);
  const heard = given.length === 0 ? "" : ` It was given ${listed(given)} on the way.`;
  return `- ${capital(typeName(run))}: ${sentence(firstLine(run.end?.summary ?? ""))}${heard}`;
}

/** How much of a message is repeated in a line about a run. */
const MOST_GIVEN = 80;

/** Says again what a person is awaited for. `asked`: the question, if it is one; `who`: who gave us the work, as far as known. */
export function reminder(
  facts: Facts,
  { why, waitsFor }: Decision,
  { asked, who }: { readonly asked: string | null; readonly who: string | null },
): string {
  const what = asked === null ? (waitsFor ?? "you") : `an answer${who === null ? "" : ` from ${who}`}`;
  const link = facts.pullRequest?.url ?? facts.ticket.core?.value.url ?? "";
  return [
    sentences(`Reminder: I'm still waiting for ${what}`, asked === null ? why : ""),
    ...(asked === null ? [] : ["", asked]),
    ...(link === "" ? [] : ["", link]),
  ].join("\n");
}

/** To a session that the tracker shows as if nobody were at work: where things are. */
export function stillThere({ why, waitsFor }: Decision): string {
  return sentences(why, waitsFor === null ? "" : `I'm still waiting for ${waitsFor}`);
}

/** The issue is done. */
export function conclusion(facts: Facts, decision: Decision): string {
  if (decision.rule !== "merged") return sentences(decision.why, "My work here is done");
  const done = facts.runs
    .filter((run) => run.end?.outcome === "published")
    .map((run) => doneLine(run, facts));
  return [
    `${decision.why} ${facts.pullRequest?.url ?? ""}`.trim(),
    ...(done.length > 0 ? ["", "What was done:", ...done] : []),
  ].join("\n");
}

/** What a person wrote before the merge, and nobody took up. */
export function tooLate(number: number, { text }: Prompt): string {
  return sentences(
    quoting(`Pull request #${number} was merged before I could act on this message`, text),
    "If you still want this, post it again",
  );
}

/** The person who was asked whether to try again goes on by themselves. */
export function takenOver({ waitsFor }: Decision): string {
  return sentences(
    "It's yours, and I won't do anything more on my own",
    `To go on, I'd need ${waitsFor ?? "a message"}`,
  );
}

/** How many attempts are listed when an issue is handed over. */
const MOST_TRIED = 6;

/** What was tried, and what a person has to do. */
export function handOver(facts: Facts, decision: Decision): string {
  const tried = facts.runs
    .slice(-MOST_TRIED)
    .map(
      (run) =>
        `- Run ${run.number} (${typeName(run)}) ${run.end === null ? UNDER_WAY[run.state] : ENDED[run.end.outcome]}${
          run.end?.summary ? `: ${sentence(firstLine(run.end.summary))}` : "."
        }`,
    );
  const left = facts.runs.length - tried.length;
  return [
    sentences(decision.why, "I'm handing this over"),
    ...(facts.pullRequest === null
      ? []
      : ["", `${pullRequestLabel(facts.pullRequest.number)}: ${facts.pullRequest.url}`]),
    ...(tried.length > 0
      ? [
          "",
          left > 0 ? `What was tried, after ${counted(left, "earlier run")}:` : "What was tried:",
          ...tried,
        ]
      : []),
    "",
    sentence(`I'm waiting for ${decision.waitsFor ?? "a person"}`),
  ].join("\n");
}

/** Nobody has answered a question in the time there was for it. */
export function notAnswered({ why, waitsFor }: Decision): string {
  return sentences(
    why,
    "I'm handing this over, and the question stays open: with an answer I go on",
    `I'm waiting for ${waitsFor ?? "an answer"}`,
  );
}

/** How a run ended, to follow its name. */
const ENDED: Readonly<Record<Outcome, string>> = {
  published: "pushed a change",
  no_change: "found nothing to change",
  answered: "answered",
  asked: "asked a question",
  failed: "failed",
  interrupted: "was interrupted",
  superseded: "was overtaken",
  stopped: "was stopped",
};

const UNDER_WAY: Readonly<Record<Run["state"], string>> = {
  queued: "is waiting to start",
  running: "is in progress",
  ended: "has ended",
};

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function typeName({ type }: Run): string {
  return RUN_TYPES[type].words;
}
