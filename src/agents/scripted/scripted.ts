import { messageOf } from "../../lib/assert.ts";
import type { Clock } from "../../lib/clock.ts";
import { uuidFromKey } from "../../lib/ids.ts";
import type { Agent, AgentSession, WorkRequest } from "../agent.ts";
import { Memory } from "./memory.ts";
import type { PlayedTurn } from "./memory.ts";
import { checkScript, readScript } from "./script.ts";
import type { ScriptedAgentScript, ScriptedAgentScriptInput } from "./script.ts";
import { ScriptedSession, failedResult, playedSession } from "./session.ts";

export interface ScriptedParts {
  /** The script, or the path of its file; the file is read again for each piece of work. */
  readonly script: ScriptedAgentScriptInput | string;
  /** Where threads are remembered across restarts; absent = in memory only. */
  readonly memoryFile?: string;
  readonly clock: Clock;
}

/** An agent that plays a script instead of thinking; it edits the directory for real. For tests and the demo. */
export function createScriptedAgent(parts: ScriptedParts): Agent {
  const { clock } = parts;
  const memory = new Memory(parts.memoryFile ?? null);
  const script = reader(parts.script);

  return {
    name: "scripted",
    async ready(signal) {
      signal.throwIfAborted();
      try {
        await script();
        return null;
      } catch (error) {
        return messageOf(error);
      }
    },
    async work(request: WorkRequest, signal: AbortSignal): Promise<AgentSession> {
      signal.throwIfAborted();
      await memory.load();
      const { rules } = await script();
      const known = request.thread !== null && memory.knows(request.thread);
      if (request.thread !== null && !known) {
        const text = `the earlier conversation is lost, started a new one (no thread ${request.thread})`;
        request.onEvent({ kind: "warning", text });
      }
      const thread =
        known && request.thread !== null
          ? request.thread
          : `scripted-${uuidFromKey(`${request.run} ${request.promptId} ${request.thread ?? ""}`)}`;
      const played = memory.find(thread, request.promptId) ?? begin(memory, { rules }, thread, request);
      await memory.save();
      await request.onThread(thread);
      signal.throwIfAborted();
      await request.onTurn(uuidFromKey(`${thread} ${request.promptId}`));
      signal.throwIfAborted();
      if (played.result !== null) return playedSession(played.result);
      const rule = played.rule === null ? undefined : rules[played.rule];
      if (rule === undefined) {
        return playedSession(failedResult("agent", "no rule of the script matches this work"));
      }
      const save = (): Promise<void> => memory.save();
      return new ScriptedSession({ rule, played, save, request, signal, clock });
    },
  };
}

function reader(script: ScriptedParts["script"]): () => Promise<ScriptedAgentScript> {
  if (typeof script === "string") return () => readScript(script);
  const checked = checkScript(script, "the given script");
  return () => Promise.resolve(checked);
}

function begin(
  memory: Memory,
  script: ScriptedAgentScript,
  thread: string,
  request: WorkRequest,
): PlayedTurn {
  const { run, runType, prompt, promptId } = request;
  const rule = memory.choose(script, { run, type: runType, prompt });
  const played: PlayedTurn = { thread, promptId, rule, next: 0, result: null };
  memory.add(played);
  return played;
}
