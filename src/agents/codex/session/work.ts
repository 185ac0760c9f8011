import { messageOf } from "../../../lib/assert.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { ProcessEnvironment } from "../../../lib/process/processes.ts";
import type { AgentEvent, AgentSession, WorkRequest } from "../../agent.ts";
import { readNotification } from "../process/protocol.ts";
import type { Turn } from "../process/protocol.ts";
import { emptyStory, endedResult, resultOf } from "./result.ts";
import { abortable, startServer } from "../process/server.ts";
import type { Server } from "../process/server.ts";
import { CodexSession, endedSession } from "./session.ts";
import { openThread, startTurn } from "./thread.ts";
import type { OpenedThread, ThreadParts } from "./thread.ts";
import { Transcript } from "./transcript.ts";
import { Turns } from "./turns.ts";
import type { Prices } from "./usage.ts";

export interface WorkParts {
  /** Finds the program and makes everything it needs ready. A rejection is told as the run's result. */
  readonly prepare: () => Promise<{ readonly program: string; readonly directory: string }>;
  /** Gives back what `prepare` made. */
  readonly release: () => Promise<void>;
  readonly home: string;
  readonly env: ProcessEnvironment;
  readonly scrub: (text: string) => string;
  readonly scratch: string;
  readonly model: string | null;
  readonly prices: Prices;
  readonly startMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Said instead of the prompt when it had arrived, and its turn was broken off. */
const GO_ON =
  "Your work on my message above was interrupted before you were done. Look at the state of the directory first, then go on and finish it. End with the report in the form asked for.";

/**
 * Starts a process, opens the thread, starts the turn. Resolves once the turn runs, or with a session that has
 * ended already when Codex could not be brought to it. Rejects only with the signal's reason and with what
 * `onThread` and `onTurn` reject with; nothing is left running then.
 */
export async function beginWork(
  parts: WorkParts,
  request: WorkRequest,
  signal: AbortSignal,
): Promise<AgentSession> {
  let server: Server | null = null;
  const giveUp = async (): Promise<void> => {
    await server?.stop();
    await parts.release();
  };
  const broken = async (error: unknown): Promise<AgentSession> => {
    await giveUp();
    signal.throwIfAborted();
    parts.log.warn("codex could not start", { error: parts.scrub(messageOf(error)) });
    const ending = { failureClass: "infrastructure", detail: parts.scrub(messageOf(error)) } as const;
    return endedSession(endedResult(emptyStory(), ending));
  };
  /** `act` is the relay's own: its failure is not Codex's and is passed on. */
  const own = async (act: () => Promise<void>): Promise<void> => {
    try {
      await act();
      signal.throwIfAborted();
    } catch (error) {
      await giveUp();
      throw error;
    }
  };

  let session: CodexSession | null = null;
  const told = (event: AgentEvent): void => {
    session?.event(event);
    request.onEvent(scrubbed(event, parts.scrub));
  };
  let model: string | null = parts.model;
  const turns = new Turns({
    price: () => (model === null ? null : (parts.prices[model] ?? null)),
    onEvent: told,
    // Only called for the turn that was adopted, and by then there is a session.
    onEnd: (turn) => session?.end(turn),
  });

  let thread: OpenedThread;
  let threads: ThreadParts;
  try {
    const { program, directory } = await parts.prepare();
    signal.throwIfAborted();
    server = await startServer(
      {
        program,
        home: parts.home,
        env: parts.env,
        scrub: parts.scrub,
        startMs: parts.startMs,
        onNotification: (method, params) => {
          session?.alive();
          const notification = readNotification(method, params);
          if (notification === "malformed") parts.log.warn("malformed notification from codex", { method });
          else if (notification !== null) turns.take(notification);
        },
        onLost: () => told({ kind: "warning", text: "a codex message was too long and is not shown" }),
        clock: parts.clock,
        log: parts.log,
      },
      signal,
    );
    threads = {
      call: server.call,
      clock: parts.clock,
      request,
      directory,
      scratch: parts.scratch,
      model: parts.model,
      withinMs: parts.startMs,
    };
    thread = await abortable(signal, openThread(threads, signal));
    model = thread.model ?? model;
  } catch (error) {
    return broken(error);
  }
  if (thread.lost !== null) {
    told({ kind: "warning", text: `the earlier conversation is lost, started a new one (${thread.lost})` });
  }
  await own(() => request.onThread(thread.id));

  const { earlier } = thread;
  if (earlier?.status === "completed") {
    // Its tokens were told by the session that it ran in.
    const story = { ...emptyStory(), transcript: retold(earlier) };
    await own(() => request.onTurn(earlier.id));
    await giveUp();
    return endedSession(resultOf(earlier, story, null, parts.clock.now()));
  }
  let turnId: string;
  try {
    const text = earlier === null ? request.prompt : GO_ON;
    turnId = await abortable(signal, startTurn(threads, thread.id, text));
  } catch (error) {
    return broken(error);
  }
  await own(() => request.onTurn(turnId));
  session = new CodexSession({
    server,
    threadId: thread.id,
    turnId,
    turns,
    request,
    signal,
    scrub: parts.scrub,
    cleanUp: parts.release,
    clock: parts.clock,
    log: parts.log,
  });
  turns.adopt(thread.id, turnId);
  return session;
}

/** The transcript of a turn that ended before. */
function retold(turn: Turn): Transcript {
  const transcript = new Transcript();
  for (const item of turn.items) transcript.take(item);
  return transcript;
}

function scrubbed(event: AgentEvent, scrub: (text: string) => string): AgentEvent {
  if (event.kind === "command") {
    return { ...event, command: scrub(event.command), output: scrub(event.output) };
  }
  return "text" in event ? { ...event, text: scrub(event.text) } : event;
}
