import { waiting } from "./ending.ts";
import type { Rule } from "./rules.ts";

const RECHECK_MS = 300_000;

/** Where the issue goes, and what only a person can answer. */
export const TICKET_RULES: readonly Rule[] = [
  {
    name: "unread",
    says: "The tracker's issue has not been read yet.",
    states: ["delegated"],
    when: ({ facts }) => facts.ticket.core === null,
    gives: () => waiting("delegated", "The issue is being read from the tracker.", "the tracker's answer"),
  },
  {
    name: "unrouted",
    says: "No project of the configuration takes this issue: say so and wait.",
    states: ["awaiting_input"],
    when: ({ facts }) => facts.project === null,
    gives: ({ facts }) => {
      const core = facts.ticket.core?.value;
      return waiting(
        "awaiting_input",
        `No project of this relay takes issues of team ${core?.team ?? "(none)"}${core?.project == null ? "" : `, project ${core.project}`}.`,
        "a project in the configuration that takes it, or another team on the issue",
      );
    },
  },
  {
    name: "project_gone",
    says: "The project it was routed to is no longer in the configuration.",
    states: ["awaiting_input"],
    when: ({ project }) => project === null,
    gives: ({ facts }) =>
      waiting(
        "awaiting_input",
        `Project ${facts.project?.id} is no longer configured.`,
        "the project in the configuration",
      ),
  },
  {
    name: "repository_problem",
    says: "The repository can not be worked with (not there, no access, no base branch): say so and wait.",
    states: ["awaiting_input"],
    when: ({ facts, run }) => run === null && (facts.project?.problem?.value ?? null) !== null,
    gives: ({ facts, now }) =>
      waiting(
        "awaiting_input",
        facts.project?.problem?.value ?? "",
        "the repository or the configuration to be mended",
        now + RECHECK_MS,
      ),
  },
  {
    name: "question_open",
    says: "A question waits for a person's answer; it holds no slot.",
    states: ["awaiting_input"],
    when: ({ questions, run }) => questions.length > 0 && run === null,
    gives: ({ questions }) =>
      waiting(
        "awaiting_input",
        `Asked: ${questions[0]?.text ?? ""}`,
        "an answer, in the tracker or by `answer`",
      ),
  },
];
