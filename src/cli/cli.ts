import { escapeHidden } from "../lib/text.ts";
import { findCommand, readArguments, wantsJson } from "./usage/argv.ts";
import type { Given } from "./usage/argv.ts";
import { commandsOf } from "./commands.ts";
import { createContext } from "./host/context.ts";
import { registryOf } from "./host/registry.ts";
import { failureOf, problemDocument, wrongUsage } from "./usage/failure.ts";
import type { Failure } from "./usage/failure.ts";
import { explain, overview } from "./usage/help.ts";
import type { Host } from "./host/host.ts";

/** Carries out a command line; resolves with the exit code and never rejects. */
export async function runCli(host: Host): Promise<number> {
  try {
    return await carryOut(host);
  } catch (error) {
    const failure = failureOf(error);
    tellFailure(host, failure);
    return failure.exitCode;
  }
}

async function carryOut(host: Host): Promise<number> {
  const commands = commandsOf(await registryOf(host));
  const found = findCommand(host.args, commands);
  if (found.entry === null) {
    const given = readArguments("", { arguments: [], options: {} }, found.rest);
    if (given.flags.has("version")) return await tellVersion(host, given);
    if (found.group === null || given.flags.has("help")) {
      tell(host, overview(commands, found.group));
      return 0;
    }
    const members = commands.filter(({ name }) => name.startsWith(`${found.group} `)).map(({ name }) => name);
    throw wrongUsage(`\`${found.group}\` needs a subcommand: ${members.join(", ")}`);
  }
  const command = await found.entry.load();
  if (asksForHelp(found.rest)) {
    tell(host, explain(found.entry, command));
    return 0;
  }
  const given = readArguments(found.entry.name, command, found.rest);
  if (given.flags.has("version")) return await tellVersion(host, given);
  const { context, remark, close } = createContext(host, given);
  try {
    const code = await command.run(context);
    await remark();
    return code;
  } catch (error) {
    // What is wrong with the configuration is told in full then.
    if (failureOf(error).code !== "bad_settings") await remark();
    throw error;
  } finally {
    await close();
  }
}

// Also beside arguments that are wrong: whoever asks for help does not know them yet.
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end === -1 ? args : args.slice(0, end)).includes("--help");
}

async function tellVersion(host: Host, given: Given): Promise<number> {
  const { packageVersion } = await import("./host/version.ts");
  const version = packageVersion();
  tell(host, [given.flags.has("json") ? JSON.stringify({ version }) : version]);
  return 0;
}

function tell(host: Host, lines: readonly string[]): void {
  for (const line of lines) host.stdout.write(`${line}\n`);
}

function tellFailure(host: Host, failure: Failure): void {
  if (wantsJson(host.args)) {
    host.stderr.write(`${JSON.stringify(problemDocument(failure))}\n`);
    return;
  }
  for (const line of failure.message.split("\n")) host.stderr.write(`${escapeHidden(line)}\n`);
  if (failure.hint !== null) host.stderr.write(`${escapeHidden(failure.hint)}\n`);
}
