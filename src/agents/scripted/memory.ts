import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import type { AgentResult } from "../agent.ts";
import type { ScriptRule, ScriptedAgentScript } from "./script.ts";

const turn = z.object({
  thread: z.string(),
  promptId: z.string(),
  rule: z.number().nullable(),
  /** The step to play next. */
  next: z.number(),
  /** Null while it is not over, and after an interruption: then it is gone on with. */
  result: z.custom<AgentResult>((value) => typeof value === "object").nullable(),
});
export type PlayedTurn = z.infer<typeof turn>;

const remembered = z.object({
  turns: z.array(turn),
  /** Per rule that counts, the runs that its other conditions fitted, oldest first. */
  fits: z.record(z.string(), z.array(z.string())),
});

const KEPT_TURNS = 500;
const KEPT_RUNS = 500;

/** What the scripted agent remembers of its threads; with a file also across a restart. */
export class Memory {
  #turns: PlayedTurn[] = [];
  #fits: Record<string, string[]> = {};
  #loaded = false;
  #saving: Promise<void> = Promise.resolve();
  readonly #file: string | null;

  constructor(file: string | null) {
    this.#file = file;
  }

  /** Reads the file, once; one that is not there is an empty memory. Throws when it is damaged. */
  async load(): Promise<void> {
    if (this.#loaded || this.#file === null) return;
    try {
      const read = remembered.parse(JSON.parse(await readFile(this.#file, "utf8")));
      this.#turns = read.turns;
      this.#fits = read.fits;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    this.#loaded = true;
  }

  knows(thread: string): boolean {
    return this.#turns.some((played) => played.thread === thread);
  }

  find(thread: string, promptId: string): PlayedTurn | null {
    return this.#turns.find((played) => played.thread === thread && played.promptId === promptId) ?? null;
  }

  add(played: PlayedTurn): void {
    this.#turns.push(played);
    if (this.#turns.length > KEPT_TURNS) this.#turns.shift();
  }

  /** The number of the first rule that fits; null = none. A run counts once for a rule, however often it comes. */
  choose(
    script: ScriptedAgentScript,
    work: { readonly run: string; readonly type: string | undefined; readonly prompt: string },
  ): number | null {
    let chosen: number | null = null;
    for (const [number, { when }] of script.rules.entries()) {
      if (!fits(when, work)) continue;
      // Every rule counts, also those after the chosen one: `nth` is about runs, not about what was played.
      const nth = this.#count(String(number), work.run);
      if (chosen === null && (when.nth === undefined || when.nth === nth)) chosen = number;
    }
    return chosen;
  }

  #count(rule: string, run: string): number {
    const runs = (this.#fits[rule] ??= []);
    const known = runs.indexOf(run);
    if (known !== -1) return known + 1;
    if (runs.length < KEPT_RUNS) runs.push(run);
    return runs.length;
  }

  /** Writes the file in one step; one save after the other, as several sessions share it. */
  async save(): Promise<void> {
    const file = this.#file;
    if (file === null) return;
    const write = async (): Promise<void> => {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const draft = `${file}.new`;
      await writeFile(draft, JSON.stringify({ turns: this.#turns, fits: this.#fits }), { mode: 0o600 });
      await rename(draft, file);
    };
    // A save that failed was told to its own caller; the next one writes everything anyway.
    const mine = this.#saving.then(write, write);
    this.#saving = mine;
    await mine;
  }
}

function fits(
  when: ScriptRule["when"],
  work: { readonly type: string | undefined; readonly prompt: string },
): boolean {
  if (when.type !== undefined && when.type !== work.type) return false;
  return when.promptIncludes === undefined || work.prompt.includes(when.promptIncludes);
}
