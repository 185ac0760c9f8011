import { parseArgs } from "node:util";
import { escapeHidden, nearest } from "../../lib/text.ts";
import type { Command, Option } from "./command.ts";
import type { CommandEntry } from "./entry.ts";
import { wrongUsage } from "./failure.ts";

/** Accepted before and after any command. */
export const GLOBAL_OPTIONS = {
  config: {
    value: "FILE",
    says: "configuration file; default: PATCHRELAY_CONFIG, ./patchrelay.json, $XDG_CONFIG_HOME",
  },
  json: { value: null, says: "print JSON, for scripts" },
  limit: { value: "N", says: "list at most N items" },
  cursor: { value: "C", says: "continue after an earlier page (its nextCursor)" },
  "no-color": { value: null, says: "no colours; NO_COLOR does the same" },
  help: { value: null, says: "show help for the command" },
  version: { value: null, says: "print the version" },
} as const satisfies Readonly<Record<string, Option>>;

const SHORT: Readonly<Record<string, string>> = { "-h": "--help" };
/** Commands about an issue that are said without the word `issue` often enough: `patchrelay why APP-1`. */
const ISSUE_WORDS: ReadonlySet<string> = new Set(["why", "watch"]);

const BARE_KEY = /^(?:[A-Za-z][A-Za-z0-9_]{0,30}-\d{1,9}|[a-z][a-z0-9]*:[A-Za-z0-9-]{8,100})$/;

/** Which command is meant, and what is left for it. */
export type Found =
  | { readonly entry: CommandEntry; readonly rest: readonly string[] }
  /** No command, or only the first word of some. */
  | { readonly entry: null; readonly group: string | null; readonly rest: readonly string[] };

/** Whether problems are to be told as documents; looked for before anything else can be wrong. */
export function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).includes("--json");
}

/**
 * Finds the command among options: one or two words, or a bare issue key for `issue show`. Throws Failure (exit 2),
 * with the name that was probably meant, for a word that is no command.
 */
export function findCommand(args: readonly string[], commands: readonly CommandEntry[]): Found {
  const full = helpAsOption(args.map((arg) => SHORT[arg] ?? arg));
  const places = wordPlaces(full);
  const first = wordAt(full, places[0]);
  if (first === null) return { entry: null, group: null, rest: full };
  const second = wordAt(full, places[1]);
  const without = (count: number): readonly string[] =>
    full.filter((_, index) => !places.slice(0, count).includes(index));
  const named = (name: string): CommandEntry | undefined => commands.find((entry) => entry.name === name);
  const two = second === null ? undefined : named(`${first} ${second}`);
  if (two !== undefined) return { entry: two, rest: without(2) };
  const one = named(first);
  if (one !== undefined) return { entry: one, rest: without(1) };
  const members = commands.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (members.length > 0) {
    if (second === null) return { entry: null, group: first, rest: without(1) };
    const meant =
      first === "issue" && BARE_KEY.test(second)
        ? `issue show ${second}`
        : nearest(`${first} ${second}`, members);
    throw unknownCommand(`${first} ${second}`, meant, `patchrelay ${first} --help`);
  }
  const short = ISSUE_WORDS.has(first) ? named(`issue ${first}`) : undefined;
  if (short !== undefined) return { entry: short, rest: without(1) };
  const show = named("issue show");
  if (BARE_KEY.test(first) && show !== undefined) return { entry: show, rest: full };
  throw unknownCommand(first, meantCommand(first, second, commands), "patchrelay --help");
}

/** `patchrelay help issue list` asks what `patchrelay issue list --help` does. */
function helpAsOption(args: readonly string[]): readonly string[] {
  return args[0] === "help" ? [...args.slice(1), "--help"] : args;
}

function meantCommand(
  first: string,
  second: string | null,
  commands: readonly CommandEntry[],
): string | null {
  const names = commands.map(({ name }) => name);
  const meant = nearest(first, [...new Set(names.flatMap((name) => [name, name.split(" ")[0] ?? name]))]);
  if (meant === null || second === null || names.includes(meant)) return meant;
  const members = names.filter((name) => name.startsWith(`${meant} `));
  return nearest(`${meant} ${second}`, members) ?? meant;
}

/** What was given to a command, checked against what it takes. */
export interface Given {
  readonly arguments: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, string>>;
  readonly flags: ReadonlySet<string>;
}

