import { dirname } from "node:path";
import type { FailureClass, Spent } from "../../factory/facts/run.ts";
import type { Clock } from "../../lib/clock.ts";
import { delay } from "../../lib/clock.ts";
import { runProcess } from "../../lib/process/processes.ts";
import type { AgentEvent, AgentReport } from "../agent.ts";
import { deleteInside, readInside, writeInside } from "./confine.ts";
import type { Step } from "./script.ts";

/** What a step may use, and what it leaves for the result. */
export interface Stage {
  readonly directory: string;
  readonly clock: Clock;
  /** Fires when the turn is to end. */
  readonly stop: AbortSignal;
  readonly tell: (event: AgentEvent) => void;
  readonly spend: (spent: Spent) => void;
  /** Resolves with the next message that is handed in; rejects when `stop` fires. */
  readonly nextSteer: () => Promise<string>;
  steered: string;
  said: string;
  ran: number;
  unstartable: number;
}

/** How a step ends the script before its last step. */
export type Early =
  | { readonly kind: "question"; readonly question: NonNullable<AgentReport["question"]> }
  | {
      readonly kind: "failure";
      readonly failureClass: FailureClass;
      readonly detail: string;
      readonly retryAt: number | null;
    };

const RUN_MS = 10 * 60_000;
const KEPT_OUTPUT = 32 * 1024;

/** Plays one step. Throws when it cannot be played, and with the signal's reason. */
export async function playStep(step: Step, stage: Stage): Promise<Early | null> {
  const { directory, clock, tell } = stage;
  const filled = (text: string): string => text.replaceAll("{{steered}}", stage.steered);
  if ("say" in step) {
    stage.said = filled(step.say);
    tell({ kind: "message", text: stage.said });
  } else if ("plan" in step) {
    tell({ kind: "plan", items: step.plan.map((item) => ({ content: item.step, status: item.status })) });
  } else if ("write" in step) {
    await writeInside(directory, step.write.path, filled(step.write.text));
    tell({ kind: "files", paths: [step.write.path] });
  } else if ("replace" in step) {
    await replace(step.replace.path, step.replace.from, filled(step.replace.to), stage);
  } else if ("delete" in step) {
    await deleteInside(directory, step.delete);
    tell({ kind: "files", paths: [step.delete] });
  } else if ("run" in step) {
    await run(step.run, stage);
  } else if ("spend" in step) {
    stage.spend(step.spend);
  } else if ("wait" in step) {
    await wait(step.wait, stage);
  } else if ("ask" in step) {
    return { kind: "question", question: step.ask };
  } else {
    const fail = typeof step.fail === "string" ? { class: step.fail } : step.fail;
    const after = "retryAfterMs" in fail ? fail.retryAfterMs : null;
    return {
      kind: "failure",
      failureClass: fail.class,
      detail: "detail" in fail ? fail.detail : "the script says so",
      retryAt: after === null ? null : clock.now() + after,
    };
  }
  return null;
}

async function replace(path: string, from: string, to: string, stage: Stage): Promise<void> {
  const text = await readInside(stage.directory, path);
  if (!text.includes(from)) throw new Error(`${path} does not contain the text to replace`);
  await writeInside(
    stage.directory,
    path,
    text.replace(from, () => to),
  );
  stage.tell({ kind: "files", paths: [path] });
}

async function run(argv: readonly string[], stage: Stage): Promise<void> {
  const [command = "", ...args] = argv;
  try {
    const outcome = await runProcess(stage.clock, {
      command,
      args,
      cwd: stage.directory,
      env: {
        PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
        HOME: stage.directory,
        LANG: "C.UTF-8",
      },
      timeoutMs: RUN_MS,
      signal: stage.stop,
      maxOutputBytes: KEPT_OUTPUT,
      keep: "tail",
    });
    stage.ran += 1;
    stage.tell({
      kind: "command",
      command: argv.join(" "),
      exitCode: outcome.exitCode,
      output: outcome.stdout + outcome.stderr,
      durationMs: Math.round(outcome.durationMs),
    });
  } catch (error) {
    stage.stop.throwIfAborted();
    stage.unstartable += 1;
    throw error;
  }
}

async function wait(until: "steer" | "interrupt" | number, stage: Stage): Promise<void> {
  if (typeof until === "number") await delay(stage.clock, until, stage.stop);
  else if (until === "steer") stage.steered = await stage.nextSteer();
  else await new Promise<never>((_, reject) => whenAborted(stage.stop, reject));
}

/** Calls `reject` with the signal's reason, at once when it has fired already. */
export function whenAborted(signal: AbortSignal, reject: (reason: unknown) => void): void {
  if (signal.aborted) reject(signal.reason);
  else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
}
