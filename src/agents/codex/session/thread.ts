import { z } from "zod";
import type { Clock } from "../../../lib/clock.ts";
import { wellFormed } from "../../../lib/text.ts";
import { delay } from "../../../lib/clock.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { WorkRequest } from "../../agent.ts";
import { AGENT_REPORT_JSON_SCHEMA } from "../../report.ts";
import { readItem, threadAnswer, turnAnswer, turnsAnswer } from "../process/protocol.ts";
import type { Turn } from "../process/protocol.ts";
import type { Server } from "../process/server.ts";
import { RefusedCall } from "../process/wire.ts";

export interface ThreadParts {
  readonly call: Server["call"];
  readonly clock: Clock;
  readonly request: WorkRequest;
  /** The request's directory with links resolved: the only part of the project that commands may write to. */
  readonly directory: string;
  /** Writable folder for temporary files of the run's commands. */
  readonly scratch: string;
  readonly model: string | null;
  /** For each call. */
  readonly withinMs: number;
}

interface Thread {
  readonly id: string;
  /** The model that it runs on; null = Codex did not say. */
  readonly model: string | null;
}

export interface OpenedThread extends Thread {
  /** Set when another thread was asked for and could not be continued: why not. */
  readonly lost: string | null;
  /** The newest turn that was started with this prompt; null = the prompt never arrived. */
  readonly earlier: Turn | null;
}

/** Pages of 20 turns that are searched for an earlier arrival of the prompt. */
const MAX_PAGES = 5;
const WRITER_TRIES = 20;
const WRITER_WAIT_MS = 250;

const GONE = /no rollout found|not found|is archived/iu;
/** The process of before a crash may live a moment longer and still hold the thread. */
const HELD = /already has an active writer/iu;

/** Continues the request's thread, or starts one. Rejects with RefusedCall or ExternalError. */
export async function openThread(parts: ThreadParts, signal: AbortSignal): Promise<OpenedThread> {
  const { thread } = parts.request;
  if (thread === null) return { ...(await startThread(parts)), lost: null, earlier: null };
  try {
    const resumed = await resumeThread(parts, thread, signal);
    return { ...resumed, lost: null, earlier: await findTurn(parts, resumed.id) };
  } catch (error) {
    if (!(error instanceof RefusedCall && GONE.test(error.message))) throw error;
    return { ...(await startThread(parts)), lost: error.message, earlier: null };
  }
}

async function startThread(parts: ThreadParts): Promise<Thread> {
  const answer = await parts.call("thread/start", overrides(parts), parts.withinMs);
  return threadOf("thread/start", answer);
}

async function resumeThread(parts: ThreadParts, threadId: string, signal: AbortSignal): Promise<Thread> {
  const params = { ...overrides(parts), threadId, excludeTurns: true };
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await parts.call("thread/resume", params, parts.withinMs);
      return threadOf("thread/resume", answer);
    } catch (error) {
      const held = error instanceof RefusedCall && HELD.test(error.message);
      if (!held || attempt >= WRITER_TRIES) throw error;
      await delay(parts.clock, WRITER_WAIT_MS, signal);
    }
  }
}

function threadOf(method: string, answer: unknown): Thread {
  const { thread, model } = checked(method, threadAnswer, answer);
  return { id: thread.id, model: model ?? null };
}

/** Sandbox and configuration are forgotten between processes, so they are sent in full each time. */
function overrides(parts: ThreadParts): Record<string, unknown> {
  return {
    cwd: parts.directory,
    ...(parts.model === null ? {} : { model: parts.model }),
    approvalPolicy: "never",
    sandbox: "workspace-write",
    developerInstructions: parts.request.instructions,
    config: {
      "sandbox_workspace_write.writable_roots": [parts.directory, parts.scratch],
      "sandbox_workspace_write.network_access": false,
      "sandbox_workspace_write.exclude_slash_tmp": true,
      "sandbox_workspace_write.exclude_tmpdir_env_var": true,
      "shell_environment_policy.inherit": "core",
      "shell_environment_policy.set": { TMPDIR: parts.scratch, HOME: parts.scratch },
    },
  };
}

async function findTurn(parts: ThreadParts, threadId: string): Promise<Turn | null> {
  let cursor: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const params = { threadId, itemsView: "full", limit: 20, ...(cursor === null ? {} : { cursor }) };
    const answer = await listTurns(parts, params);
    if (answer === null) return null;
    const { data, nextCursor } = checked("thread/turns/list", turnsAnswer, answer);
    const found = data.find((turn) => carries(turn, parts.request.promptId));
    if (found !== undefined) return found;
    if (nextCursor === null || nextCursor === undefined) return null;
    cursor = nextCursor;
  }
  return null;
}

async function listTurns(parts: ThreadParts, params: unknown): Promise<unknown> {
  try {
    return await parts.call("thread/turns/list", params, parts.withinMs);
  } catch (error) {
    // A thread that never had a turn says that it cannot list them.
    if (error instanceof RefusedCall && error.code === -32_601) return null;
    throw error;
  }
}

function carries(turn: Turn, promptId: string): boolean {
  return turn.items.some((value) => {
    const item = readItem(value);
    return item?.type === "userMessage" && item.clientId === promptId;
  });
}

/** Starts a turn with `text`; resolves with its id. Rejects with RefusedCall or ExternalError. */
export async function startTurn(parts: ThreadParts, threadId: string, text: string): Promise<string> {
  const params = {
    threadId,
    input: [inputText(text)],
    clientUserMessageId: parts.request.promptId,
    cwd: parts.directory,
    approvalPolicy: "never",
    sandboxPolicy: {
      type: "workspaceWrite",
      writableRoots: [parts.directory, parts.scratch],
      networkAccess: false,
      excludeTmpdirEnvVar: true,
      excludeSlashTmp: true,
    },
    outputSchema: AGENT_REPORT_JSON_SCHEMA,
  };
  const answer = await parts.call("turn/start", params, parts.withinMs);
  return checked("turn/start", turnAnswer, answer).turn.id;
}

/** One message as the protocol wants it. */
export function inputText(text: string): Record<string, unknown> {
  return { type: "text", text: wellFormed(text), text_elements: [] };
}

function checked<T>(method: string, schema: z.ZodType<T>, answer: unknown): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  const story = `codex answered ${method} in an unexpected form: ${z.prettifyError(parsed.error)}`;
  throw new ExternalError("unavailable", story);
}
