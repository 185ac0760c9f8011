import type { AgentEvent } from "../../agents/agent.ts";
import { Fenced, type RunHandle } from "../../engines/engine.ts";
import type { PlanItem, Run } from "../../factory/facts/run.ts";
import { isSame } from "../../factory/facts/news.ts";
import { firstLine, phaseWords, sentence } from "../../factory/words.ts";
import { messageOf } from "../../lib/assert.ts";
import type { RunParts } from "../parts.ts";

/** Between two words about a run: people look in now and then, and each word costs a call of the tracker's allowance. */
const EVERY_MS = 4 * 60_000;
/** After which the same is said again: trackers take a session for dead that was silent for half an hour. */
const AGAIN_MS = 20 * 60_000;
const LONGEST_WORD = 300;
const LONGEST_STEP = 120;
const MOST_STEPS = 20;

/** What people see of a run while it goes on: now and then a word, and the agent's plan. */
export interface Glimpses {
  /** Takes in what the agent does. */
  note(event: AgentEvent): void;
  /** Nothing more is shown once this resolves. */
  end(): Promise<void>;
}

/** Watches a run from now on, whatever step it is at. */
export function glimpsesOf(parts: {
  readonly handle: RunHandle;
  readonly run: () => Promise<Run>;
  readonly parts: Pick<RunParts, "clock" | "scrub">;
}): Glimpses {
  const { handle } = parts;
  const { clock, scrub } = parts.parts;
  let message: string | null = null;
  let lastMessage: string | null = null;
  let plan: readonly PlanItem[] | null = null;
  let saidAt = clock.monotonic();
  let looking: Promise<void> = Promise.resolve();
  let over = false;

  /** Shows what is new; `planOnly`: it is too early for a word. */
  const look = async (planOnly: boolean): Promise<void> => {
    if (over) return;
    const run = await parts.run();
    const shown = run.glimpse?.plan?.items ?? null;
    const steps = plan === null || isSame(plan, shown) ? null : plan;
    const word = planOnly ? null : wordOf(run, { message, lastMessage, plan });
    const isDue = word !== run.glimpse?.word?.text || clock.monotonic() - saidAt >= AGAIN_MS;
    const words = isDue ? word : null;
    if (words === null && steps === null) return;
    await handle.record([
      { kind: "run_glimpsed", at: clock.now(), run: run.number, fence: run.fence, words, plan: steps },
    ]);
    if (words === null) return;
    saidAt = clock.monotonic();
    message = null;
  };
  const lookNext = (planOnly: boolean): void => {
    looking = looking
      .then(() => look(planOnly))
      .catch((error: unknown) => {
        // People miss a word, the run goes on; one that no longer counts finds out by itself.
        if (!(error instanceof Fenced))
          handle.event("warning", `Could not show the progress: ${messageOf(error)}`);
      });
  };
  let cancel: () => void = () => undefined;
  const arm = (): void => {
    cancel = clock.after(EVERY_MS, () => {
      lookNext(false);
      arm();
    });
  };
  arm();
  return {
    note(event) {
      if (event.kind === "message") {
        message = wordIn(scrub(event.text)) ?? message;
        lastMessage = message ?? lastMessage;
      }
      if (event.kind !== "plan") return;
      const first = plan === null;
      plan = event.items
        .slice(0, MOST_STEPS)
        .map(({ content, status }) => ({ content: firstLine(scrub(content), LONGEST_STEP), status }))
        .filter(({ content }) => content !== "");
      if (first) lookNext(true);
    },
    async end() {
      over = true;
      cancel();
      await looking;
    },
  };
}

/** What a run is at: what its agent said since the last word, else the step it is at, else what it said before, else the phase. */
function wordOf(
  { phase }: Run,
  known: {
    readonly message: string | null;
    readonly lastMessage: string | null;
    readonly plan: readonly PlanItem[] | null;
  },
): string {
  const step = known.plan?.find(({ status }) => status === "inProgress")?.content ?? null;
  const said = phase === "work" ? (known.message ?? step ?? known.lastMessage) : null;
  const word = said ?? phaseWords(phase);
  return sentence(word.slice(0, 1).toUpperCase() + word.slice(1));
}

/** The report that a turn ends with is for the pipeline, not for people. */
function wordIn(text: string): string | null {
  const line = firstLine(text, LONGEST_WORD);
  return line === "" || line.startsWith("{") || line.startsWith("```") ? null : line;
}
