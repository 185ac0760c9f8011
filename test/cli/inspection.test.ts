import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StatusDocument } from "../../src/engines/documents.ts";
import type {
  DeliveryDocument,
  IssueDocument,
  JournalDocument,
  Page,
  RunDocument,
} from "../../src/engines/documents.ts";
import { cli, json } from "./fake-host.ts";
import { fill, FIRST, HOSTILE, HOSTILE_SHOWN, makePlace, RUN } from "./kept.ts";
import type { Place } from "./kept.ts";

let place: Place;
let empty: Place;

beforeAll(async () => {
  place = makePlace();
  empty = makePlace();
  await fill(place);
});

afterAll(() => {
  place.remove();
  empty.remove();
});

const at = (where: Place, args: readonly string[], more = {}) =>
  cli([...args, "--config", where.config], { ...more });
const escape = "\u001b";
const COLOURS = new RegExp(`${escape}\\[\\d+m`, "g");

test("issue list prints the documents of the API, newest first", async () => {
  const { code, out, err } = await at(place, ["issue", "list", "--json"]);
  const page = json<Page<IssueDocument>>(out);
  expect(code).toBe(0);
  expect(err).toBe("");
  expect(page.items.map(({ key }) => key)).toEqual(["APP-3", "APP-2", "APP-1"]);
  expect(page.items[2]).toMatchObject({ id: `linear:${FIRST}`, title: HOSTILE, state: "implementing" });
  expect(page.nextCursor).toBeNull();
});

test("a limit gives a cursor that goes on, before or after the command", async () => {
  const first = json<Page<IssueDocument>>((await at(place, ["--limit", "2", "issue", "list", "--json"])).out);
  expect(first.items.map(({ key }) => key)).toEqual(["APP-3", "APP-2"]);
  const rest = await at(place, ["issue", "list", "--json", "--cursor", String(first.nextCursor)]);
  expect(json<Page<IssueDocument>>(rest.out).items.map(({ key }) => key)).toEqual(["APP-1"]);
});

test("a cursor that is none is wrong usage and leaves standard output empty", async () => {
  const { code, out, err } = await at(place, ["issue", "list", "--json", "--cursor", "nonsense"]);
  expect([code, out]).toEqual([2, ""]);
  expect(json(err)).toMatchObject({ status: 400, type: "urn:patchrelay:problem:wrong_usage" });
});

test("without a terminal a list is tab-separated, whole and without hidden characters or colours", async () => {
  const { out } = await at(place, ["issue", "list"]);
  const lines = out.trimEnd().split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[2]?.split("\t")).toEqual([
    "APP-1",
    "implementing",
    expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    "-",
    "example/app",
    HOSTILE_SHOWN,
  ]);
  expect(out).not.toContain(escape);
});

