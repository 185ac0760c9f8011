// Format (Cf), control (Cc) and surrogate (Cs) characters and the two line separators can hide or rewrite
// what a terminal shows. Human output escapes them; --json keeps the text verbatim.
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** `text` with every invisible or control character written as `\u{…}`; newlines and tabs too unless kept. */
export function escapeHidden(text: string, keep: "none" | "layout" = "none"): string {
  return text.replace(HIDDEN, (character) => {
    if (keep === "layout" && (character === "\n" || character === "\t")) return character;
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** At most `max` UTF-16 units, the cut marked by an ellipsis; no character is cut in two. */
export function clip(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, Math.max(0, max - 1)).replace(HALF_AT_END, "")}…`;
}

const HALF_AT_END = /[\ud800-\udbff]$/;
const HALVES = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/** `text` with halves of characters replaced: others refuse them, and the real Codex waits for the rest forever. */
export function wellFormed(text: string): string {
  return text.replaceAll(HALVES, "\ufffd");
}

/** The known word nearest to `word` (Levenshtein), if it is near enough to be meant; for "did you mean". */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(word.length / 2)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substitution));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
