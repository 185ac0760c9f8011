import type { JournalDocument, RunDocument, StreamLine } from "../engines/documents.ts";
import { runTypeWords } from "../factory/facts/run-types.ts";
import { escapeHidden } from "../lib/text.ts";

/** One thing that happened, as told live and in `--json`. */
export interface TranscriptLine {
  /** Milliseconds since the start. */
  readonly atMs: number;
  readonly who: "person" | "relay" | "agent" | "linear";
  readonly text: string;
}

/** Collects what happened and writes it as it comes. */
export class Transcript {
  readonly lines: TranscriptLine[] = [];
  readonly #now: () => number;
  readonly #write: (line: TranscriptLine) => void;
  constructor(now: () => number, write: (line: TranscriptLine) => void) {
    this.#now = now;
    this.#write = write;
  }
  add(who: TranscriptLine["who"], text: string): void {
    const line = { atMs: Math.round(this.#now()), who, text };
    this.lines.push(line);
    this.#write(line);
  }
}

const PAINT = { person: 35, relay: 36, agent: 33, linear: 34 } as const;

/** One line for a terminal: time, who, what. */
export function show({ atMs, who, text }: TranscriptLine, color: boolean): string {
  const time = `${(atMs / 1_000).toFixed(1).padStart(6)}s`;
  const name = who.padEnd(6);
  const lines = escapeHidden(text, "layout").split("\n");
  const told = lines.join(`\n${" ".repeat(time.length + 2 + name.length + 2)}`);
  return `${time}  ${color ? `\u001b[${PAINT[who]}m${name}\u001b[0m` : name}  ${told}`;
}

/** What a line of the relay's stream is worth telling; null = nothing new for a person. */
export function worth(
  line: StreamLine,
): { readonly who: TranscriptLine["who"]; readonly text: string } | null {
  if (line.kind === "journal") {
    const { from, to, why } = line.line as JournalDocument;
    return from === to ? null : { who: "relay", text: `${to}: ${why}` };
  }
  const { kind, text } = line.line as { readonly kind: string; readonly text: string };
  if (kind === "message") return text.startsWith("{") ? null : { who: "agent", text };
  if (kind === "command")
    return {
      who: "agent",
      text: text
        .split("\n")
        .filter((row) => row.startsWith("$") || row.startsWith("exit"))
        .join("  → "),
    };
  return null;
}

/** The closing table: the runs in order, how each ended and how long it took. */
export function runTable(runs: readonly RunDocument[]): readonly string[] {
  return runs.map(({ number, type, outcome, startedAt, endedAt, tokens }) => {
    const tookMs = startedAt === null || endedAt === null ? 0 : Date.parse(endedAt) - Date.parse(startedAt);
    const used = `${tokens.input + tokens.output} tokens`;
    return `  ${number}. ${runTypeWords(type).padEnd(18)} ${(outcome ?? "unfinished").padEnd(10)} ${(tookMs / 1_000).toFixed(1)} s  ${used}`;
  });
}