test("on a terminal a list is a table with relative times that fits the width", async () => {
  const { out } = await at(place, ["issue", "list"], { terminal: true, columns: 70 });
  const lines = out.replaceAll(COLOURS, "").trimEnd().split("\n");
  expect(lines[0]).toMatch(/^KEY +STATE +SINCE +PULL +REPOSITORY +TITLE$/);
  expect(lines[1]).toMatch(/^APP-3 +done +\d+ s ago/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(70);
  expect(out).toContain(`${escape}[32mdone${escape}[39m`);
});

test.each([
  ["--no-color", ["--no-color"], {}],
  ["NO_COLOR", [], { NO_COLOR: "1" }],
  ["TERM=dumb", [], { TERM: "dumb" }],
])("%s takes the colours away", async (_, args, env) => {
  const { out } = await at(place, ["issue", "list", ...args], { terminal: true, env });
  expect(out).toContain("APP-1");
  expect(out).not.toContain(escape);
});

test("filters narrow the list, and a state that is none is refused with the one that was meant", async () => {
  expect((await at(place, ["issue", "list", "--state", "awaiting_input"])).out).toMatch(/^APP-2\t/);
  expect((await at(place, ["issue", "list", "--q", "subtr", "--json"])).out).toContain("APP-1");
  const { code, err } = await at(place, ["issue", "list", "--state", "awaiting_inptu"]);
  expect(code).toBe(2);
  expect(err).toContain("did you mean awaiting_input?");
});

test("a filter that names nothing is refused with what there is", async () => {
  const refused = async (...args: string[]) => {
    const { code, out, err } = await at(place, args);
    expect(out).toBe("");
    return [code, err];
  };
  expect(await refused("delivery", "list", "--source", "bogus")).toEqual([
    2,
    expect.stringContaining('--source is "bogus"; expected one of linear, github, observation'),
  ]);
  expect((await refused("delivery", "list", "--source", "githb"))[1]).toContain("did you mean github?");
  expect(await refused("issue", "list", "--repo", "example/ap")).toEqual([
    2,
    expect.stringMatching(/--repo is "example\/ap"; expected example\/app.*did you mean example\/app\?/s),
  ]);
  for (const list of ["run", "outbox"])
    expect(await refused(list, "list", "--issue", "APP-77")).toEqual([
      3,
      expect.stringContaining('there is no issue "APP-77"'),
    ]);
  for (const source of ["github", "observation"])
    expect((await at(place, ["delivery", "list", "--source", source])).code).toBe(0);
  expect((await at(place, ["issue", "list", "--repo", "Example/App"])).code).toBe(0);
  const none = await at(place, ["delivery", "list", "--source", "github", "--state", "pending"], {
    terminal: true,
  });
  expect(none.out).toBe("No deliveries with --state pending and --source github.\n");
});

test("an empty list says so on a terminal and is items: [] as a document", async () => {
  const nothing = ["issue", "list", "--q", "zzz"];
  expect((await at(place, nothing, { terminal: true })).out).toBe("No issues with --q zzz.\n");
  expect(json((await at(place, [...nothing, "--json"])).out)).toEqual({ items: [], nextCursor: null });
  expect((await at(place, nothing)).out).toBe("");
});

test.each([["issue list"], ["run list"], ["delivery list"], ["outbox list"]])(
  "%s is empty where no relay has run yet",
  async (name) => {
    const { code, out } = await at(empty, [...name.split(" "), "--json"]);
    expect(code).toBe(0);
    expect(json(out)).toEqual({ items: [], nextCursor: null });
    const human = await at(empty, name.split(" "));
    expect(human.err).toContain("No relay has run here yet");
  },
);

test.each([
  ["issue show APP-1"],
  ["issue why APP-1"],
  ["issue journal APP-1"],
  ["issue watch APP-1"],
  ["issue open APP-1"],
  ["issue worktree APP-1"],
  [`run show ${RUN}`],
  [`run log ${RUN}`],
  ["delivery show same"],
  ["db check"],
  ["db backup"],
])("%s is not found where no relay has run yet", async (name) => {
  const { code, out } = await at(empty, name.split(" "));
  expect([code, out]).toEqual([3, ""]);
});

test("a bare key is issue show, in any case, and so is our id", async () => {
  const shown = json<IssueDocument>((await at(place, ["app-1", "--json"])).out);
  expect(shown.id).toBe(`linear:${FIRST}`);
  expect(json((await at(place, [shown.id, "--json"])).out)).toEqual(shown);
  expect(json((await at(place, ["issue", "show", "APP-1", "--json"])).out)).toEqual(shown);
});

test("issue show tells state, why and run, with hidden characters escaped", async () => {
  const { out } = await at(place, ["APP-1"]);
  expect(out).toContain(`APP-1  ${HOSTILE_SHOWN}`);
  expect(out).toMatch(/^state +implementing$/m);
  expect(out).toMatch(/^why +1 prompts, 1 runs/m);
  expect(out).toMatch(/^waits for +the test$/m);
  expect(out).toContain(RUN);
});

test.each([
  ["issue show"],
  ["issue why"],
  ["issue journal"],
  ["issue watch"],
  ["issue open"],
  ["issue worktree"],
])("%s of an unknown key is not found, and the key is told with hidden characters escaped", async (name) => {
  const { code, out, err } = await at(place, [...name.split(" "), "NOPE-1\u202e"]);
  expect([code, out]).toEqual([3, ""]);
  expect(err).toContain('there is no issue "NOPE-1\\u{202e}"');
  const document = await at(place, [...name.split(" "), "NOPE-1", "--json"]);
  expect(json(document.err)).toMatchObject({ status: 404, type: "urn:patchrelay:problem:not_found" });
  expect(document.out).toBe("");
});

test("issue why tells the evidence, now and at a line of the journal", async () => {
  const now = json((await at(place, ["issue", "why", "APP-1", "--json"])).out);
  expect(now).toMatchObject({
    state: "implementing",
    rule: "scripted",
    evidence: [{ fact: "prompts", value: "1", source: "test" }, { fact: "rule" }],
  });
  const journal = json<Page<JournalDocument>>((await at(place, ["issue", "journal", "APP-1", "--json"])).out);
  const first = journal.items.at(-1);
  const then = await at(place, ["issue", "why", "APP-1", "--at", String(first?.seq), "--json"]);
  expect(json(then.out)).toMatchObject({ state: first?.to, at: first?.at });
  const byTime = await at(place, [
    "issue",
    "why",
    "APP-1",
    "--at",
    new Date(Date.now() + 1_000).toISOString(),
    "--json",
  ]);
  expect(json(byTime.out)).toMatchObject({ state: "implementing" });
});

test("issue why is whole for a program, and fits a terminal", async () => {
  const long = "what prompts say is done, ".repeat(8);
  const piped = await at(place, ["issue", "why", "APP-1"]);
  expect(piped.out).toMatch(/^FACT +VALUE +SOURCE +WHEN$/m);
  expect(piped.out).toContain(long);
  const shown = await at(place, ["issue", "why", "APP-1"], { terminal: true, columns: 70 });
  const rows = shown.out
    .replaceAll(COLOURS, "")
    .split("\n")
    .filter((line) => /^(FACT|prompts|rule {2,}w)/.test(line));
  expect(rows).toHaveLength(3);
  expect(Math.max(...rows.map((line) => line.length))).toBeLessThanOrEqual(70);
});

test("issue why before anything was known is not found, and a moment that is none is wrong usage", async () => {
  expect((await at(place, ["issue", "why", "APP-1", "--at", "2001-01-01T00:00:00Z"])).code).toBe(3);
  const { items } = json<Page<JournalDocument>>(
    (await at(place, ["issue", "journal", "APP-1", "--json"])).out,
  );
  const newest = items[0]?.seq ?? 0;
  expect((await at(place, ["issue", "why", "APP-1", "--at", String(newest)])).code).toBe(0);
  const beyond = await at(place, ["issue", "why", "APP-1", "--at", "99999"]);
  expect([beyond.code, beyond.out]).toEqual([3, ""]);
  expect(beyond.err).toContain(`has no line 99999 yet; its newest is ${newest}\n`);
  const { code, err } = await at(place, ["issue", "why", "APP-1", "--at", "yesterday"]);
  expect(code).toBe(2);
  expect(err).toContain("expected a number from the SEQ column of `issue journal`, or a time");
});

test("issue open prints the URL, and opens it on a terminal only", async () => {
  const piped = await at(place, ["issue", "open", "APP-2"]);
  expect(piped.out).toBe("https://linear.app/acme/issue/APP-2\n");
  expect(piped.host.launched).toEqual([]);
  const shown = await at(place, ["issue", "open", "APP-2"], { terminal: true });
  expect(shown.host.launched).toEqual([["xdg-open", "https://linear.app/acme/issue/APP-2"]]);
  expect((await at(place, ["issue", "open", "APP-2", "--pull"])).code).toBe(3);
});

test("issue worktree without one is not found", async () => {
  const { code, out, err } = await at(place, ["issue", "worktree", "APP-1"]);
  expect([code, out]).toEqual([3, ""]);
  expect(err).toContain("APP-1 has no worktree yet");
});

test("issue watch of an issue that has ended tells its last lines and ends", async () => {
  const { code, out, err } = await at(place, ["issue", "watch", "APP-3"]);
  expect(code).toBe(0);
  expect(out).toMatch(/done +ticket_read, prompted \(test\)/);
  expect(err).toContain("APP-3 has ended: done");
});

test("runs are listed, shown and logged", async () => {
  const runs = json<Page<RunDocument>>((await at(place, ["run", "list", "--issue", "APP-1", "--json"])).out);
  expect(runs.items).toHaveLength(1);
  expect(runs.items[0]).toMatchObject({ id: RUN, type: "implementation", state: "running" });
  expect(json((await at(place, ["run", "show", RUN, "--json"])).out)).toEqual(runs.items[0]);
  expect((await at(place, ["run", "show", RUN])).out).toMatch(/^tokens +0 in \(0 cached\), 0 out$/m);
  const log = await at(place, ["run", "log", RUN]);
  expect(log.out.replaceAll(/^\d{4}-\S+Z/gm, "TIME")).toBe(
    "TIME  message  I look around.\nTIME  command  npm test\\u{7}\n    exit 0\n",
  );
  const shown = await at(place, ["run", "log", RUN], { terminal: true });
  expect(shown.out.replaceAll(COLOURS, "")).toMatch(/command {2}npm test\\u\{7\}\n {4}exit 0\n$/);
  const one = json<Page<unknown>>((await at(place, ["run", "log", RUN, "--limit", "1", "--json"])).out);
  expect(one.items).toHaveLength(1);
  expect(one.nextCursor).not.toBeNull();
});

test.each([
  ["run show nope.1"],
  ["run log nope.1"],
  ["run log nope.1 --follow"],
  ["run list --issue NOPE-1"],
  ["outbox list --issue NOPE-1"],
  ["delivery show nope"],
])("%s is not found", async (line) => {
  const { code, out } = await at(place, line.split(" "));
  expect([code, out]).toEqual([3, ""]);
});

test("a delivery id that two sources have is ambiguous, and each can be named", async () => {
  const { code, out, err } = await at(place, ["delivery", "show", "same"]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain("name one: other:same or test:same");
  const shown = json<DeliveryDocument>((await at(place, ["delivery", "show", "other:same", "--json"])).out);
  expect(shown).toMatchObject({ source: "other", deliveryId: "same", state: "ignored", why: "neither" });
});

test("a delivery's body is escaped for people and verbatim as a document", async () => {
  const human = await at(place, ["delivery", "show", "body", "--body"]);
  expect(human.out).toBe('{"ignored":"no use","text":"a\\u{202e}b"}\n');
  const document = json((await at(place, ["delivery", "show", "body", "--body", "--json"])).out);
  expect(document).toMatchObject({
    deliveryId: "body",
    body: '{"ignored":"no use","text":"a\u202eb"}',
    bodyEncoding: "utf8",
  });
});

test("deliveries and effects are listed by state", async () => {
  const ignored = json<Page<DeliveryDocument>>(
    (await at(place, ["delivery", "list", "--state", "ignored", "--source", "test", "--json"])).out,
  );
  expect(ignored.items.map(({ deliveryId }) => deliveryId)).toEqual(["body", "same"]);
  const failed = await at(place, ["outbox", "list", "--state", "failed"]);
  expect(failed.out).toContain("GitHub said no: \\u{1b}[31mlocked");
  expect((await at(place, ["outbox", "list", "--state", "fialed"])).err).toContain("did you mean failed?");
});

test("the queue is a document with slots", async () => {
  expect(json((await at(place, ["queue", "--json"])).out)).toEqual({
    slots: { total: 4, used: 1 },
    items: [],
  });
  expect((await at(place, ["queue"], { terminal: true })).out).toBe(
    "1 of 4 slots in use; nothing is waiting.\n",
  );
  expect((await at(empty, ["queue", "--json"])).code).toBe(0);
});

test("agents tells what the configuration names while the relay is down", async () => {
  const { code, out } = await at(place, ["agents", "--json"]);
  expect(code).toBe(0);
  expect(json(out)).toMatchObject({ items: [{ name: "scripted", ready: null }], nextCursor: null });
});

test("status tells that the relay is down, what is kept and what needs a person", async () => {
  const { code, out } = await at(place, ["status", "--json"]);
  expect(code).toBe(0);
  expect(json(out)).toMatchObject({
    relay: "down",
    ready: null,
    issues: { implementing: 1, awaiting_input: 1, done: 1 },
    outbox: { failed: 1 },
    needsPerson: [{ key: "APP-2" }],
  });
  expect(StatusDocument.strict().parse(json(out))).toEqual(json(out));
  const human = await at(place, ["status"]);
  expect(human.out).toMatch(/^relay +down$/m);
  expect(human.out).toContain("1 effects: patchrelay outbox list --state failed");
  expect(human.out).toMatch(/Needs a person:\n.*\nAPP-2/);
  expect((await at(empty, ["status"])).code).toBe(0);
});

test("machine prints the rules, as a page and as a document", async () => {
  expect((await cli(["machine"])).out).toMatch(/^# The factory\n/);
  const { rules, states } = json<{ rules: { name: string }[]; states: { name: string }[] }>(
    (await cli(["machine", "--json"])).out,
  );
  expect(rules.map(({ name }) => name)).toContain("merged");
  expect(states.map(({ name }) => name)).toContain("awaiting_queue");
});

test("inspection works with a config that serve would refuse", async () => {
  const other = makePlace({ dataDir: place.dataDir, runs: { slots: "many" }, nonsense: true });
  try {
    expect((await at(other, ["issue", "show", "APP-1"])).code).toBe(0);
    expect((await at(other, ["config", "check"])).code).toBe(1);
  } finally {
    other.remove();
  }
});

const COUNTED = (problems: string) =>
  `The configuration has ${problems} (\`patchrelay config check\` lists them); this is what could be read without them.\n`;

test.each([
  { http: { port: "8931" }, runs: { slots: "many" } },
  { http: { prot: 8931, host: 7 } },
  { datadir: "data", dataDirectory: "x" },
])("a look that %o may lead to the wrong place says so", async (changes) => {
  const other = makePlace(changes);
  try {
    for (const line of ["issue list", "issue show APP-1", "queue", "db check", "issue stop APP-1"])
      expect([line, (await at(other, line.split(" "))).err]).toEqual([
        line,
        expect.stringContaining(COUNTED("2 problems")),
      ]);
    expect((await at(other, ["issue", "list", "--json"])).err).toBe("");
  } finally {
    other.remove();
  }
});

test("status counts every problem of the configuration, exit 1", async () => {
  const other = makePlace({ dataDir: place.dataDir, runs: { slots: "many" }, ci: { nonsense: true } });
  const one = makePlace({ runs: { slots: "many" } });
  try {
    const human = await at(other, ["status"]);
    expect([human.code, human.err]).toEqual([1, COUNTED("2 problems")]);
    expect(human.out).toMatch(/Needs a person:\n.*\nAPP-2/);
    const machine = await at(other, ["status", "--json"]);
    expect([machine.code, machine.err]).toEqual([1, ""]);
    expect(json(machine.out)["configuration"]).toBe(COUNTED("2 problems").trim());
    expect((await at(one, ["status"])).err).toContain("has 1 problem (`patchrelay config check` lists it)");
    expect(json((await at(place, ["status", "--json"])).out)["configuration"]).toBeNull();
  } finally {
    other.remove();
    one.remove();
  }
});

test("inspection writes nothing and creates nothing", async () => {
  const before = fingerprints(place.dataDir);
  for (const line of [
    "status",
    "issue list",
    "APP-1",
    "issue why APP-1",
    `run log ${RUN}`,
    "queue",
    "agents",
    "delivery list",
    "outbox list",
  ])
    expect((await at(place, line.split(" "))).code).toBe(0);
  expect(fingerprints(place.dataDir)).toEqual(before);
  await at(empty, ["issue", "list"]);
  await at(empty, ["status"]);
  expect(readdirSync(empty.folder)).toEqual(["agent.json", "patchrelay.json"]);
});

test("a damaged database is told in one line, exit 1", async () => {
  const broken = makePlace();
  try {
    mkdirSync(broken.dataDir);
    writeFileSync(
      join(broken.dataDir, "patchrelay.db"),
      "no database at all, but long enough to look at\n".repeat(40),
    );
    const { code, out, err } = await at(broken, ["issue", "list"]);
    expect([code, out]).toEqual([1, ""]);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  } finally {
    broken.remove();
  }
});

function fingerprints(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .toSorted()
    .map((name) => {
      const file = join(folder, name);
      if (statSync(file).isDirectory()) return name;
      return `${name} ${createHash("sha256").update(readFileSync(file)).digest("hex")} ${statSync(file).mtimeMs}`;
    });
}
