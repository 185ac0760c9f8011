/** What a model may emit in one response (the items of the Responses API that a coding agent reads). */
export type ModelItem =
  | {
      readonly type: "message";
      readonly role: "assistant";
      readonly phase?: "commentary" | "final_answer";
      readonly content: readonly [{ readonly type: "output_text"; readonly text: string }];
    }
  | {
      readonly type: "function_call";
      readonly call_id: string;
      readonly name: string;
      readonly arguments: string;
    }
  | {
      readonly type: "custom_tool_call";
      readonly call_id: string;
      readonly name: string;
      readonly input: string;
    };

/** Tokens as the model reports them; they end as the run's `spent`. */
export interface ModelUsage {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** One response of the model: its items, or how it misbehaves. */
export interface ModelReply {
  readonly items?: readonly ModelItem[];
  /** Default: 100 input, 40 cached, 20 output. */
  readonly usage?: ModelUsage;
  /** Waited before the first byte, milliseconds. */
  readonly delayMs?: number;
  /** `hang`: nothing more is ever sent. `cut`: the items come, then the connection breaks. */
  readonly end?: "hang" | "cut";
  /** Answered instead of the items: an HTTP status with an error body. */
  readonly status?: ModelStatus;
}

interface ModelStatus {
  readonly code: number;
  readonly error: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Only so often per conversation and step, then the items come; absent = always. */
  readonly times?: number;
}

/** Says something. `final_answer` marks the last words of a turn. */
export function msg(text: string, phase?: "commentary" | "final_answer"): ModelItem {
  const content = [{ type: "output_text", text }] as const;
  return { type: "message", role: "assistant", ...(phase === undefined ? {} : { phase }), content };
}

/** Calls a tool with JSON arguments, e.g. `exec_command {cmd, yield_time_ms?}` or `update_plan {plan}`. */
export function call(name: string, args: Readonly<Record<string, unknown>>): ModelItem {
  const text = JSON.stringify(args);
  return { type: "function_call", call_id: "", name, arguments: text };
}

/** Runs one shell command; returns to the model after `yieldMs` though it may still run. */
export function shell(cmd: string, yieldMs = 10_000): ModelItem {
  return call("exec_command", { cmd, yield_time_ms: yieldMs });
}

/** Applies a patch in the agent's own patch language, given as its lines without the Begin and End marks. */
export function patch(...lines: readonly string[]): ModelItem {
  const input = ["*** Begin Patch", ...lines, "*** End Patch", ""].join("\n");
  return { type: "custom_tool_call", call_id: "", name: "apply_patch", input };
}
