import * as z from "zod";
import { pathForm } from "./forms.ts";
import { DEFAULT_ENGINE, ENGINES } from "./engines.ts";
import { GROUPS, groupsOf, projectGroupsOf } from "../sources/sources.ts";
import type { SourcesSettings } from "../sources/sources.ts";
import { agentGroup } from "./agent.ts";
import {
  branchPrefixSetting,
  budgetsGroup,
  mentionsSetting,
  mergeGroup,
  projectSetting,
  questionsGroup,
  remindersGroup,
  subIssuesSetting,
  trustGroup,
} from "./project.ts";
import {
  ciGroup,
  httpGroup,
  inboxGroup,
  limitsGroup,
  logGroup,
  outboxGroup,
  pricingGroup,
  runsGroup,
  storageGroup,
  sweepGroup,
} from "./relay.ts";

/** The config file, key by key. What it gives is not resolved yet: see resolve.ts. */
export const configSchema = z
  .strictObject({
    $schema: z.string().optional().describe("Location of this schema, for editors."),
    dataDir: pathForm
      .optional()
      .describe(
        "Directory for the database, lock, mirrors, worktrees, agent home and logs; created with mode 0700. Default: $XDG_DATA_HOME/patchrelay. Not below the system's temporary directory.",
      ),
    engine: z.enum(ENGINES).default(DEFAULT_ENGINE).describe("What stores and drives the issues."),
    http: httpGroup.prefault({}).describe("The relay's HTTP server: webhooks, API, dashboard."),
    webhooks: z
      .enum(["on", "off"])
      .default("on")
      .describe(
        "off: nobody has to reach this relay; it asks Linear and GitHub every sweep.pollSeconds, and needs no webhook secrets.",
      ),
    ...GROUPS,
    agent: agentGroup.prefault({}).describe("The coding agents."),
    runs: runsGroup.prefault({}).describe("Runs: how many, how long, how large."),
    ci: ciGroup.prefault({}).describe("When checks of a head count as settled."),
    outbox: outboxGroup.prefault({}).describe("Retries of effects that failed."),
    inbox: inboxGroup.prefault({}).describe("Retries of deliveries that could not be applied."),
    storage: storageGroup.prefault({}).describe("Disk space and retention."),
    sweep: sweepGroup.prefault({}).describe("Periodic polling of Linear and GitHub."),
    limits: limitsGroup
      .prefault({})
      .describe("Limits on requests to Linear and GitHub, and the loop breaker."),
    budgets: budgetsGroup.prefault({}).describe("What may be spent; projects can override each."),
    merge: mergeGroup
      .prefault({})
      .describe("When and how pull requests are merged; projects can override each."),
    trust: trustGroup.prefault({}).describe("Whose words count; projects can override each."),
    reminders: remindersGroup
      .prefault({})
      .describe("When a person who is awaited is reminded; projects can override each."),
    questions: questionsGroup
      .prefault({})
      .describe("What becomes of questions that nobody answers; projects can override each."),
    branchPrefix: branchPrefixSetting,
    mentions: mentionsSetting,
    subIssues: subIssuesSetting,
    pricing: pricingGroup.default({}).describe("Prices by model, in US dollars per million tokens."),
    log: logGroup.prefault({}).describe("Log lines on standard error."),
    projects: z.array(projectSetting).max(500).describe("Which issues go to which repository."),
  })
  .describe("Configuration of patchrelay. Credentials do not belong here: they come from the environment.");

export type Config = z.output<typeof configSchema>;

/** The same with the keys of those of these sources that it does not know yet. */
export function configSchemaWith(sources: SourcesSettings): typeof configSchema {
  if (Object.keys(sources).every((name) => name in GROUPS)) return configSchema;
  const project = projectSetting.extend(projectGroupsOf(sources));
  const more = { ...groupsOf(sources), projects: z.array(project).max(500) };
  return configSchema.extend(more) as unknown as typeof configSchema;
}

/** The same as a JSON Schema (draft 2020-12), for editors; published as config/patchrelay.schema.json. */
export function configJsonSchema(schema = configSchema): z.core.JSONSchema.JSONSchema {
  return { ...z.toJSONSchema(schema, { io: "input" }), title: "patchrelay.json" };
}
