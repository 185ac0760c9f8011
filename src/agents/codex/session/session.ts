import { messageOf } from "../../../lib/assert.ts";
import type { Clock } from "../../../lib/clock.ts";
import { delay } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { AgentEvent, AgentResult, AgentSession, WorkRequest } from "../../agent.ts";
import { watchLimits } from "../../limits.ts";
import type { Ending, Limits } from "../../limits.ts";
import type { Turn } from "../process/protocol.ts";
import { endedResult, resultOf } from "./result.ts";
import type { Server } from "../process/server.ts";
import { inputText } from "./thread.ts";
import type { Turns } from "./turns.ts";
import { RefusedCall } from "../process/wire.ts";

export interface SessionParts {
  readonly server: Server;
  readonly threadId: string;
  readonly turnId: string;
  readonly turns: Turns;
  readonly request: WorkRequest;
  /** Ends the turn when it fires. */
  readonly signal: AbortSignal;
  /** Takes credentials out of text that is shown. */
  readonly scrub: (text: string) => string;
  /** Removes what belongs to the run only. Called once, after the process is gone. */
  readonly cleanUp: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Codex answers in about 10 ms; with the process' end (2 s at most) this keeps an interrupt within 5 s. */
const INTERRUPT_MS = 3_000;
const AGAIN_MS = 100;
const CLEAN_MS = 1_000;
const STEER_MS = 10_000;

const TOO_LATE = /no active turn|expected active turn|thread not found/iu;

/** A turn under way. `event` and `end` feed it; the rest is the seam's. */
export class CodexSession implements AgentSession {
  readonly result: Promise<AgentResult>;
  readonly #parts: SessionParts;
  readonly #limits: Limits;
  #resolve: (result: AgentResult) => void = () => undefined;
  #settled = false;
  #ended: Turn | null = null;
  #ending: Ending | null = null;
  #halting: Promise<void> | null = null;
  #wrapping: Promise<void> | null = null;
  #closing: Promise<void> | null = null;
  readonly #watching: Promise<void>;
  readonly #onAbort = (): void => {
    this.#halting = this.#halt({ failureClass: null, detail: "the run was stopped" });
  };

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#limits = watchLimits(parts.clock, "codex", parts.request, (ending) => {
      this.#halting = this.#halt(ending);
    });
    this.#watching = this.#watchExit();
    parts.signal.addEventListener("abort", this.#onAbort, { once: true });
    if (parts.signal.aborted) this.#onAbort();
  }

  /** Anything that Codex said. */
  alive(): void {
    this.#limits.alive();
  }

  /** An event of our turn was told. */
  event(event: AgentEvent): void {
    if (event.kind === "spent") this.#limits.spent(event.spent);
  }

  /** Codex ended our turn. */
  end(turn: Turn): void {
    if (this.#ended !== null || this.#settled) return;
    this.#ended = turn;
    this.#wrapping = this.#wrapUp(turn);
  }

  async steer(text: string, promptId: string): Promise<boolean> {
    const { server, threadId, turnId } = this.#parts;
    if (this.#over()) return false;
    const params = {
      threadId,
      expectedTurnId: turnId,
      clientUserMessageId: promptId,
      input: [inputText(text)],
    };
    // What nobody has answered by then was not taken, and would hold up the end of the run.
    const over = this.result.then(() => false);
    try {
      return await Promise.race([server.call("turn/steer", params, STEER_MS).then(() => true), over]);
    } catch (error) {
      if (error instanceof RefusedCall && TOO_LATE.test(error.message)) return false;
      if (this.#over()) return false;
      throw new ExternalError("unavailable", `could not send the message to codex: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async interrupt(): Promise<void> {
    if (this.#settled) return;
    await this.#halt({ failureClass: null, detail: "interrupted" });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #over(): boolean {
    return this.#settled || this.#ended !== null || this.#ending !== null;
  }

  #halt(ending: Ending): Promise<void> {
    if (this.#ended === null) this.#ending ??= ending;
    this.#halting ??= this.#interruptTurn();
    return this.#halting;
  }

  async #interruptTurn(): Promise<void> {
    const { server, threadId, turnId, clock, log } = this.#parts;
    let ignored = false;
    const cancel = clock.after(INTERRUPT_MS, () => {
      if (this.#ended !== null) return;
      ignored = true;
      this.#settleBroken("codex did not end the turn when asked");
    });
    while (!this.#settled && this.#ended === null) {
      try {
        await server.call("turn/interrupt", { threadId, turnId }, INTERRUPT_MS);
        break;
      } catch (error) {
        log.info("codex did not accept the interrupt", { error: messageOf(error) });
        // A turn that was asked for a moment ago may not have begun yet; one that ended tells so by itself.
        if (!(error instanceof RefusedCall)) break;
        await Promise.race([this.result, delay(clock, AGAIN_MS)]);
      }
    }
    await this.result;
    cancel();
    if (ignored) await server.stop();
  }

  /** The result means that nothing of the turn runs any more: commands in the background outlive it. */
  async #wrapUp(turn: Turn): Promise<void> {
    const { server, threadId, turns, clock, log } = this.#parts;
    this.#limits.cancel();
    try {
      await server.call("thread/backgroundTerminals/clean", { threadId }, CLEAN_MS);
    } catch (error) {
      log.debug("could not clean up background commands", { error: messageOf(error) });
    }
    this.#settle(resultOf(turn, turns.story(), this.#ending, clock.now()));
  }

  async #watchExit(): Promise<void> {
    const story = await this.#parts.server.exit;
    // An end that was told before the process went is still being wrapped up.
    if (this.#ended === null) this.#settleBroken(story);
  }

  #settleBroken(detail: string): void {
    const ending = this.#ending ?? { failureClass: "infrastructure", detail };
    this.#settle(endedResult(this.#parts.turns.story(), ending));
  }

  #settle(result: AgentResult): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#limits.cancel();
    this.#parts.signal.removeEventListener("abort", this.#onAbort);
    const { scrub } = this.#parts;
    this.#resolve({ ...result, detail: scrub(result.detail), text: scrub(result.text) });
  }

  async #close(): Promise<void> {
    await this.interrupt();
    await this.#parts.server.stop();
    await this.#watching;
    await this.#wrapping;
    await this.#parts.cleanUp();
  }
}

/** A session that ended before a turn began, or whose turn had ended before. */
export function endedSession(result: AgentResult): AgentSession {
  return {
    result: Promise.resolve(result),
    steer: () => Promise.resolve(false),
    interrupt: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
