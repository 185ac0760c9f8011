import type { Facts } from "../facts/facts.ts";
import type { Question } from "../facts/ticket.ts";
import { runId } from "../facts/ids.ts";
import { withAnswer } from "./request.ts";
import { withGlimpse, withRun } from "./run.ts";
import {
  withCheck,
  hangsOnBase,
  withHint,
  withPullRequest,
  withPullRequestReading,
  withReadingsBefore,
  withReview,
} from "./pull-request.ts";
import {
  withDelegation,
  withPrompt,
  withSession,
  withStop,
  withTicket,
  withTicketReading,
} from "./ticket.ts";
import type { Observation } from "../facts/observation.ts";
import { settled } from "../judge/charging.ts";
import { own } from "../facts/own.ts";
import { later } from "../facts/stamp.ts";

/**
 * What an observation adds to the facts. Applying it twice is applying it once; an older one never overwrites
 * a newer one. `heardAt` is when we heard of it, by our own clock (Unix ms). Nobody's right is looked at: who may do what is asked when deciding.
 */
export function observe(facts: Facts, seen: Observation, heardAt = seen.at): Facts {
  switch (seen.kind) {
    case "session_opened": {
      const { session, by, automatic, at } = seen;
      const next = withTicket(
        withSession(facts, { id: session, at, by, automatic, staleAt: null }),
        seen.ticket,
        at,
        false,
      );
      return seen.delegated ? withDelegation(next, true, by, at, false) : next;
    }
    case "prompted": {
      const { prompt, at, by, from, session, text, on } = seen;
      return withPrompt(facts, {
        id: prompt,
        at,
        by,
        from,
        session,
        text,
        ...(on === undefined ? {} : { on }),
      });
    }
    case "stop_requested":
      return withStop(facts, seen.by, seen.session, seen.at, false);
    case "ticket_located":
      return facts.ticket.workspace === seen.workspace
        ? facts
        : { ...facts, ticket: { ...facts.ticket, workspace: seen.workspace } };
    case "delegated":
      return withDelegation(facts, true, seen.by, seen.at, false);
    case "undelegated":
      return withDelegation(facts, false, seen.by, seen.at, false);
    case "ticket_changed":
      return withTicket(facts, seen.ticket, seen.at, false);
    case "ticket_removed":
      return {
        ...facts,
        ticket: { ...facts.ticket, removed: later(facts.ticket.removed, true, seen.at, false) },
      };
    case "ticket_read":
      return withTicketReading(facts, seen, seen.at);
    case "pull_request_changed":
      return withPullRequest(facts, seen.pullRequest, seen.at, false, heardAt);
    case "review_changed":
      if (facts.pullRequest?.number !== seen.number) return facts;
      // Whether the reviewer may write is known only to a reading.
      return withHint(withReview(facts, seen.review), seen.at, "a review", heardAt);
    case "thread_changed":
    case "review_comment_added":
      return facts.pullRequest?.number === seen.number
        ? withHint(facts, seen.at, "review threads", heardAt)
        : facts;
    case "check_changed":
      return withCheck(facts, seen.sha, seen.check, heardAt);
    case "checks_hinted":
      return seen.sha === facts.pullRequest?.core.value.head
        ? withHint(facts, seen.at, "checks", heardAt)
        : facts;
    case "queue_entered":
    case "queue_left":
      return withQueue(facts, seen, heardAt);
    case "group_formed":
      return facts.pullRequest?.number === seen.number
        ? withHint(facts, seen.at, "a merge group", heardAt)
        : facts;
    case "auto_merge_changed":
      return facts.pullRequest?.number === seen.number
        ? withHint(facts, seen.at, "auto-merge", heardAt)
        : facts;
    case "base_moved":
      return facts.pullRequest?.core.value.base === seen.branch && hangsOnBase(facts.pullRequest)
        ? withHint(facts, seen.at, "the base branch", heardAt)
        : facts;
    case "pull_request_read": {
      let next = withPullRequestReading(facts, seen, seen.at);
      if (next.pullRequest?.number !== seen.number) return next;
      for (const prompt of seen.prompts) next = withPrompt(next, { ...prompt, from: "forge", session: null });
      return next;
    }
    case "repository_read":
      if (facts.project === null) return facts;
      return {
        ...facts,
        project: { ...facts.project, problem: later(facts.project.problem, seen.problem, seen.at, true) },
      };
    case "branch_taken":
      if (facts.project?.branch !== seen.branch || facts.pullRequest !== null) return facts;
      return { ...facts, project: { ...facts.project, branch: seen.instead } };
    case "run_started":
      return withRun(facts, seen.run, seen.fence, (run) =>
        run.state === "queued" ? { ...run, state: "running", phase: "prepare", startedAt: seen.at } : run,
      );
    case "phase_entered": {
      const { run: number, fence, phase, thread, turn, headBefore } = seen;
      return withRun(facts, number, fence, (run) => ({
        ...run,
        phase,
        thread: thread ?? run.thread,
        turn: turn ?? run.turn,
        headBefore: headBefore ?? run.headBefore,
      }));
    }
    case "push_intended":
      return withRun(facts, seen.run, seen.fence, (run) => ({ ...run, headAfter: seen.sha }));
    case "prompt_delivered":
      return withRun(facts, seen.run, seen.fence, (run) =>
        run.steered.includes(seen.prompt) ? run : { ...run, steered: [...run.steered, seen.prompt] },
      );
    case "run_glimpsed":
      return withRun(facts, seen.run, seen.fence, (run) => withGlimpse(run, seen));
    case "run_spent":
      return withRun(facts, seen.run, seen.fence, (run) => ({ ...run, spent: seen.spent }));
    case "run_ended": {
      const { end, question, spent, at } = seen;
      const next = withRun(facts, seen.run, seen.fence, (run) => ({
        ...run,
        state: "ended",
        phase: "settle",
        endedAt: at,
        end: settled(end),
        spent,
        glimpse: null,
      }));
      if (next === facts) return next;
      const pushed = end.outcome === "published" ? withReadingsBefore(next, at) : next;
      if (question === null) return pushed;
      return withQuestion(pushed, {
        id: runId(facts.id, seen.run),
        about: "work",
        askedAt: at,
        run: seen.run,
        afterRun: seen.run,
        text: question.text,
        options: question.options,
        known: Object.keys(next.prompts).toSorted(),
        dueAt: null,
        answer: null,
      });
    }
    case "commanded":
      return withCommand(facts, seen);
    case "effect_settled":
      return withAnswer(facts, seen);
    case "time_passed":
      return facts;
  }
}

