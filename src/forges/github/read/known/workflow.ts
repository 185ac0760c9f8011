/** Whether a workflow starts for every commit of a pull request, or only for some, such as those that touch its paths. */
export type Starts = "always" | "sometimes" | "never";

/**
 * What a workflow's `on:` says of a pull request of the repository's own. A text that cannot be understood may start it:
 * waiting for nothing is told and ends, and a merge without its checks does not.
 */
export function startsOf(
  text: string | null,
  pull: { readonly head: string; readonly base: string },
): Starts {
  const on = text === null ? null : triggersOf(text);
  if (on === null) return "always";
  const found = [
    ...["pull_request", "pull_request_target"].map((event) => {
      const options = optionsOf(on, event);
      if (options === null) return "never";
      // Others, such as `opened`, check a pull request once, and none of its later commits.
      const types = listIn(options, "types");
      if (types !== null && !types.includes("synchronize")) return "never";
      return filtered(options, pull.base);
    }),
    pushed(on, pull.head),
  ];
  if (found.includes("always")) return "always";
  return found.includes("sometimes") ? "sometimes" : "never";
}

function pushed(on: readonly string[], head: string): Starts {
  const options = optionsOf(on, "push");
  if (options === null) return "never";
  const isForTags = options.some((line) => /^\s+tags(-ignore)?\s*:/.test(line));
  const isForBranches = options.some((line) => /^\s+branches(-ignore)?\s*:/.test(line));
  return isForTags && !isForBranches ? "never" : filtered(options, head);
}

function filtered(options: readonly string[], branch: string): Starts {
  const only = listIn(options, "branches");
  if (only !== null && !only.some((pattern) => mayMatch(pattern, branch))) return "never";
  if (listIn(options, "branches-ignore")?.includes(branch) === true) return "never";
  return options.some((line) => /^\s+paths(-ignore)?\s*:/.test(line)) ? "sometimes" : "always";
}

/** A pattern with a meaning of its own may match anything. */
function mayMatch(pattern: string, branch: string): boolean {
  return pattern === branch || /[*?+[\]!{}$]/.test(pattern);
}

/** The lines of `on:`, the first of them its own; null = there is no such thing to be seen. */
function triggersOf(text: string): readonly string[] | null {
  const lines = text.split(/\r?\n/).map((line) => line.replace(/(^|\s)#.*$/, "").trimEnd());
  const start = lines.findIndex((line) => /^(on|"on"|'on')\s*:/.test(line));
  if (start === -1) return null;
  const first = (lines[start] ?? "").replace(/^.*?:\s*/, "");
  // A mapping within one line, a list over many, or what is defined elsewhere is not taken apart.
  if (/^[{&*|>!]/.test(first) || wordsIn(first) === null) return null;
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => line !== "" && !/^[\s-]/.test(line));
  return [first, ...(end === -1 ? rest : rest.slice(0, end)).filter((line) => line !== "")];
}

/** The lines below an event; null = it is not among the triggers. */
function optionsOf([first = "", ...lines]: readonly string[], event: string): readonly string[] | null {
  if (wordsIn(first)?.includes(event) === true) return [];
  const start = lines.findIndex((line) => keyOf(line) === event || entryOf(line)?.includes(event) === true);
  if (start === -1) return null;
  const own = lines[start] ?? "";
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => depth(line) <= depth(own));
  return [inline(own), ...(end === -1 ? rest : rest.slice(0, end))];
}

/** What stands behind the colon, as if it were a line of its own. */
function inline(line: string): string {
  return line.includes(":") ? line.replace(/^.*?:/, " ") : "";
}

/** The entries of a list by its name; null = there is no such list, or none that can be understood. */
function listIn(lines: readonly string[], name: string): readonly string[] | null {
  const start = lines.findIndex((line) => keyOf(line) === name);
  if (start === -1) return null;
  const own = lines[start] ?? "";
  const listed = wordsIn(inline(own));
  if (listed === null) return null;
  for (const line of lines.slice(start + 1)) {
    const entry = entryOf(line);
    if (entry === null || depth(line) < depth(own)) break;
    listed.push(...entry);
  }
  return listed;
}

/** The words of an entry of a list; null = the line is none. */
function entryOf(line: string): readonly string[] | null {
  const entry = /^\s*-\s+(.*)$/.exec(line)?.[1];
  return entry === undefined ? null : wordsIn(entry);
}

/** One word, or those of a list within one line; null = the list goes on below. */
function wordsIn(text: string): string[] | null {
  const list = /^\[(.*)\]$/.exec(text.trim())?.[1];
  if (list === undefined && text.trim().startsWith("[")) return null;
  return (list ?? text)
    .split(list === undefined ? /\s+/ : /[\s,]+/)
    .map((word) => word.replace(/^(["'])(.*)\1$/, "$2"))
    .filter((word) => word !== "");
}

function keyOf(line: string): string | null {
  return /^\s+["']?([\w-]+)["']?\s*:/.exec(line)?.[1] ?? null;
}

function depth(line: string): number {
  return line.length - line.trimStart().length;
}
