import { expect, test } from "vitest";
import { commandsOf } from "../../src/cli/commands.ts";
import { nearest } from "../../src/lib/text.ts";
import { REGISTRY } from "../../src/registry.ts";
import { cli, json } from "./fake-host.ts";

const commands = commandsOf(REGISTRY);
const names = commands.map(({ name }) => name);
const wordsFor = async (name: string): Promise<string[]> => {
  const command = await commands.find((entry) => entry.name === name)?.load();
  return [
    ...name.split(" "),
    ...(command?.arguments ?? []).map((argument) => `a-${argument.name.toLowerCase()}`),
  ];
};

test("no command is help, and so are help options, exit 0", async () => {
  const none = await cli([]);
  expect([none.code, none.err]).toEqual([0, ""]);
  expect(none.out).toMatchSnapshot();
  expect((await cli(["--help"])).out).toBe(none.out);
  expect((await cli(["-h"])).out).toBe(none.out);
});

test.each(names)("%s explains itself from its record", async (name) => {
  const { code, out, err } = await cli([...name.split(" "), "--help"]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatchSnapshot();
  expect(out).toContain("Examples:");
});

test.each(names)("every example of %s is a line that the command accepts", async (name) => {
  const command = await commands.find((entry) => entry.name === name)?.load();
  for (const { line } of command?.examples ?? []) {
    const [own = ""] = line
      .replace(/^.*\$\(patchrelay /, "")
      .replace(/\)"$/, "")
      .split(" | ");
    const words = [...own.matchAll(/"([^"]*)"|(\S+)/g)].map(([, text, word]) => text ?? word ?? "");
    // The examples name no config; past its arguments every command fails on that, or needs none.
    const { code } = await cli([...words, "--limit", "0"]);
    const { err } = await cli([...words, "--limit", "0"]);
    expect([code, err], line).toEqual([2, expect.stringContaining("--limit is")]);
  }
});

test.each(names)("%s refuses one argument too many, exit 2", async (name) => {
  const { code, out, err } = await cli([
    ...(await wordsFor(name)),
    "surplus\u202e",
    ...(name === "db backup" ? ["x"] : []),
  ]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain("is one too many");
  expect(err).not.toContain("\u202e");
});

test("help as a word asks what --help does", async () => {
  expect((await cli(["help"])).out).toBe((await cli(["--help"])).out);
  expect((await cli(["help", "issue", "list"])).out).toBe((await cli(["issue", "list", "--help"])).out);
});

test("a configuration file that is named without --config is told how", async () => {
  expect((await cli(["config", "check", "new.json"])).err).toContain("--config new.json");
});

test.each(names)("%s refuses an option that it does not have, exit 2", async (name) => {
  const { code, out, err } = await cli([...(await wordsFor(name)), "--jsn"]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain("did you mean --json?");
  const document = await cli([...(await wordsFor(name)), "--nonsense-option", "--json"]);
  expect(json(document.err)).toMatchObject({ title: "Wrong usage", status: 400 });
});

test.each(names)("%s says which argument is missing, exit 2", async (name) => {
  const command = await commands.find((entry) => entry.name === name)?.load();
  const needed = command?.arguments.find(({ required }) => required);
  if (needed === undefined) return;
  const { code, out, err } = await cli(name.split(" "));
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(`needs ${needed.name}`);
});

test.each([
  ["isue list", "did you mean `patchrelay issue list`?"],
  ["issue shwo APP-1", "did you mean `patchrelay issue show`?"],
  ["issue APP-1", "did you mean `patchrelay issue show APP-1`?"],
  ["statsu", "did you mean `patchrelay status`?"],
  ["serv", "did you mean `patchrelay serve`?"],
])("%s is no command, but something is near", async (line, hint) => {
  const { code, out, err } = await cli(line.split(" "));
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(hint);
});

test("a first word alone needs one of its commands", async () => {
  const { code, err } = await cli(["issue"]);
  expect(code).toBe(2);
  expect(err).toContain("issue list");
  const help = await cli(["issue", "--help"]);
  expect(help.code).toBe(0);
  expect(help.out).toContain("issue worktree");
  expect(help.out).not.toContain("delivery list");
});

test.each([
  ["issue list --limit 0"],
  ["issue list --limit many"],
  ["issue list --limit"],
  ["issue list --limit --json"],
  ["issue list --limit 1 --limit 2"],
  ["issue list --json=yes"],
  ["issue list --state"],
  ["--config"],
  ["--nonsense issue list"],
])("%s is wrong usage", async (line) => {
  const { code, out } = await cli(line.split(" "));
  expect([code, out]).toEqual([2, ""]);
});

test("the version is printed, as a document too", async () => {
  expect((await cli(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(json((await cli(["--version", "--json"])).out)).toEqual({ version: expect.stringMatching(/^\d/) });
});

test("a command that is not there yet is not listed", () => {
  for (const later of ["init", "repo link", "repo list"]) expect(names).not.toContain(later);
});

test("names are told apart well enough that each is nearest to itself", () => {
  for (const name of names) expect(nearest(name, names)).toBe(name);
});

test("demo with an agent whose program is not there says so at once, and how to get it", async () => {
  const { code, out, err } = await cli(["demo", "--agent", "codex", "--codex-bin", "/nowhere/codex"]);
  expect([code, out]).toEqual([1, ""]);
  expect(err).toMatch(
    /Codex at \/nowhere\/codex was not found: install it \(npm i -g @openai\/codex@[\d.]+\)/,
  );
  expect(err).toContain("--codex-bin FILE");
});
