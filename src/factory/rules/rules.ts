import { ENDINGS } from "./ending.ts";
import { MERGING_RULES } from "./merging.ts";
import { PULL_REQUEST_RULES } from "./pull-request.ts";
import type { Rule } from "./rule.ts";
import { RUN_RULES } from "./run.ts";
import { TICKET_RULES } from "./ticket.ts";

/**
 * The whole timetable, in order: what ends an issue and what people own comes first, then the run in progress,
 * then what was asked for, then the pull request from the merge queue back to its checks, and at last its merge.
 */
export const RULES: readonly Rule[] = [
  ...ENDINGS,
  ...TICKET_RULES,
  ...RUN_RULES,
  ...PULL_REQUEST_RULES,
  ...MERGING_RULES,
];
