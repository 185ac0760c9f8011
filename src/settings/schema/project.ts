import * as z from "zod";
import { amount, field, overrides, whole, withDefaults } from "./fields.ts";
import {
  branchForm,
  branchPrefixForm,
  cloneUrlForm,
  line,
  projectIdForm,
  repositoryNameForm,
} from "./forms.ts";
import { PROJECT_GROUPS } from "../sources/sources.ts";
import { agentOverrides } from "./agent.ts";

const attempts = whole(0, 1000);
const tokens = whole(1_000, 1_000_000_000);
const dollars = amount(0, 1_000_000);

const budgetFields = {
  implementations: field(attempts, 3, "Attempts at what the issue, or one message from a person, asks for."),
  ciRepairs: field(attempts, 3, "CI repairs per head pushed by a person."),
  reviewFixes: field(attempts, 5, "Review rounds per head pushed by a person."),
  queueRepairs: field(attempts, 3, "Merge queue repairs per head pushed by a person."),
  runs: field(attempts, 12, "Total runs per issue."),
  usdPerIssue: field(dollars.nullable(), null, "US dollars per issue; null: no limit. Needs pricing."),
  usdPerDay: field(dollars.nullable(), null, "US dollars per day; null: no limit. Needs pricing."),
  tokensPerRun: field(tokens, 4_000_000, "Tokens per run."),
  tokensPerIssue: field(tokens, 20_000_000, "Tokens per issue, all runs together."),
  runMinutes: field(amount(0.05, 1440), 60, "Agent time per run, all turns together, in minutes."),
};

const mergeFields = {
  policy: field(
    z.enum(["when_approved", "when_rules_allow", "external", "person"]).nullable(),
    null,
    "when_approved: a person with write permission has approved this head and required checks are green. when_rules_allow: branch rules alone decide. external: another system merges, triggered by merge.label. person: the relay only says that it is ready. null: when_approved, but person with a GITHUB_TOKEN, whose owner cannot approve the pull requests that it opens.",
  ),
  method: field(z.enum(["squash", "merge", "rebase"]), "squash", "How pull requests are merged."),
  label: field(
    line(50).nullable(),
    null,
    "Label the relay sets when another system is to merge (policy external).",
  ),
};

const trustFields = {
  mayDelegate: field(
    z.enum(["members", "collaborators"]),
    "members",
    "Whose requests start work. members: people of the Linear workspace. collaborators: also people with write permission to the repository.",
  ),
  maySteer: field(
    z.enum(["delegator", "members", "collaborators"]),
    "collaborators",
    "Whose words reach the agent. delegator: whoever delegated the issue, or mentioned us if nobody did. members: also people of the Linear workspace and of the organisation on GitHub. collaborators: also people with write permission to the repository. A GitHub account alone is never enough.",
  ),
};

const reminderFields = {
  afterHours: field(
    amount(0.1, 8_760),
    24,
    "Hours that a person who is awaited may be silent before a reminder, and between two.",
  ),
  times: field(
    whole(0, 20),
    2,
    "Reminders of one thing that a person is awaited for; 0: none. A person's word starts the count again.",
  ),
};

const questionFields = {
  timeoutHours: field(
    amount(0.1, 8_760).nullable(),
    null,
    "Hours after which a question that nobody has answered is handed over; null: never. It can still be answered.",
  ),
};

const branchPrefix = branchPrefixForm.describe("Prefix of the relay's branches.");

const mentions = z
  .enum(["answer", "offer", "start"])
  .describe(
    "What a mention starts on an issue that nobody has delegated. answer: its message is answered, or what it asks for is done. offer: it is answered in words, and the relay asks whether to start work on the issue. start: the issue is carried out.",
  );

const subIssues = z
  .enum(["wait", "ignore"])
  .describe(
    "What becomes of an issue with open sub-issues. wait: it is worked on when they are done. ignore: they make no difference.",
  );

export const budgetsGroup = withDefaults(budgetFields);
export const mergeGroup = withDefaults(mergeFields);
export const trustGroup = withDefaults(trustFields);
export const remindersGroup = withDefaults(reminderFields);
export const questionsGroup = withDefaults(questionFields);
export const branchPrefixSetting = branchPrefix
  .default("patchrelay/")
  .describe(branchPrefix.description ?? "");

export const subIssuesSetting = subIssues.default("wait").describe(subIssues.description ?? "");

export const mentionsSetting = mentions.default("answer").describe(mentions.description ?? "");

const repository = z.strictObject({
  name: repositoryNameForm.describe("owner/name on GitHub."),
  baseBranch: branchForm
    .nullable()
    .default(null)
    .describe("Branch that pull requests target; null: the repository's default branch."),
  cloneUrl: cloneUrlForm
    .nullable()
    .default(null)
    .describe(
      "URL git fetches from and pushes to; null: <github.webUrl>/<name>.git. The token is only sent to github.webUrl's host.",
    ),
});

export const projectSetting = z
  .strictObject({
    id: projectIdForm.describe("Id of the project. The database stores it, so do not change it."),
    ...PROJECT_GROUPS,
    repository: repository.describe("The repository runs work in."),
    branchPrefix: branchPrefix.optional().describe(branchPrefix.description ?? ""),
    mentions: mentions.optional().describe(mentions.description ?? ""),
    subIssues: subIssues.optional().describe(subIssues.description ?? ""),
    merge: overrides(mergeFields).default({}).describe("Overrides of the global merge."),
    trust: overrides(trustFields).default({}).describe("Overrides of the global trust."),
    reminders: overrides(reminderFields).default({}).describe("Overrides of the global reminders."),
    questions: overrides(questionFields).default({}).describe("Overrides of the global questions."),
    agent: agentOverrides.nullable().default(null).describe("Overrides of the global agent; null: none."),
    budgets: overrides(budgetFields).default({}).describe("Overrides of the global budgets."),
  })
  .describe("Which Linear issues go to which repository, with its policy.");
