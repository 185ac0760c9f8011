import * as z from "zod";
import { amount, field, listOf, overrides, whole, withDefaults } from "./fields.ts";
import {
  branchForm,
  branchPrefixForm,
  cloneUrlForm,
  line,
  projectIdForm,
  repositoryNameForm,
} from "./forms.ts";
import { agentOverrides } from "./agent.ts";

const attempts = whole(0, 1000);
const tokens = whole(1_000, 1_000_000_000);
const dollars = amount(0, 1_000_000);

const budgetFields = {
  implementations: field(attempts, 3, "Attempts at what the issue or one message of a person asks for."),
  ciRepairs: field(attempts, 3, "Repairs of failing CI for one head of a person."),
  reviewFixes: field(attempts, 5, "Rounds of answering review for one head of a person."),
  queueRepairs: field(attempts, 3, "Repairs after rejections by the merge queue for one head of a person."),
  runs: field(attempts, 12, "Runs of one issue in all."),
  usdPerIssue: field(dollars.nullable(), null, "US dollars for one issue; null is no limit. Needs pricing."),
  usdPerDay: field(dollars.nullable(), null, "US dollars per day; null is no limit. Needs pricing."),
  tokensPerRun: field(tokens, 4_000_000, "Tokens of one run."),
  tokensPerIssue: field(tokens, 20_000_000, "Tokens of all runs of one issue."),
  runMinutes: field(
    amount(0.05, 1440),
    60,
    "Time of the agent in one run, all its turns together, in minutes.",
  ),
};

const mergeFields = {
  policy: field(
    z.enum(["when_approved", "when_rules_allow", "external", "person"]),
    "when_approved",
    "when_approved: a person with write permission has approved this head and required checks are green. when_rules_allow: branch rules alone decide. external: another system merges, told by merge.label. person: the relay only says that it is ready.",
  ),
  method: field(z.enum(["squash", "merge", "rebase"]), "squash", "How a pull request is merged."),
  label: field(
    line(50).nullable(),
    null,
    "Label that the relay sets when another system is to merge (policy external).",
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
    "Whose words reach the agent. delegator: who delegated the issue, or mentioned us where nobody did. members: also people of the Linear workspace and of the organisation on GitHub. collaborators: also people with write permission to the repository. A GitHub account alone never suffices.",
  ),
};

const branchPrefix = branchPrefixForm.describe("What the names of the relay's branches begin with.");
const name = line(200);

export const budgetsGroup = withDefaults(budgetFields);
export const mergeGroup = withDefaults(mergeFields);
export const trustGroup = withDefaults(trustFields);
export const branchPrefixSetting = branchPrefix
  .default("patchrelay/")
  .describe(branchPrefix.description ?? "");

const linearRouting = withDefaults({
  teams: field(listOf(name), [], "Keys of Linear teams whose issues belong here, as APP."),
  projects: field(listOf(name), [], "Names or ids of Linear projects whose issues belong here."),
  labels: field(listOf(name), [], "Labels that an issue needs one of to belong here."),
}).extend({
  statuses: withDefaults({
    started: field(
      name.nullable(),
      null,
      "Status that an issue gets when work starts; null is the team's first of type started.",
    ),
    completed: field(
      name.nullable(),
      null,
      "Status that an issue gets after the merge; null is the team's first of type completed.",
    ),
  })
    .prefault({})
    .describe("Linear statuses to set, by name or id."),
});

const repository = z.strictObject({
  name: repositoryNameForm.describe("owner/name on GitHub."),
  baseBranch: branchForm
    .nullable()
    .default(null)
    .describe("Branch that pull requests go to; null is the repository's default branch."),
  cloneUrl: cloneUrlForm
    .nullable()
    .default(null)
    .describe(
      "Where git fetches and pushes; null is <github.webUrl>/<name>.git. The token goes to github.webUrl's host only.",
    ),
});

export const projectSetting = z
  .strictObject({
    id: projectIdForm.describe("Our name of the project; the database keeps it, so do not change it."),
    linear: linearRouting.prefault({}).describe("Which issues belong here."),
    repository: repository.describe("The repository that runs work in."),
    branchPrefix: branchPrefix.optional().describe(branchPrefix.description ?? ""),
    merge: overrides(mergeFields).default({}).describe("Overrides of the global merge."),
    trust: overrides(trustFields).default({}).describe("Overrides of the global trust."),
    agent: agentOverrides.nullable().default(null).describe("Overrides of the global agent; null is none."),
    budgets: overrides(budgetFields).default({}).describe("Overrides of the global budgets."),
  })
  .describe("Which Linear issues go to which repository, with its policy.");
