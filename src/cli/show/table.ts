import { clip, escapeHidden } from "../../lib/text.ts";
import type { Style } from "./style.ts";

/** A column of a list. */
export interface Column<T> {
  readonly head: string;
  /** What stands there; null is `-`. Hidden characters are escaped here, not by the column. */
  readonly cell: (row: T) => string | number | null;
  readonly paint?: (row: T) => (text: string) => string;
  /** Gives way when the terminal is narrow; at most one per table. */
  readonly elastic?: boolean;
}

const GAP = 2;
const NARROWEST = 12;

/** Rows as an aligned table with a heading, no wider than `width` where an elastic column can give way. */
export function tableLines<T>(
  columns: readonly Column<T>[],
  rows: readonly T[],
  style: Style,
  width: number,
): readonly string[] {
  const texts = rows.map((row) => columns.map((column) => cellText(column, row)));
  const widths = columns.map(({ head }, index) =>
    Math.max(head.length, ...texts.map((cells) => lengthOf(cells[index] ?? ""))),
  );
  const elastic = columns.findIndex((column) => column.elastic === true);
  const total = widths.reduce((sum, own) => sum + own + GAP, -GAP);
  if (elastic !== -1 && total > width) {
    widths[elastic] = Math.max(NARROWEST, (widths[elastic] ?? 0) - (total - width));
  }
  const line = (cells: readonly string[], paint: (text: string, index: number) => string): string =>
    cells
      .map((cell, index) => {
        const own = widths[index] ?? 0;
        const text = index === elastic ? clip(cell, own) : cell;
        const padding = index === cells.length - 1 ? "" : " ".repeat(Math.max(0, own - lengthOf(text)) + GAP);
        return paint(text, index) + padding;
      })
      .join("");
  return [
    line(
      columns.map(({ head }) => head),
      (text) => style.dim(text),
    ),
    ...rows.map((row, at) =>
      line(texts[at] ?? [], (text, index) => columns[index]?.paint?.(row)(text) ?? text),
    ),
  ];
}

/** A row as tab-separated values, for programs that do not read JSON. */
export function separated<T>(columns: readonly Column<T>[], row: T): string {
  return columns.map((column) => cellText(column, row)).join("\t");
}

function cellText<T>(column: Column<T>, row: T): string {
  const value = column.cell(row);
  // A row is one line, whatever the text in it is.
  return value === null || value === "" ? "-" : escapeHidden(String(value).replace(/\s*\n\s*/g, " "));
}

// In characters, not in UTF-16 units, so that an emoji does not shift its row by one more than it must.
function lengthOf(text: string): number {
  return Array.from(text).length;
}
