const FENCE = /^\s*(```|~~~)/;

/**
 * Markdown as Linear gives it back. It keeps rich text and makes Markdown of it again: bullets become `*`, emphasis
 * becomes asterisks, links get angle brackets, bare addresses become links, and blanks at the ends of lines, runs of empty
 * lines and hidden remarks go. Of what programs that write there have noticed, the part that matters to ours.
 */
export function asStored(markdown: string): string {
  let isCode = false;
  const lines = markdown
    .replaceAll(/<!--[\s\S]*?-->/g, "")
    .split("\n")
    .map((line) => {
      const isFence = FENCE.test(line);
      const stored = isCode || isFence ? line : lineStored(line);
      if (isFence) isCode = !isCode;
      return stored.trimEnd();
    });
  return lines
    .join("\n")
    .replaceAll(/\n{3,}/g, "\n\n")
    .trim();
}

function lineStored(line: string): string {
  return line
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith("`") ? part : textStored(part)))
    .join("")
    .replace(/^(\s*)[-+] /, "$1* ");
}

function textStored(text: string): string {
  return text
    .replaceAll(/\]\((https?:\/\/[^\s)<>]+)\)/g, "](<$1>)")
    .replaceAll(/(?<![<(\w/])(https?:\/\/[^\s<>)\]]+[\w/])(?![^[]*\]\()/g, "[$1](<$1>)")
    .replaceAll(/(?<!\w)__(\S(?:[^_]*\S)?)__(?!\w)/g, "**$1**")
    .replaceAll(/(?<![\w_])_(\S(?:[^_]*\S)?)_(?![\w_])/g, "*$1*");
}
