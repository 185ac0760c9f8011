import { z } from "zod";
import type { AgentReport } from "./agent.ts";

const schema = z.object({
  outcome: z.enum(["done", "no_change", "answer", "question"]),
  summary: z.string(),
  question: z
    .object({ text: z.string(), options: z.array(z.string()).default([]) })
    .nullable()
    .default(null),
  threads: z
    .array(
      z.object({ id: z.string(), outcome: z.enum(["fixed", "answered", "declined"]), reply: z.string() }),
    )
    .default([]),
});

/** The schema of a report in a file that a person writes: `question` and `threads` may be left out. */
export const agentReport: z.ZodType<AgentReport> = schema;

/**
 * The same as JSON Schema, as models are given it: every property is required and no other is allowed, because
 * "strict" structured output takes nothing looser.
 */
export const AGENT_REPORT_JSON_SCHEMA = {
  type: "object",
  additionalProperties: false,
  required: ["outcome", "summary", "question", "threads"],
  properties: {
    outcome: { type: "string", enum: ["done", "no_change", "answer", "question"] },
    summary: { type: "string" },
    question: {
      type: ["object", "null"],
      additionalProperties: false,
      required: ["text", "options"],
      properties: { text: { type: "string" }, options: { type: "array", items: { type: "string" } } },
    },
    threads: {
      type: "array",
      items: {
        type: "object",
        additionalProperties: false,
        required: ["id", "outcome", "reply"],
        properties: {
          id: { type: "string" },
          outcome: { type: "string", enum: ["fixed", "answered", "declined"] },
          reply: { type: "string" },
        },
      },
    },
  },
} as const;

const FENCED = /```(?:json)?[^\S\n]*\n(.*?)\n[^\S\n]*```/gsu;

/**
 * The report in an agent's last words: the whole text as JSON, or its last fenced block that is one. Null when
 * there is none; the caller then has the words themselves.
 */
export function parseReport(text: string): AgentReport | null {
  const blocks = [...text.matchAll(FENCED)].map((match) => match[1] ?? "");
  for (const candidate of [text, ...blocks.toReversed()]) {
    const report = asReport(candidate);
    if (report !== null) return report;
  }
  return null;
}

function asReport(text: string): AgentReport | null {
  const trimmed = text.trim();
  if (!trimmed.startsWith("{") || !trimmed.endsWith("}")) return null;
  try {
    const parsed = schema.safeParse(JSON.parse(trimmed));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