export function withQuestion(facts: Facts, question: Question): Facts {
  if (own(facts.questions, question.id) !== undefined) return facts;
  return { ...facts, questions: { ...facts.questions, [question.id]: question } };
}

function withQueue(
  facts: Facts,
  seen: Extract<Observation, { kind: "queue_entered" | "queue_left" }>,
  heardAt: number,
): Facts {
  const kept = facts.pullRequest;
  if (kept === null || kept.number !== seen.number) return facts;
  const entry = seen.kind === "queue_entered" ? { state: "QUEUED", position: null, at: seen.at } : null;
  const next = { ...facts, pullRequest: { ...kept, queue: later(kept.queue, entry, seen.at, false) } };
  // Why it left, and on which commit it failed, only a reading tells reliably.
  return withHint(next, seen.at, "the merge queue", heardAt);
}

function withCommand(facts: Facts, seen: Extract<Observation, { kind: "commanded" }>): Facts {
  const { at, by, command } = seen;
  const commanded = (granted: boolean): Pick<Facts, "commanded" | "grants"> => ({
    commanded: later(facts.commanded, { granted, by }, at, false),
    grants: granted
      ? { ...facts.grants, command: later(facts.grants.command, { by }, at, false) }
      : facts.grants,
  });
  switch (command) {
    case "stop":
      return { ...facts, ...commanded(false) };
    case "pause":
      return { ...facts, paused: later(facts.paused, true, at, false) };
    case "resume":
      return { ...facts, paused: later(facts.paused, false, at, false), ...commanded(true) };
    case "retry": {
      const afterRun = facts.runs.at(-1)?.number ?? 0;
      const budgetReset =
        facts.budgetReset === null || facts.budgetReset.at < at ? { at, afterRun } : facts.budgetReset;
      return { ...facts, budgetReset, ...commanded(true) };
    }
    case "cancel":
    case "close":
      if (facts.closed !== null && facts.closed.at >= at) return facts;
      return { ...facts, closed: { at, by, how: command } };
    case "answer": {
      if (seen.text === null) return facts;
      const next = withPrompt(facts, {
        id: seen.id,
        at,
        by,
        from: "operator",
        session: null,
        text: seen.text,
      });
      const asked = seen.question === null ? undefined : own(facts.questions, seen.question);
      if (asked === undefined || asked.answer !== null) return next;
      const answer = { at, by, text: seen.text, prompt: seen.id };
      return { ...next, questions: { ...next.questions, [asked.id]: { ...asked, answer } } };
    }
  }
}
