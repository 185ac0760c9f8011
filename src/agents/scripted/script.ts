import { open } from "node:fs/promises";
import { z } from "zod";
import { messageOf } from "../../lib/assert.ts";
import { agentReport } from "../report.ts";

// The file that the scripted agent plays: JSON, `{"rules": [...]}`. For each piece of work the first rule whose
// `when` fits is played, step by step, and ends with its `report`.
//
//   when.type            run type (implementation, ci_repair, review_fix, queue_repair)
//   when.promptIncludes  a text that must stand in the prompt
//   when.nth             only the nth run (from 1) that the two above fit
//
// Steps of `do`, each an object with one key:
//   {"say": "text"}                                  a message
//   {"plan": [{"step": "text", "status": "pending"}]}  pending, inProgress, completed or canceled
//   {"write": {"path": "a/b.txt", "text": "…"}}      the whole file
//   {"replace": {"path": "a", "from": "x", "to": "y"}}  the first `x`; a failure of the agent when there is none
//   {"delete": "a/b.txt"}
//   {"run": ["npm", "test"]}                         a program in the directory, never a shell; any exit code is fine
//   {"spend": {"input": 100, "cached": 0, "output": 20, "usd": null}}
//   {"wait": "steer"}                                until a message is handed in; "interrupt": until interrupted
//   {"wait": 500}                                    milliseconds
//   {"fail": "capacity"}                             ends with that class, or {"class", "detail", "retryAfterMs"}
//   {"ask": {"text": "…", "options": ["…"]}}         ends with a question in the report
//
// In texts `{{steered}}` stands for the newest message that was handed in. Paths are relative to the directory and
// may not leave it, not even by a link, nor enter `.git`. Without `report` (or with null) there is no report; the
// last thing said is the text.

const CLASSES = [
  "agent",
  "capacity",
  "infrastructure",
  "test",
  "build",
  "lint",
  "ci",
  "conflict",
  "policy",
  "unknown",
] as const;

const path = z.string().min(1).max(1_000);
const tokens = z.number().int().min(0);
const failureClass = z.enum(CLASSES);

const step = z.union([
  z.strictObject({ say: z.string() }),
  z.strictObject({
    plan: z.array(
      z.strictObject({
        step: z.string(),
        status: z.enum(["pending", "inProgress", "completed", "canceled"]),
      }),
    ),
  }),
  z.strictObject({ write: z.strictObject({ path, text: z.string() }) }),
  z.strictObject({ replace: z.strictObject({ path, from: z.string().min(1), to: z.string() }) }),
  z.strictObject({ delete: path }),
  z.strictObject({ run: z.array(z.string()).min(1) }),
  z.strictObject({
    spend: z.strictObject({
      input: tokens.default(0),
      cached: tokens.default(0),
      output: tokens.default(0),
      usd: z.number().min(0).nullable().default(null),
    }),
  }),
  z.strictObject({ wait: z.union([z.enum(["steer", "interrupt"]), z.number().min(0)]) }),
  z.strictObject({
    fail: z.union([
      failureClass,
      z.strictObject({
        class: failureClass,
        detail: z.string().default("the script says so"),
        retryAfterMs: z.number().min(0).nullable().default(null),
      }),
    ]),
  }),
  z.strictObject({ ask: z.strictObject({ text: z.string(), options: z.array(z.string()).default([]) }) }),
]);

const script = z.strictObject({
  $schema: z.string().optional(),
  rules: z
    .array(
      z.strictObject({
        when: z
          .strictObject({
            type: z.enum(["implementation", "ci_repair", "review_fix", "queue_repair"]).optional(),
            promptIncludes: z.string().optional(),
            nth: z.number().int().min(1).optional(),
          })
          .default({}),
        do: z.array(step).max(1_000).default([]),
        report: agentReport.nullable().default(null),
      }),
    )
    .max(1_000),
});

export type Step = z.output<typeof step>;
export type ScriptedAgentScript = z.output<typeof script>;
/** As a person writes it: what has a default may be left out. */
export type ScriptedAgentScriptInput = z.input<typeof script>;
export type ScriptRule = ScriptedAgentScript["rules"][number];

const MAX_BYTES = 8 * 1024 * 1024;

/** Checks a script; throws an Error that names each wrong place. `source` is named in it. */
export function checkScript(value: unknown, source: string): ScriptedAgentScript {
  const parsed = script.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(
    `${source} is not a script for the scripted agent:\n${z.prettifyError(parsed.error)}\nThe format is described at the top of src/agents/scripted/script.ts.`,
  );
}

/** Reads and checks a script file. Throws an Error that names the file and what is wrong. */
export async function readScript(file: string): Promise<ScriptedAgentScript> {
  let value: unknown;
  try {
    value = JSON.parse(await readBounded(file));
  } catch (error) {
    throw new Error(`the script ${file} cannot be read: ${messageOf(error)}; see agent.scripted.file`, {
      cause: error,
    });
  }
  return checkScript(value, file);
}

async function readBounded(file: string): Promise<string> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return await handle.readFile("utf8");
  } finally {
    await handle.close();
  }
}
