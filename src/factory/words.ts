const LONGEST = 200;

/** What a person or an agent wrote, short enough for a sentence of ours. */
export function firstLine(text: string): string {
  const line = text.trim().split("\n")[0] ?? "";
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}
