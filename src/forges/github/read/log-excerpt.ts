// What a repair needs of a job's log is its end, up to where the job failed: what follows is cleaning up.
const MAX_LINES = 200;
const MAX_BYTES = 24 * 1024;
const AFTER_ERROR = 5;

const TIMESTAMP = /^\uFEFF?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?/;
// oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
const ANSI = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\^_])/g;
// Everything that can hide or reorder text in a prompt, but line breaks and tabs.
const HIDDEN = /[^\P{Cc}\n\t]|[\p{Cf}\p{Cs}\u2028\u2029]/gu;

/**
 * The telling end of a job's raw log: at most 200 lines and 24 KiB, to a few lines after the last error;
 * without timestamps, colours and hidden characters. Null when nothing is left.
 */
export function excerptOf(raw: string): string | null {
  const lines = raw
    .split(/\r?\n/)
    .map((line) => clean(line.replace(TIMESTAMP, "")))
    .filter((line) => line !== "##[endgroup]");
  const failed = lines.findLastIndex((line) => line.startsWith("##[error]"));
  const end = failed === -1 ? lines.length : Math.min(lines.length, failed + 1 + AFTER_ERROR);
  const text = lines
    .slice(Math.max(0, end - MAX_LINES), end)
    .join("\n")
    .trim();
  if (text === "") return null;
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_BYTES) return text;
  // The cut may fall into a character: what is broken of it goes too.
  return bytes
    .subarray(bytes.length - MAX_BYTES)
    .toString()
    .replace(/^\uFFFD+/, "");
}

/** `text` without colours and hidden characters. */
export function clean(text: string): string {
  return text.replace(ANSI, "").replace(HIDDEN, "");
}
