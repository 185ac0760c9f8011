// Trailers of a commit message (git-interpret-trailers), written by ourselves: git's own command can be configured
// to run programs.

export type Trailers = Readonly<Record<string, string>>;

const TRAILER_LINE = /^[A-Za-z0-9][A-Za-z0-9-]*: \S/;

/** `message` with the trailers as its last lines. Earlier lines that claim one of these keys are taken out. */
export function withTrailers(message: string, trailers: Trailers): string {
  const keys = Object.keys(trailers).map((key) => `${key.toLowerCase()}:`);
  const lines = message
    .replaceAll("\0", "")
    .replaceAll("\r\n", "\n")
    .split("\n")
    .filter((line) => !keys.some((key) => line.trimStart().toLowerCase().startsWith(key)));
  const body = lines.join("\n").trim();
  const added = Object.entries(trailers).map(([key, value]) => `${key}: ${oneLine(value)}`);
  const paragraph = body.split(/\n\s*\n/).at(-1) ?? "";
  const joins = body.includes("\n\n") && paragraph.split("\n").every((line) => TRAILER_LINE.test(line));
  return `${body === "" ? "Changes" : body}${joins ? "\n" : "\n\n"}${added.join("\n")}\n`;
}

/** Whether the last paragraph of a commit message holds the trailer with this value. */
export function hasTrailer(message: string, key: string, value: string): boolean {
  const paragraph =
    message
      .trim()
      .split(/\n\s*\n/)
      .at(-1) ?? "";
  return paragraph
    .split("\n")
    .some((line) => line.trim().toLowerCase() === `${key}: ${oneLine(value)}`.toLowerCase());
}

function oneLine(value: string): string {
  return value.replace(/\s+/g, " ").trim();
}
