import { escapeHidden } from "../lib/text.ts";
import { findCommand, readArguments, wantsJson } from "./usage/argv.ts";
import type { Given } from "./usage/argv.ts";
import { COMMANDS } from "./commands.ts";
import { createContext } from "./host/context.ts";
import { failureOf, problemDocument, wrongUsage } from "./usage/failure.ts";
import type { Failure } from "./usage/failure.ts";
import { explain, overview } from "./usage/help.ts";
import type { Machine } from "./host/host.ts";

/** Carries out a command line; resolves with the exit code and never rejects. */
export async function runCli(machine: Machine): Promise<number> {
  try {
    return await carryOut(machine);
  } catch (error) {
    const failure = failureOf(error);
    tellFailure(machine, failure);
    return failure.exitCode;
  }
}

async function carryOut(machine: Machine): Promise<number> {
  const found = findCommand(machine.args, COMMANDS);
  if (found.entry === null) {
    const given = readArguments("", { arguments: [], options: {} }, found.rest);
    if (given.flags.has("version")) return await tellVersion(machine, given);
    if (found.group === null || given.flags.has("help")) {
      tell(machine, overview(COMMANDS, found.group));
      return 0;
    }
    const members = COMMANDS.filter(({ name }) => name.startsWith(`${found.group} `)).map(({ name }) => name);
    throw wrongUsage(`\`${found.group}\` needs one of its commands: ${members.join(", ")}`);
  }
  const command = await found.entry.load();
  if (asksForHelp(found.rest)) {
    tell(machine, explain(found.entry, command));
    return 0;
  }
  const given = readArguments(found.entry.name, command, found.rest);
  if (given.flags.has("version")) return await tellVersion(machine, given);
  const { context, close } = createContext(machine, given);
  try {
    return await command.run(context);
  } finally {
    close();
  }
}

// Also beside arguments that are wrong: whoever asks for help does not know them yet.
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).includes("--help");
}

async function tellVersion(machine: Machine, given: Given): Promise<number> {
  const { packageVersion } = await import("./host/version.ts");
  const version = packageVersion();
  tell(machine, [given.flags.has("json") ? JSON.stringify({ version }) : version]);
  return 0;
}

function tell(machine: Machine, lines: readonly string[]): void {
  for (const line of lines) machine.stdout.write(`${line}\n`);
}

function tellFailure(machine: Machine, failure: Failure): void {
  if (wantsJson(machine.args)) {
    machine.stderr.write(`${JSON.stringify(problemDocument(failure))}\n`);
    return;
  }
  for (const line of failure.message.split("\n")) machine.stderr.write(`${escapeHidden(line)}\n`);
  if (failure.hint !== null) machine.stderr.write(`${escapeHidden(failure.hint)}\n`);
}
