import { escapeHidden } from "../../lib/text.ts";
import type { Style } from "./style.ts";

/** A line of a page: its label and what it says; null leaves the line out. Text of outsiders is escaped here. */
export type Field = readonly [label: string, value: string | number | null, paint?: (text: string) => string];

/** Labels and values as aligned lines; further lines of a value are indented below it. `least` is how wide the labels are at least. */
export function fieldLines(fields: readonly Field[], style: Style, least = 0): readonly string[] {
  const shown = fields.filter(([, value]) => value !== null && value !== "");
  const width = Math.max(least, ...shown.map(([label]) => label.length));
  return shown.flatMap(([label, value, paint]) => {
    const lines = escapeHidden(String(value), "layout").split("\n");
    return lines.map((line, index) => {
      const head = index === 0 ? style.dim(label.padEnd(width)) : " ".repeat(width);
      return `${head}  ${paint === undefined ? line : paint(line)}`;
    });
  });
}