/** Checks the arguments of a command. Throws Failure (exit 2) that names the first that is wrong and what to do. */
export function readArguments(
  name: string,
  command: Pick<Command, "arguments" | "options">,
  args: readonly string[],
): Given {
  const known: Readonly<Record<string, Option>> = { ...command.options, ...GLOBAL_OPTIONS };
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      Object.entries(known).map(([key, { value }]) => [key, { type: value === null ? "boolean" : "string" }]),
    ),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const help = `patchrelay ${name} --help`.replace("  ", " ");
  const values: Record<string, string> = {};
  const flags = new Set<string>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (option === undefined) throw unknownOption(token.rawName, Object.keys(known), help);
    if (option.value === null) {
      if (token.value !== undefined) throw wrongUsage(`--${token.name} takes no value`, `see ${help}`);
      flags.add(token.name);
    } else {
      if (Object.hasOwn(values, token.name))
        throw wrongUsage(`--${token.name} is given twice`, `see ${help}`);
      values[token.name] = valueOf(token, option, help);
    }
  }
  return { arguments: named(command, words, name, help), values, flags };
}

function valueOf(
  token: {
    readonly name: string;
    readonly value?: string | undefined;
    readonly inlineValue?: boolean | undefined;
  },
  option: Option,
  help: string,
): string {
  const { value } = token;
  const swallowed = value !== undefined && token.inlineValue !== true && /^-./.test(value);
  if (value === undefined || value === "" || swallowed) {
    throw wrongUsage(`--${token.name} needs a value: --${token.name} ${option.value}`, `see ${help}`);
  }
  if (option.oneOf !== undefined && !option.oneOf.includes(value))
    throw unknownValue(token.name, value, option.oneOf, `see ${help}`);
  return value;
}

/** That an option has a value that names nothing, with those that there are. */
export function unknownValue(
  option: string,
  value: string,
  known: readonly string[],
  otherwise: string | null = null,
): Error {
  const near = nearest(value, known);
  return wrongUsage(
    `--${option} is ${quoted(value)}; expected ${known.length === 1 ? "" : "one of "}${known.join(", ")}`,
    near === null ? otherwise : `did you mean ${near}?`,
  );
}

function named(
  command: Pick<Command, "arguments">,
  words: readonly string[],
  name: string,
  help: string,
): Readonly<Record<string, string>> {
  const extra = words[command.arguments.length];
  if (extra !== undefined) {
    const most = command.arguments.length;
    const takes = most === 0 ? "takes no argument" : `takes ${most} argument${most === 1 ? "" : "s"} at most`;
    throw wrongUsage(
      `\`${name}\` ${takes}; ${quoted(extra)} is one too many`,
      extra.endsWith(".json")
        ? `a configuration file is named with --config ${escapeHidden(extra)}`
        : most === 0
          ? `see ${help}`
          : `put quotes around text of several words; see ${help}`,
    );
  }
  const missing = command.arguments.find(
    ({ required }, index) => required && (words[index] ?? "").trim() === "",
  );
  if (missing !== undefined) {
    throw wrongUsage(`\`${name}\` needs ${missing.name}: ${missing.says}`, `see ${help}`);
  }
  return Object.fromEntries(
    command.arguments.flatMap((argument, index) => {
      const word = words[index];
      return word === undefined ? [] : [[argument.name, word]];
    }),
  );
}

/** An argument as it is safe to repeat to a person. */
export function quoted(text: string): string {
  return `"${escapeHidden(text)}"`;
}

function unknownCommand(word: string, meant: string | null, help: string): Error {
  const hint = meant === null ? `see ${help}` : `did you mean \`patchrelay ${meant}\`?`;
  return wrongUsage(`unknown command ${quoted(word)}`, hint);
}

function unknownOption(raw: string, known: readonly string[], help: string): Error {
  const meant = nearest(raw.replace(/^-+/, ""), known);
  return wrongUsage(
    `unknown option ${quoted(raw)}`,
    meant === null ? `see ${help}` : `did you mean --${meant}?`,
  );
}

// Places of the first two words that are neither options nor values of global options.
function wordPlaces(args: readonly string[]): readonly number[] {
  const places: number[] = [];
  for (let index = 0; index < args.length && places.length < 2; index += 1) {
    const arg = args[index] ?? "";
    if (arg === "--") break;
    if (!arg.startsWith("-")) places.push(index);
    else if (takesNext(arg)) index += 1;
    // What follows an option that only the command knows cannot be told from its value.
    else if (!isGlobal(arg)) break;
  }
  return places;
}

function takesNext(arg: string): boolean {
  return ["--config", "--limit", "--cursor"].includes(arg);
}

function isGlobal(arg: string): boolean {
  return Object.hasOwn(GLOBAL_OPTIONS, arg.replace(/^--/, "").split("=")[0] ?? "");
}

function wordAt(args: readonly string[], place: number | undefined): string | null {
  return place === undefined ? null : (args[place] ?? null);
}
