import * as z from "zod";
import { AGENT_NAMES, DEFAULT_AGENT, GROUPS, OVERRIDES } from "../agents/agents.ts";

const defaultAgent = z.enum(AGENT_NAMES).describe("The agent that does the work.");

export const agentGroup = z.strictObject({
  default: defaultAgent.default(DEFAULT_AGENT).describe("The agent that does the work."),
  ...GROUPS,
});

export const agentOverrides = z.strictObject({
  default: defaultAgent.optional().describe("The agent that does the work."),
  ...OVERRIDES,
});
