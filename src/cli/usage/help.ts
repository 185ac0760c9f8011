import { GLOBAL_OPTIONS } from "./argv.ts";
import type { Argument, Command, Option } from "./command.ts";
import { GROUPS } from "./entry.ts";
import type { CommandEntry } from "./entry.ts";

const EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 relay not reachable.";

/** Help for all commands, or for those that begin with `group`. */
export function overview(commands: readonly CommandEntry[], group: string | null): readonly string[] {
  const shown = group === null ? commands : commands.filter(({ name }) => name.startsWith(`${group} `));
  const width = Math.max(...shown.map(({ name }) => name.length));
  const groups = Object.entries(GROUPS).flatMap(([key, title]) => {
    const rows = shown.filter((entry) => entry.group === key);
    if (rows.length === 0) return [];
    return [`${title}:`, ...rows.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`), ""];
  });
  const usage = group === null ? "<command>" : `${group} <command>`;
  return [
    ...(group === null
      ? [
          "patchrelay turns a delegated Linear issue into a merged pull request, and keeps it healthy on the way.",
          "",
        ]
      : []),
    `Usage: patchrelay ${usage} [options]`,
    ...(group === null
      ? ["       patchrelay APP-1            the same as: patchrelay issue show APP-1"]
      : []),
    "",
    ...groups,
    ...optionLines("Options for every command:", GLOBAL_OPTIONS),
    "",
    "Run `patchrelay <command> --help` for details",
    EXIT_CODES,
  ];
}

/** Help for one command, made from its record. */
export function explain(entry: Pick<CommandEntry, "name" | "summary">, command: Command): readonly string[] {
  const own = Object.keys(command.options).length > 0;
  const usage = ["patchrelay", entry.name, ...command.arguments.map(shape), ...(own ? ["[options]"] : [])];
  const width = Math.max(0, ...command.arguments.map(({ name }) => name.length));
  return [
    `${entry.summary}.`,
    "",
    `Usage: ${usage.join(" ")}`,
    ...section(
      "Arguments:",
      command.arguments.map(({ name, says }) => `  ${name.padEnd(width)}  ${says}`),
    ),
    ...(own ? ["", ...optionLines("Options:", command.options)] : []),
    ...command.about.flatMap((paragraph) => ["", ...wrapped(paragraph)]),
    ...section(
      "Examples:",
      command.examples.flatMap(({ says, line }) => [`  # ${says}`, `  ${exampleLine(line)}`]),
    ),
    "",
    ...optionLines("Options for every command:", GLOBAL_OPTIONS),
  ];
}

function exampleLine(line: string): string {
  return line.includes("$(patchrelay") ? line : `patchrelay ${line}`;
}

function shape({ name, required }: Argument): string {
  return required ? name : `[${name}]`;
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", title, ...lines];
}

function optionLines(title: string, options: Readonly<Record<string, Option>>): readonly string[] {
  const rows = Object.entries(options).map(([name, option]) => {
    const values = option.oneOf === undefined ? "" : ` (${option.oneOf.join(", ")})`;
    const head = `--${name}${option.value === null ? "" : ` ${option.value}`}`;
    return { head, says: `${option.says}${values}` };
  });
  const width = Math.max(...rows.map(({ head }) => head.length));
  return [title, ...rows.flatMap(({ head, says }) => hanging(`  ${head.padEnd(width)}  `, says))];
}

const WIDTH = 100;

function hanging(head: string, text: string): readonly string[] {
  return wrapped(text, WIDTH - head.length).map((line, index) =>
    index === 0 ? head + line : " ".repeat(head.length) + line,
  );
}

function wrapped(text: string, width = WIDTH): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
