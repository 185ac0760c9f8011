import type { ForgeIdentity } from "../../forge.ts";

const ESCAPED = /[.*+?^${}()|[\]\\]/g;

/**
 * Whether a comment is meant for us: it begins with `/patchrelay`, or mentions our login (an app's with or without `[bot]`),
 * in the writer's own words. GitHub notifies nobody who is named in code, in a comment that it does not show, or as a part of
 * another name, such as a team's.
 */
export function isAddressed(text: string, us: ForgeIdentity | null): boolean {
  const own = withoutSpans(ownLines(text));
  if (/^\/patchrelay(?![\w-])/i.test(own.trimStart())) return true;
  if (us === null) return false;
  const login = us.login.replace(/\[bot\]$/, "").replace(ESCAPED, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\w/@.-])@${login}(?:\[bot\])?(?![\w/-])`, "i").test(own);
}

const FENCE = /^\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)?(`{3,}|~{3,})(.*)$/;

/** The lines that are neither quoted nor in a block of code. */
function ownLines(text: string): string {
  const own: string[] = [];
  let fence: string | null = null;
  // What is indented below an item of a list belongs to the item.
  let isList = false;
  let isBreak = true;
  for (const line of text.split(/\r?\n/)) {
    const [, mark = "", rest = ""] = FENCE.exec(line) ?? [];
    if (fence !== null) {
      if (mark.startsWith(fence) && rest.trim() === "") fence = null;
      continue;
    }
    // A word in triple backticks on one line is no fence.
    if (mark !== "" && !(mark.startsWith("`") && rest.includes("`"))) {
      fence = mark;
      continue;
    }
    const isCode: boolean = isBreak && !isList && /^(?: {4}|\t)\s*\S/.test(line);
    isList ||= /^\s{0,3}(?:[-*+]|\d{1,9}[.)])\s/.test(line);
    isBreak = isCode || line.trim() === "";
    if (!isCode && !line.trimStart().startsWith(">")) own.push(line);
  }
  return own.join("\n");
}

/** Code within a line, and what is not shown at all. One pass: whoever writes a comment may mean harm. */
function withoutSpans(text: string): string {
  const shown = text
    .replace(/<!--[\s\S]*?(?:-->|$)/g, " ")
    .replace(/<(pre|code)>[\s\S]{0,2000}?<\/\1>/gi, " ");
  const runs = [...shown.matchAll(/`+/g)];
  const closing = new Map<number, number>();
  const next = new Map<number, number>();
  for (let at = runs.length - 1; at >= 0; at -= 1) {
    const { length } = runs[at]?.[0] ?? "";
    const later = next.get(length);
    if (later !== undefined) closing.set(at, later);
    next.set(length, at);
  }
  let own = "";
  let from = 0;
  for (let at = 0; at < runs.length; at += 1) {
    const end = closing.get(at);
    const run = runs[at];
    if (end === undefined || run === undefined) continue;
    own += `${shown.slice(from, run.index)} `;
    from = (runs[end]?.index ?? 0) + (runs[end]?.[0].length ?? 0);
    at = end;
  }
  return own + shown.slice(from);
}
