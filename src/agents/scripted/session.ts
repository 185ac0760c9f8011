import { type FailureClass, NOTHING_SPENT, type Spent } from "../../factory/facts/run.ts";
import { messageOf } from "../../lib/assert.ts";
import type { Clock } from "../../lib/clock.ts";
import type { AgentEvent, AgentReport, AgentResult, AgentSession, WorkRequest } from "../agent.ts";
import { watchLimits } from "../limits.ts";
import type { Ending, Limits } from "../limits.ts";
import type { PlayedTurn } from "./memory.ts";
import type { ScriptRule } from "./script.ts";
import { playStep, whenAborted } from "./steps.ts";
import type { Early, Stage } from "./steps.ts";

export interface ScriptedSessionParts {
  readonly rule: ScriptRule;
  /** Where it stands; kept up to date. */
  readonly played: PlayedTurn;
  readonly save: () => Promise<void>;
  readonly request: WorkRequest;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

const MAX_STEERS = 100;

/** Plays the steps of one rule. */
export class ScriptedSession implements AgentSession {
  readonly result: Promise<AgentResult>;
  readonly #parts: ScriptedSessionParts;
  readonly #stop = new AbortController();
  readonly #limits: Limits;
  readonly #steers: string[] = [];
  #takeSteer: ((text: string) => void) | null = null;
  #over = false;
  #ending: Ending | null = null;
  #spent: Spent = NOTHING_SPENT;
  readonly #onAbort = (): void => this.#end({ failureClass: null, detail: "the run was stopped" });

  constructor(parts: ScriptedSessionParts) {
    this.#parts = parts;
    this.#limits = watchLimits(parts.clock, "the script", parts.request, (ending) => this.#end(ending));
    parts.signal.addEventListener("abort", this.#onAbort, { once: true });
    this.result = this.#play();
  }

  steer(text: string): Promise<boolean> {
    if (this.#over || this.#ending !== null || this.#steers.length >= MAX_STEERS)
      return Promise.resolve(false);
    this.#limits.alive();
    const take = this.#takeSteer;
    this.#takeSteer = null;
    if (take === null) this.#steers.push(text);
    else take(text);
    return Promise.resolve(true);
  }

  async interrupt(): Promise<void> {
    this.#end({ failureClass: null, detail: "interrupted" });
    await this.result;
  }

  async close(): Promise<void> {
    await this.interrupt();
  }

  #end(ending: Ending): void {
    if (this.#over) return;
    this.#ending ??= ending;
    this.#stop.abort(new Error(ending.detail));
  }

  async #play(): Promise<AgentResult> {
    const { rule, played, save, request, signal } = this.#parts;
    const stage = this.#stage();
    let result: AgentResult;
    try {
      // The session must be in the caller's hands before anything is told.
      await Promise.resolve();
      let early: Early | null = null;
      while (early === null && played.next < rule.do.length) {
        this.#stop.signal.throwIfAborted();
        const step = rule.do[played.next];
        if (step === undefined) break;
        early = await playStep(step, stage);
        played.next += 1;
        await save();
      }
      this.#stop.signal.throwIfAborted();
      result = this.#finished(early, rule.report, stage);
      played.result = result;
      await save();
      if (result.report !== null) request.onEvent({ kind: "message", text: result.report.summary });
    } catch (error) {
      result = this.#broken(error, stage);
    }
    this.#over = true;
    this.#limits.cancel();
    signal.removeEventListener("abort", this.#onAbort);
    return result;
  }

  #stage(): Stage {
    const { request, clock } = this.#parts;
    const tell = (event: AgentEvent): void => {
      this.#limits.alive();
      request.onEvent(event);
    };
    return {
      directory: request.directory,
      clock,
      stop: this.#stop.signal,
      tell,
      spend: (spent) => {
        this.#spent = sum(this.#spent, spent);
        tell({ kind: "spent", spent: this.#spent });
        this.#limits.spent(this.#spent);
      },
      nextSteer: () => {
        const waiting = this.#steers.shift();
        if (waiting !== undefined) return Promise.resolve(waiting);
        return new Promise((resolve, reject) => {
          this.#takeSteer = resolve;
          whenAborted(this.#stop.signal, reject);
        });
      },
      steered: "",
      said: "",
      ran: 0,
      unstartable: 0,
    };
  }

  #finished(early: Early | null, report: AgentReport | null, stage: Stage): AgentResult {
    const base = { ...this.#common(stage), report };
    if (early === null) return { ...base, how: "completed", detail: "the script was played" };
    if (early.kind === "failure") {
      const { failureClass, detail, retryAt } = early;
      return { ...base, how: "failed", failureClass, detail, retryAt, report: null };
    }
    const { question } = early;
    const asked: AgentReport = { outcome: "question", summary: question.text, question, threads: [] };
    return { ...base, how: "completed", detail: "the script asks", report: asked };
  }

  #broken(error: unknown, stage: Stage): AgentResult {
    const ending = this.#ending ?? { failureClass: "agent", detail: messageOf(error) };
    const { failureClass, detail } = ending;
    const how = failureClass === null ? "interrupted" : "failed";
    return { ...this.#common(stage), how, failureClass, detail };
  }

  #common(stage: Stage): Omit<AgentResult, "how" | "detail"> {
    const { ran, unstartable } = stage;
    return {
      failureClass: null,
      retryAt: null,
      report: null,
      text: stage.said,
      spent: this.#spent,
      commands: { ran, unstartable },
    };
  }
}

/** A session whose turn is over: the same prompt is not played twice. */
export function playedSession(result: AgentResult): AgentSession {
  return {
    result: Promise.resolve({ ...result, spent: NOTHING_SPENT }),
    steer: () => Promise.resolve(false),
    interrupt: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** A turn that could not be played. */
export function failedResult(failureClass: FailureClass, detail: string): AgentResult {
  return {
    how: "failed",
    failureClass,
    retryAt: null,
    detail,
    report: null,
    text: "",
    spent: NOTHING_SPENT,
    commands: { ran: 0, unstartable: 0 },
  };
}

function sum(a: Spent, b: Spent): Spent {
  return {
    input: a.input + b.input,
    cached: a.cached + b.cached,
    output: a.output + b.output,
    usd: a.usd === null && b.usd === null ? null : (a.usd ?? 0) + (b.usd ?? 0),
  };
}
