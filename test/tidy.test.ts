import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { commandsOf } from "../src/cli/commands.ts";
import { REGISTRY } from "../src/registry.ts";
import { findLockGaps } from "../scripts/check-lock.mjs";

// The repository's own rules. Each is a function from files to findings; a finding names the way out. Beside
// each stands a file that breaks it, so that a rule that has gone blind is found, too.

interface File {
  readonly path: string;
  readonly text: string;
}

interface Rule {
  readonly name: string;
  readonly findings: (files: readonly File[]) => readonly string[];
  /** Must be found; the last of several is named. */
  readonly planted: File | readonly File[];
}

const root = fileURLToPath(new URL("..", import.meta.url));
const BINARY = /\.(gz|png|ico|db|zip)$/;
const paths = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
}).split("\0");
const repository: readonly File[] = [...new Set(paths)]
  .filter((path) => path !== "" && existsSync(join(root, path)) && statSync(join(root, path)).isFile())
  .filter((path) => !BINARY.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
const known = new Set(repository.map(({ path }) => path));
const textOf = (path: string): string => readFileSync(join(root, path), "utf8");

/** What is bundled: the product, and the stand-ins that `patchrelay demo` brings along. */
const isSource = ({ path }: File): boolean => /^(src|world)\/.*\.ts$/.test(path);
const isCode = ({ path }: File): boolean => /^(src|world|test|bench|scripts)\/.*\.(ts|[cm]js)$/.test(path);
const isBundled = (path: string): boolean => isSource({ path, text: "" });
const isProse = ({ path }: File): boolean => path.endsWith(".md");

/** A finding per line that matches, comments left out. */
function lines(file: File, pattern: RegExp, says: string): readonly string[] {
  return file.text.split("\n").flatMap((line, index) => {
    const code = line.replace(/^\s*(\/\/|\*|\/\*).*$/, "").replace(/\s\/\/ .*$/, "");
    return pattern.test(code) ? [`${file.path}:${index + 1}: ${says}`] : [];
  });
}

// --- Layers ----------------------------------------------------------------------------------------------------

/** What siblings may see of a room with implementations: its seam, not what is behind it. */
const SEAMS: Readonly<Record<string, readonly string[]>> = {
  engines: ["engine.ts", "documents.ts"],
  trackers: ["tracker.ts"],
  forges: ["forge.ts"],
  agents: ["agent.ts", "limits.ts"],
};

/**
 * Rooms and what each may import: `x` the whole room, `x:seam` its seam. Everybody sees itself. Here and nowhere else:
 * the linter looks for circles, not for layers.
 */
const MAY_SEE: Readonly<Record<string, readonly string[]>> = {
  factory: [],
  lib: [],
  settings: ["lib", "factory"],
  trackers: ["lib", "factory"],
  forges: ["lib", "factory"],
  agents: ["lib", "factory"],
  worktrees: ["lib", "factory"],
  engines: ["lib", "factory", "engines/policy"],
  "engines/policy": ["lib", "factory", "engines:seam"],
  runs: ["lib", "factory", "worktrees", "engines:seam", "forges:seam", "agents:seam"],
  effects: ["lib", "factory", "worktrees", "engines:seam", "forges:seam", "trackers:seam"],
  http: ["lib", "factory", "settings", "engines:seam", "forges:seam", "trackers:seam", "agents:seam"],
  cli: ["lib", "factory", "settings", "engines:seam", "forges:seam", "relay.ts", "registry.ts", "demo"],
  world: ["lib"],
  demo: ["lib", "factory", "settings", "world", "engines:seam", "agents", "relay.ts"],
};

/** Files beside the rooms put them together. Only the registry may look behind a seam. */
const COMPOSERS = new Set([
  "relay.ts",
  "sources.ts",
  "readiness.ts",
  "identities.ts",
  "conditions.ts",
  "main.ts",
]);

function importsOf(file: File): readonly string[] {
  const found = file.text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g);
  return (
    [...found]
      .map((match) => posix.join(posix.dirname(file.path), match[1] ?? ""))
      // The demo's repository is text that imports, too.
      .filter((path) => known.has(path))
  );
}

function mayImport(from: string, to: string): boolean {
  const [room, toRoom] = [roomOf(from), roomOf(to)];
  if (room === toRoom || from === "src/registry.ts") return true;
  const seam = SEAMS[toRoom]?.includes(to.split("/").slice(2).join("/")) ?? false;
  if (COMPOSERS.has(room)) return (SEAMS[toRoom] === undefined && toRoom !== "engines/policy") || seam;
  const seen = MAY_SEE[room] ?? [];
  return seen.includes(toRoom) || (seam && seen.includes(`${toRoom}:seam`));
}

/** The folder in src/, or the file beside them; of the stand-ins the top-level folder. */
const roomOf = (path: string): string => {
  const [top = "", room = ""] = path.split("/");
  if (path.startsWith("src/engines/policy/")) return "engines/policy";
  return top === "src" ? room : top;
};

const layers: Rule = {
  name: "imports point towards the factory, siblings do not see each other, only registry.ts names implementations",
  findings: (files) =>
    files.filter(isSource).flatMap((file) => {
      const room = roomOf(file.path);
      const outside = importsOf(file).filter((to) => isBundled(to) && !mayImport(file.path, to));
      const homeless =
        room.endsWith(".ts") || MAY_SEE[room] !== undefined
          ? []
          : [`${file.path}: the room ${room}/ is not in MAY_SEE: decide what it may import and add it here`];
      return [
        ...homeless,
        ...outside.map(
          (to) =>
            `${file.path} imports ${to}: take a type from src/factory or a seam (${Object.keys(SEAMS).join(", ")}), get the thing as an argument from relay.ts, or name the implementation in registry.ts`,
        ),
      ];
    }),
  planted: { path: "src/http/x.ts", text: 'import { open } from "../engines/embedded/engine.ts";' },
};

/**
 * The folders of the factory and which others each may import. Observations become facts without a rule being asked; rules
 * do not know what comes of them. Files beside the folders join them, but `words.ts` serves all that speak.
 */
const FACTORY_MAY_SEE: Readonly<Record<string, readonly string[]>> = {
  facts: [],
  "words.ts": ["facts"],
  judge: ["facts", "words.ts"],
  observe: ["facts", "judge"],
  rules: ["facts", "judge", "words.ts"],
  effects: ["facts", "judge", "rules", "words.ts"],
};
const FACTORY_JOINS = new Set(["advance.ts", "describe.ts"]);

const factoryLayers: Rule = {
  name: "inside the factory imports go one way: facts, judge, then observe and rules, then effects",
  findings: (files) =>
    files
      .filter(({ path }) => path.startsWith("src/factory/"))
      .map((file) => ({ file, folder: file.path.split("/")[2] ?? "" }))
      .filter(({ folder }) => !FACTORY_JOINS.has(folder))
      .flatMap(({ file, folder }) => {
        const seen = FACTORY_MAY_SEE[folder];
        if (seen === undefined) return [`${file.path}: say in FACTORY_MAY_SEE what ${folder} may import`];
        return importsOf(file)
          .filter((to) => to.startsWith("src/factory/"))
          .filter((to) => ![folder, ...seen].includes(to.split("/")[2] ?? ""))
          .map((to) => `${file.path} imports ${to}: move what both need to where both may look`);
      }),
  planted: {
    path: "src/factory/facts/x.ts",
    text: 'import type { Effect } from "../effects/effect.ts";',
  },
};

/**
 * Signs of a second copy: words that an engine would hardly need unless it made again a decision that src/engines/policy/
 * makes for every engine, each with such a line. A copy in other words is not found; whoever reviews an engine looks for it.
 */
const SECOND_COPIES: readonly {
  readonly sign: RegExp;
  readonly instead: string;
  readonly planted: string;
}[] = [
  {
    sign: /\*\*|\bbackoff|\bfactor\b/i,
    instead: "pauses between tries are computed in policy/",
    planted: "const pause = 250 * 2 ** faults;",
  },
  {
    sign: /from "[./]*lib\/backoff\.ts"/,
    instead: "pauses between tries are computed in policy/",
    planted: 'import { wait } from "../../../lib/backoff.ts";',
  },
  {
    sign: /\bslotsPerProject\b|[<>]=? *(settings\.)?slots\b/,
    instead: "slots are counted by assignSlots (policy/slots.ts)",
    planted: "if (used.length >= settings.slots) return;",
  },
  {
    sign: /\b(activeMs|waitingMs|idleMs|pollMs)\b/,
    instead: "periods of sweep and discovery come from policy/sweep.ts and policy/discovery.ts",
    planted: "return settings.sweep.activeMs;",
  },
  {
    sign: /\b(inbox|outbox)Attempts\b|\boutbox(FirstRetry|MaxRetry)Ms\b/,
    instead: "how often something is tried is counted in policy/",
    planted: "if (attempts >= settings.outboxAttempts) return;",
  },
  {
    sign: /"(run_ended|effect_settled)"/,
    instead: "how a run or an effect ended is told by policy/broken-run.ts and policy/effects.ts",
    planted: 'advances.apply(issue, [{ kind: "run_ended", at: 1 }]);',
  },
  {
    sign: /["']acknowledgement["']|\bisReported\b|\.report\b/,
    instead: "effect classes, and which effects are reported, stand in policy/effects.ts",
    planted: 'const kind = effect.acknowledges ? "acknowledgement" : "tracker";',
  },
  {
    sign: /aborted \|\| isStorageFault|isStorageFault\(\w+\) \|\| .*aborted|postpone\(\w+, \w+\.attempts, (\w+\.now|\w+\.next_at)/,
    instead: "what costs an attempt is decided by nextTry, afterCutShort and afterKilled (policy/effects.ts)",
    planted:
      "if (stopping.signal.aborted || isStorageFault(error)) outbox.postpone(row, row.attempts, clock.now(), null);",
  },
  {
    sign: /\bretryAt\b(?! *[:=] *null)/,
    instead: "what the world says of when to try again is weighed in policy/",
    planted: "const at = error.retryAt ?? clock.now();",
  },
  {
    sign: /\bpriority\b *[<>=]|\bRUN_TYPES\b|"(rework|backlog)"/,
    instead: "where a run stands is decided by policy/slots.ts and named by policy/views.ts",
    planted: 'const kind = row.priority < 3 ? "rework" : "backlog";',
  },
  {
    sign: /\.questions\b|\banswer === null/,
    instead: "the question that people are shown is chosen by shownQuestion (policy/views.ts)",
    planted: "const open = Object.values(facts.questions).at(-1);",
  },
  {
    sign: /\breduce\(.*\b(input|output|usd|tokens)\b/,
    instead: "what an issue has used is added up by spentInAll (policy/views.ts)",
    planted: "const usd = prices.reduce((sum, usd) => sum + usd, 0);",
  },
  {
    sign: /\busdPerDay\b(?!:)/,
    instead: "the limit of a day is found by dayLimit (policy/views.ts)",
    planted: "const limits = projects.map(({ budgets }) => budgets.usdPerDay);",
  },
  {
    sign: /\bMOST_ANSWERS\b|\banswers *(\+|[<>]=?) *\w|\b(OVERLAP|LOOK_BACK)|\bDEADLINE_MS *=|"read_ticket"/,
    instead: "how far a look for lost issues goes, and what it asks for, is decided by policy/discovery.ts",
    planted: "const endless = found.rest !== null && answers >= 50;",
  },
  {
    sign: /\.ignored\b|\bdeliveries\.mark\([^)]*"|\binterpreters\[[^\]]*\]\(/,
    instead: "what a delivery becomes is decided by outcomeOf (policy/delivery.ts)",
    planted: 'deliveries.mark(row.seq, "quarantined", "its body is no longer stored", null, []);',
  },
  {
    sign: /"commanded"/,
    instead: "whether an advance is journaled is decided by isJournaled (policy/journaling.ts)",
    planted: 'const commanded = observations.some(({ kind }) => kind === "commanded");',
  },
  {
    sign: /\blane\b *[!=]==? *"/,
    instead: "which effects wait for one another, and which may go, is decided by policy/order.ts",
    planted: 'if (lane === "control") return;',
  },
  {
    sign: /\.state *[!=]== *"(queued|running)"|\.fence *[!=]==|"run_started"/,
    instead: "which run may start is decided by policy/start.ts, which one counts by policy/fence.ts",
    planted: 'if (run.number !== row.run || run.state !== "queued") return null;',
  },
  {
    sign: /\.state *[!=]==? *"(failed|dropped)"/,
    instead: "what a person may retry is decided by mayRetry (policy/effects.ts)",
    planted: 'if (row.state !== "failed" && row.state !== "dropped") return row.state;',
  },
  {
    sign: /IN \('done', '(dropped|failed)'\)( AS goes|$)/,
    instead: "what is forgotten, and when, is said by policy/retention.ts",
    planted: "const sql = `SELECT settled_at IS NOT NULL AND state IN ('done', 'dropped')",
  },
  {
    sign: /"(starts now|waits for a slot)"/,
    instead: "what the queue says of a run is worded by queueReason (policy/slots.ts)",
    planted: 'const reason = place.reason ?? "starts now";',
  },
  {
    sign: /\binherit\.run\(row\./,
    instead: "what a replacing effect takes over is decided by inherited (policy/order.ts)",
    planted: "inherit.run(row.attempts, row.next_at, lastInsertRowid);",
  },
  {
    sign: /\.settleRun\([^)]*"/,
    instead: "which effects end with their run stands in SETTLED_WITH_RUN (policy/effects.ts)",
    planted: 'outbox.settleRun(issue, run, "start_run", now);',
  },
];

const secondCopies: Rule = {
  name: "no engine shows a sign of a second copy of what src/engines/policy/ decides",
  findings: (files) =>
    files
      .filter(({ path }) => /^src\/engines\/(?!policy\/)[^/]+\//.test(path))
      .flatMap((file) => SECOND_COPIES.flatMap(({ sign, instead }) => lines(file, sign, instead))),
  planted: { path: "src/engines/embedded/x.ts", text: SECOND_COPIES[0]?.planted ?? "" },
};

/** What stands behind the seams, as the registry loads it: names, and the room of each. */
const IMPLEMENTATIONS: Readonly<Record<string, string>> = Object.fromEntries(
  [...textOf("src/registry.ts").matchAll(/import\("\.\/(trackers|forges|agents|engines)\/([a-z]+)\//g)].map(
    ([, room = "", name = ""]) => [name, room],
  ),
);

/** Where names belong: the map of them, what they name, what is asked of them in the config file, and the demo. */
const MAY_NAME = [
  /^src\/registry\.ts$/,
  /^src\/(trackers|forges|agents|engines)\/[a-z]+\//,
  /^src\/settings\/(agents|sources)\//,
  /^src\/settings\/schema\/engines\.ts$/,
  /^src\/demo\//,
];

/** Files that say a name and decide nothing by it, with the reason. */
const SAY_NAMES: Readonly<Record<string, string>> = {
  "src/cli/usage/help.ts": "what the product is, in a sentence",
  "src/cli/demo.ts": "help says what the demo plays with; src/demo/agents.ts chooses",
  "src/cli/doctor.ts": "help says what most people have",
  "src/cli/delivery/list.ts": "an example in help",
  "src/cli/delivery/show.ts": "an example in help",
  "src/cli/delivery/replay.ts": "an example in help",
  "src/cli/outbox/retry.ts": "an example in help",
  "src/cli/run/show.ts": "an example in help",
  "src/runs/words/scrub.ts":
    "an agent may print a token of any service, also of one that this relay does not use",
  "src/runs/inspect.ts": "a folder in the target repository, which whoever hosts it may honour",
  "src/settings/schema/schema.ts": "descriptions of keys, as editors show them",
  "src/settings/schema/relay.ts": "descriptions of keys, as editors show them",
  "src/settings/schema/project.ts": "descriptions of keys, as editors show them",
  "src/settings/load/expectations.ts": "what tokens begin with, of any service",
};

/** A finding per line of code that names an implementation, in any spelling: `linear`, `GitHubParts`, `LINEAR_API_KEY`. */
function namings(file: File): readonly string[] {
  return Object.keys(IMPLEMENTATIONS).flatMap((name) =>
    lines(
      file,
      new RegExp(name, "i"),
      `names ${name}: ask src/registry.ts for it (a field of its row), or take it as an argument`,
    ),
  );
}

const names: Rule = {
  name: "only registry.ts, the folders behind a seam, the settings of a source or agent and the demo name an implementation",
  findings: (files) =>
    files
      .filter(({ path }) => path.startsWith("src/") && path.endsWith(".ts"))
      .filter(({ path }) => !MAY_NAME.some((place) => place.test(path)) && SAY_NAMES[path] === undefined)
      .flatMap(namings),
  planted: { path: "src/http/x.ts", text: 'const limits = { linear: 2, other: source === "github" };' },
};

/** What is remembered is a field of the facts or of an effect; a key only names. */
const keysAreNames: Rule = {
  name: "no key and no fact's name is taken apart: what has to be known again is a field",
  findings: (files) =>
    files
      .filter(({ path }) => /^src\/(factory|effects|engines)\//.test(path) && path.endsWith(".ts"))
      .flatMap(({ path, text }) =>
        text
          .split("\n")
          .flatMap((line, index) =>
            /(?<!core\.)\b(?:key|fact)\b\??\.(?:startsWith|endsWith|includes|split|slice|match|replace|indexOf)\(/.test(
              line,
            )
              ? [`${path}:${index + 1}: give the effect or the fact a field, and compare keys whole`]
              : [],
          ),
      ),
  planted: { path: "src/factory/x.ts", text: 'const over = effect.key.includes(":glimpse:");' },
};

const pureImports: Rule = {
  name: "the factory imports nothing but itself, and nothing bundled reaches out of src and world",
  findings: (files) =>
    files.filter(isSource).flatMap((file) => [
      ...(file.path.startsWith("src/factory/")
        ? lines(
            file,
            /\b(from|import\() ?"(?!\.)/,
            "the factory is pure: pass the value in as an argument, a fact or an observation",
          )
        : []),
      ...importsOf(file)
        .filter((to) => !isBundled(to))
        .map(
          (to) =>
            `${file.path} imports ${to}: src/ and world/ must work without it; move what is shared there`,
        ),
    ]),
  planted: { path: "src/factory/x.ts", text: 'import { readFileSync } from "node:fs";' },
};

/** Who starts a relay: the product, and the one place for all that bring the world it is to live in. */
const STARTERS = new Set(["src/cli/serve.ts", "src/demo/configured-relay.ts"]);

/** Takes it from relay.ts by its name, over however many lines, or with all that is there; types are no matter. */
const TAKES_RELAY =
  /^(?:import|export)\s(?!type\b)[^";]*(?:\bstartRelay\b|\*)[^";]*"[^"]*\/relay\.ts"|\bawait import\(\s*"[^"]*\/relay\.ts"/gm;

/** Who makes what a relay is started from, and the programs that start one in a process of its own. */
const SETTERS = new Set(["src/demo/testbed.ts", "test/faults/relay/serve.ts", "bench/relay.ts"]);
const SETS_UP =
  /^(?:import|export) \{[^}]*\b(?:startStandIns|readConfigured|startConfigured)\b[^}]*\} from "/gm;

const relayStarts: Rule = {
  name: "a relay is set up and started in one place for the demo, the tests and the benchmarks alike",
  findings: (files) =>
    files
      .filter((file) => isCode(file) && file.path !== "test/tidy.test.ts")
      .flatMap((file) =>
        [
          ...(STARTERS.has(file.path) ? [] : file.text.matchAll(TAKES_RELAY)),
          ...(SETTERS.has(file.path) ? [] : file.text.matchAll(SETS_UP)),
        ].map(
          ({ index }) =>
            `${file.path}:${file.text.slice(0, index).split("\n").length}: take startTestbed or makeRelayFolder of src/demo/testbed.ts`,
        ),
      ),
  planted: { path: "test/x.ts", text: 'import { startRelay } from "../src/relay.ts";' },
};

// --- Words -----------------------------------------------------------------------------------------------------

const NOT_OURS = /^(manager|handler|service|util|utility|helper|data|info|orchestrator)s?$/;

function wordsOf(name: string): readonly string[] {
  return (
    name
      // The setting's name is given from outside.
      .replace("dataDir", "")
      .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
      .toLowerCase()
      .split(/[^a-z]+/)
  );
}

const words: Rule = {
  name: "names of files and of exports use our words",
  findings: (files) =>
    files.filter(isCode).flatMap((file) => {
      const exported = [
        ...file.text.matchAll(
          /^export (?:default )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type) (\w+)/gm,
        ),
      ].map((match) => match[1] ?? "");
      return [basename(file.path), ...exported].flatMap((name) =>
        wordsOf(name)
          .filter((word) => NOT_OURS.test(word))
          .map(
            (word) =>
              `${file.path}: ${name} uses the word "${word}": say what it is or does (docs/glossary.md)`,
          ),
      );
    }),
  planted: { path: "src/lib/x.ts", text: "export class RunManager {}" },
};

// --- The world comes in through adapters -----------------------------------------------------------------------

interface Adapter {
  readonly pattern: RegExp;
  readonly instead: string;
  readonly allowed: readonly RegExp[];
}

/** The dashboard's script runs in a browser: it is text here. */
const BROWSER = /^src\/http\/dashboard\/script\.ts$/;

const ADAPTERS: readonly Adapter[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)|\bperformance\.now\(/,
    instead: "take a Clock (src/lib/clock.ts) as an argument",
    allowed: [/^src\/lib\//, BROWSER],
  },
  {
    pattern: /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/,
    instead: "take a Randomness (src/lib/ids.ts) as an argument",
    allowed: [/^src\/lib\//],
  },
  {
    pattern: /\bset(Timeout|Interval)\(|node:timers/,
    instead: "use Clock.after: it can be cancelled and tests turn it by hand",
    allowed: [/^src\/lib\//, BROWSER],
  },
  {
    pattern: /\bAbortSignal\.timeout\(/,
    instead: "use withDeadline (src/lib/external.ts): it goes by the clock, and leaves nothing behind",
    allowed: [BROWSER],
  },
  {
    pattern: /(?<![.\w]|async |function )fetch\((?!git\b)(?!.*: string)/,
    instead: "go through the transport of the seam: it has a deadline, a bound and a signal",
    allowed: [
      BROWSER,
      // Both are the transport of their room: the command line's to the relay, the stand-ins' webhooks.
      /^src\/cli\/reach\/relay\.ts$/,
      /^world\/wire\.ts$/,
    ],
  },
  {
    pattern: /\bprocess\.env\b/,
    instead: "take the setting as an argument; only src/settings/load/environment.ts reads the environment",
    allowed: [/^src\/settings\/load\/environment\.ts$/],
  },
  {
    pattern: /from "node:child_process"/,
    instead: "use src/lib/process/processes.ts: deadline, bounded output, whole process group",
    allowed: [
      /^src\/lib\//,
      // git http-backend speaks CGI over streams of unknown length.
      /^world\/github\/git\/(git|http)\.ts$/,
    ],
  },
  {
    pattern: /^import (?!type )\w+ from "better-sqlite3/,
    instead: "take Sqlite from sqlite.ts beside it, which knows what suits the version of Node",
    allowed: [/^src\/engines\/embedded\/database\/sqlite\.ts$/],
  },
];

const adapters: Rule = {
  name: "clock, randomness, network, processes and environment come in through their adapters",
  findings: (files) =>
    files
      .filter(isSource)
      .flatMap((file) =>
        ADAPTERS.filter(({ allowed }) => !allowed.some((place) => place.test(file.path))).flatMap(
          ({ pattern, instead }) => lines(file, pattern, instead),
        ),
      ),
  planted: { path: "src/runs/x.ts", text: "const late = Date.now() + 5;" },
};

// --- What must not stay ------------------------------------------------------------------------------------------

const LEFT_OVER: readonly (readonly [RegExp, string])[] = [
  [/\b(TODO|FIXME|XXX|HACK)\b/, "finish it, or describe it as an issue and remove the mark"],
  [/\bas any[;,)\]]/, "say the type; unknown is checked"],
  [/@ts-(ignore|expect-error|nocheck)/, "mend the type"],
  [/\.only\(/, "let all tests run again"],
  [/(?<!["'`\w ])\s*\bvoid [a-zA-Z_.]+\(/, "await it, or keep the promise and await it at the end"],
];

const leftOver: Rule = {
  name: "nothing is left over: no marks, no escape from the types, no test run alone",
  findings: (files) =>
    files
      .filter((file) => isCode(file) && file.path !== "test/tidy.test.ts")
      .flatMap((file) =>
        LEFT_OVER.flatMap(([pattern, way]) =>
          file.text
            .split("\n")
            .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${way}`] : [])),
        ),
      ),
  planted: { path: "test/x.test.ts", text: "test.only('x', run);" },
};

const SKIP = /\b(?:test|it|describe)\.(skip|skipIf|todo|runIf)\b/;

const skips: Rule = {
  name: "a test that is left out says why in the lines before it",
  findings: (files) =>
    files
      .filter((file) => file.path.endsWith(".test.ts") && file.path !== "test/tidy.test.ts")
      .flatMap((file) => {
        const all = file.text.split("\n");
        return all.flatMap((line, index) => {
          if (!SKIP.test(line)) return [];
          const before = all.slice(Math.max(0, index - 4), index + 2).join("\n");
          // Or the run itself says so, and CI makes an error of it.
          const reason = /\/\/ |getuid/.test(before) || /"skipped: |`skipped: |realCodex\(/.test(file.text);
          return reason ? [] : [`${file.path}:${index + 1}: write above it why and when it is left out`];
        });
      }),
  planted: { path: "test/x.test.ts", text: "test.skip('x', run);" },
};

/** Larger than this a file has more than one reason to be. */
const MAX_BYTES = 16 * 1024;
const LARGE: Readonly<Record<string, string>> = {
  "world/schemas/linear-98.ts": "generated: Linear's schema as one compressed text",
};

const sizes: Rule = {
  name: "no bundled file is larger than 16 KiB",
  findings: (files) =>
    files
      .filter((file) => isSource(file) && LARGE[file.path] === undefined)
      .map((file) => ({ path: file.path, bytes: Buffer.byteLength(file.text) }))
      .filter(({ bytes }) => bytes > MAX_BYTES)
      .map(({ path, bytes }) => `${path} has ${bytes} bytes: split it, or name the reason in LARGE`),
  planted: { path: "src/lib/x.ts", text: "x".repeat(MAX_BYTES + 1) },
};

/** More than this in one folder tell no story: it takes drawers by subject. */
const MAX_FILES = 15;

const drawers: Rule = {
  name: "no folder holds more than 15 files of code",
  findings: (files) => {
    const code = files.filter(isCode);
    return [...new Set(code.map(({ path }) => dirname(path)))].flatMap((folder) => {
      const inside = code.filter(({ path }) => dirname(path) === folder);
      return inside.length > MAX_FILES
        ? [`${inside.at(-1)?.path} is file ${inside.length} of ${folder}: put them into folders by subject`]
        : [];
    });
  },
  planted: Array.from({ length: MAX_FILES + 1 }, (_, at) => ({ path: `src/crowd/x${at}.ts`, text: "" })),
};

// --- Nothing of one machine ----------------------------------------------------------------------------------------

const HERE = [root, `${homedir()}/`].filter((path) => path.length > 3);
const HOST = /\bregistry\.[a-z0-9-]+\.[a-z]{2,}\b|\bnpmjs\.(com|org)\b/;

const machine: Rule = {
  name: "no file names a folder of one machine or the host of a package registry",
  findings: (files) =>
    files
      .filter((file) => file.path !== "test/tidy.test.ts")
      .flatMap((file) => [
        ...HERE.filter((path) => file.text.includes(path)).map(
          (path) => `${file.path} names ${path}: make it relative, or take it as an argument`,
        ),
        ...(HOST.test(file.text)
          ? [
              `${file.path} names a registry's host: lock files are written with omit-lockfile-registry-resolved`,
            ]
          : []),
      ]),
  planted: { path: "scripts/x.mjs", text: `cd ${root}dist` },
};

// --- What the documents say ------------------------------------------------------------------------------------------

const scripts = Object.keys((JSON.parse(textOf("package.json")) as { scripts: object }).scripts);
const commands = new Set(commandsOf(REGISTRY).map(({ name }) => name));

const npmScripts: Rule = {
  name: "every npm script that a document or .ci/run names is in package.json",
  findings: (files) =>
    files
      .filter((file) => isProse(file) || file.path === ".ci/run")
      .flatMap((file) =>
        [...file.text.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)]
          .map((match) => match[1] ?? "")
          .filter((name) => name !== "" && !scripts.includes(name))
          .map(
            (name) =>
              `${file.path} names \`npm run ${name}\`: add the script to package.json or mend the text`,
          ),
      ),
  planted: { path: "README.md", text: "`npm run nowhere`" },
};

/** What a document shows as typed: lines of its code blocks that begin with the command, and such words in its text. */
function shownCommands(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```(?:sh|console)?\n([\s\S]*?)^```/gm)].flatMap((match) =>
    (match[1] ?? "").split("\n"),
  );
  const typed = blocks.map((line) => /^(?:\$ )?patchrelay (.+)/.exec(line)?.[1] ?? "");
  const named = [...text.matchAll(/`patchrelay ([^`]+)`/g)].map((match) => match[1] ?? "");
  return [...typed, ...named]
    .map((line) => line.replaceAll(/--(config|limit|cursor) \S+ ?/g, ""))
    .filter((line) => /^[a-z]/.test(line));
}

const cliCommands: Rule = {
  name: "every command that a document shows is one of the command line",
  findings: (files) =>
    files.filter(isProse).flatMap((file) =>
      shownCommands(file.text)
        .map((line) => /^([a-z]+)(?: ([a-z]+))?/.exec(line) ?? [])
        .filter(([, first = "", second = ""]) => !commands.has(first) && !commands.has(`${first} ${second}`))
        .map(([shown]) => `${file.path} shows \`patchrelay ${shown}\`: there is no such command`),
    ),
  planted: { path: "README.md", text: "`patchrelay fly`" },
};

const links: Rule = {
  name: "every link of a document to a file of the repository leads somewhere",
  findings: (files) =>
    files.filter(isProse).flatMap((file) =>
      [...file.text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map((match) => posix.join(dirname(file.path), match[1] ?? ""))
        .map((to) => to.replace(/\/$/, ""))
        .filter((to) => !known.has(to) && ![...known].some((path) => path.startsWith(`${to}/`)))
        .map((to) => `${file.path} links to ${to}, which is not there`),
    ),
  planted: { path: "docs/x.md", text: "[there](nowhere.md)" },
};

/** The anchors that GitHub gives the headings of a document. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#{1,6} +(.+)$/gm)].map((match) => match[1] ?? "");
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

const anchors: Rule = {
  name: "every link to a heading finds it",
  findings: (files) =>
    files.filter(isProse).flatMap((file) =>
      [...file.text.matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)].flatMap(
        ([, to = "", anchor = ""]) => {
          const path = to === "" ? file.path : posix.join(dirname(file.path), to);
          const text = files.findLast((other) => other.path === path)?.text ?? "";
          return anchorsOf(text).has(anchor)
            ? []
            : [`${file.path} links to ${to}#${anchor}: there is no such heading`];
        },
      ),
    ),
  planted: { path: "docs/x.md", text: "# Here\n\n[there](#there)" },
};

const decisions: Rule = {
  name: "every decision is in the index, once, under its own number",
  findings: (files) => {
    const index = textOf("docs/decisions/README.md");
    const found = files.filter(({ path }) => /^docs\/decisions\/\d{4}-[a-z0-9-]+\.md$/.test(path));
    return found.flatMap(({ path }) => {
      const name = basename(path);
      const same = found.filter((other) => basename(other.path).slice(0, 4) === name.slice(0, 4));
      return [
        ...(index.split(`(${name})`).length === 2
          ? []
          : [`${path}: give it a line in docs/decisions/README.md`]),
        ...(same.length === 1 ? [] : [`${path}: its number is taken, give it the next free one`]),
      ];
    });
  },
  planted: { path: "docs/decisions/9999-unlisted.md", text: "" },
};

/** Tables of ARCHITECTURE.md by the folder that they list: its drawers, and the files beside them. */
const LISTED = ["src/factory/", "src/engines/policy/", "src/engines/embedded/"];

const listings: Rule = {
  name: "ARCHITECTURE.md lists each drawer and file of the rooms that it opens, and no other",
  findings: (files) =>
    LISTED.flatMap((folder) => {
      const rows =
        new RegExp(`^\\| \`${folder}\` .*\\n((?:\\|.*\\n)+)`, "m").exec(textOf("ARCHITECTURE.md"))?.[1] ?? "";
      const listed = [...rows.matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1] ?? "");
      const there = new Set(
        files
          .filter(({ path }) => path.startsWith(folder))
          .map(({ path }) => path.slice(folder.length).replace(/\/.*/, "/")),
      );
      return [
        ...[...there]
          .filter((name) => !listed.includes(name))
          .map((name) => `${folder}${name} is not in ARCHITECTURE.md: give it a row under ${folder}`),
        ...listed
          .filter((name) => !there.has(name))
          .map((name) => `ARCHITECTURE.md lists ${folder}${name}, which is not there`),
      ];
    }),
  planted: { path: "src/factory/x.ts", text: "" },
};

/** What its comments say, of code and of scripts. */
function commentsOf(file: File): string {
  const pattern = isCode(file) ? /\/\*[\s\S]*?\*\/|(?:^|\s)\/\/.*/gm : /(?:^|\s)#.*/gm;
  return isCode(file) || /^(hooks|\.ci)\//.test(file.path)
    ? [...file.text.matchAll(pattern)].map(([comment]) => comment).join("\n")
    : "";
}

/** What a file says in prose. The planted files here are no claims. */
function spokenIn(file: File): string {
  if (file.path === "test/tidy.test.ts") return "";
  return isProse(file) ? file.text : commentsOf(file);
}

/** Pages of other programs that ours speak of by their name. */
const FOREIGN_PAGES = new Set(["AGENTS.md"]);

const citedPages: Rule = {
  name: "every document that code or a document names is in the repository",
  findings: (files) =>
    files.flatMap((file) => {
      const strings =
        isCode(file) && file.path !== "test/tidy.test.ts"
          ? [...file.text.matchAll(/["`][^"`\n]*docs\/[^"`\n]*/g)].join("\n")
          : "";
      const text = `${spokenIn(file)}\n${strings}`;
      return [...text.matchAll(/[\w.][\w./-]*\.md\b/g)]
        .map(([page]) => page)
        .filter((page) => !FOREIGN_PAGES.has(page))
        .filter((page) => ![page, posix.join(dirname(file.path), page)].some((path) => known.has(path)))
        .map((page) => `${file.path} cites ${page}, which is not there: say the reason instead`);
    }),
  planted: { path: "src/lib/x.ts", text: "/** As failure-modes.md has it. */" },
};

const citedSections: Rule = {
  name: "every decision and section of README.md that is cited by number is there",
  findings: (files) =>
    files
      .filter((file) => (isCode(file) || isProse(file)) && file.path !== "test/tidy.test.ts")
      .flatMap((file) =>
        [...file.text.matchAll(/\b[Dd]ecision (\d{4})\b|\bREADME, section (\d+)/g)]
          .filter(([, decision, section]) =>
            decision === undefined
              ? !new RegExp(`^### ${section}\\. `, "m").test(textOf("README.md"))
              : ![...known].some((path) => path.startsWith(`docs/decisions/${decision}-`)),
          )
          .map(([cited]) => `${file.path} cites ${cited}, which is not there`),
      ),
  planted: { path: "src/lib/x.ts", text: "/** As README, section 99 has it. */" },
};

/** Files that ours speak of and that are not here: of target repositories, and what the build makes. */
const FOREIGN_FILES = /^(Node\.js|src\/(calc|guard)\.js|(dist\/)?(command|main)\.cjs)$/;

const citedFiles: Rule = {
  name: "every file of code that a comment or a document names is in the repository, in the folder that is named",
  findings: (files) =>
    files.flatMap((file) =>
      [...spokenIn(file).matchAll(/(?<![\w@$…>/-])[\w.@<>*-][\w.@<>*/-]*\.(?:ts|mjs|cjs|js)\b/g)]
        .map(([named]) => named.replace(/^(\.{1,2}\/)+/, ""))
        .filter((named) => !FOREIGN_FILES.test(named) && !isPathOf(named))
        .map((named) => `${file.path} names ${named}, which is not there: name it as the repository has it`),
    ),
  planted: { path: "src/lib/x.ts", text: "/** As factory/prompt.ts has it. */" },
};

/** Whether a path of the repository ends so; `*` and `<kind>` stand for any name. */
function isPathOf(named: string): boolean {
  const form = named.replaceAll(/[.]/g, "\\.").replaceAll(/<\w+>|\*/g, "[^/]+");
  const ending = new RegExp(`(^|/)${form}$`);
  return [...known].some((path) => ending.test(path));
}

/** The numbers of docs/reliability.md: the first cell of its rows. */
const NUMBERS = new Set(
  [...textOf("docs/reliability.md").matchAll(/^\| ([IRT]\d+) /gm)].map((match) => match[1] ?? ""),
);
const NUMBERED = /\b[IRT][1-9]\d?\b/g;
/** Here numbers stand in strings, too. */
const CITING = /^(src|test\/(simulation|faults|engines))\//;

const citedNumbers: Rule = {
  name: "every invariant, promise and threat that is cited is in docs/reliability.md, and each invariant is asked",
  findings: (files) => {
    const cited = files
      .filter(({ path }) => path !== "docs/reliability.md")
      .map((file) => ({ path: file.path, text: CITING.test(file.path) ? file.text : spokenIn(file) }))
      .flatMap(({ path, text }) => [...text.matchAll(NUMBERED)].map(([number]) => ({ path, number })));
    const asked = new Set(cited.filter(({ path }) => CITING.test(path)).map(({ number }) => number));
    return [
      ...cited
        .filter(({ number }) => !NUMBERS.has(number))
        .map(({ path, number }) => `${path} cites ${number}, which docs/reliability.md does not know`),
      ...[...NUMBERS]
        .filter((number) => number.startsWith("I") && !asked.has(number))
        .map((number) => `docs/reliability.md: nothing asks ${number}`),
    ];
  },
  planted: { path: "src/lib/x.ts", text: "/** Holds I7. */" },
};

// --- The glossary --------------------------------------------------------------------------------------------------

const glossary: Rule = {
  name: "every word of docs/glossary.md occurs in the source",
  findings: (files) => {
    const source = files.filter(isSource).map(({ text }) => text.toLowerCase());
    const page = files.find(({ path }) => path === "docs/glossary.md")?.text ?? "";
    const planted = files.find(({ path }) => path === "docs/glossary.md#planted")?.text ?? "";
    const [told = ""] = `${planted}\n${page}`.split("## Retired");
    const terms = [...told.matchAll(/^\| ([a-z][a-z ]*?) +\|/gm)]
      .map((match) => match[1] ?? "")
      .filter((term) => term !== "word");
    if (terms.length < 30) return ["docs/glossary.md: its tables cannot be read"];
    return terms
      .filter((term) => {
        const form = new RegExp(`\\b${term.split(" ").join("[ _-]?")}`);
        return !source.some((text) => form.test(text));
      })
      .map((term) => `docs/glossary.md#planted and src/: nobody says "${term}": take it out, or use it`);
  },
  planted: { path: "docs/glossary.md#planted", text: "| gizmotron | nothing |" },
};

/** The words that went, in names and in prose, and what is said now. `in`: where else the word is another's. */
const RETIRED: readonly {
  readonly word: RegExp;
  readonly now: string;
  readonly in?: RegExp;
  /** Must be found, in a file of the factory. */
  readonly planted: string;
}[] = [
  { word: /\bparcels?\b/i, now: "delivery body", planted: "const parcel = body;" },
  {
    word: /\b(a|the|under) press\b|\bpress\.ts\b|\bPress\b/,
    now: "burst throttle",
    planted: "// Under press.\n// In the press.",
  },
  { word: /\bset-?backs?\b/i, now: "clock rollback", planted: "const setback = 1;" },
  { word: /\bPerforming\b|\bperforming\.ts\b/, now: "effect worker", planted: "type X = Performing;" },
  { word: /\bPipelines\b|\bpipelines\.ts\b/, now: "run worker", planted: "type X = Pipelines;" },
  { word: /\bjourneys?\b|\bJourney/i, now: "RunContext", planted: "interface Journey {}" },
  { word: /\btravel(s|led)?\b/i, now: "runSteps, or say that it is sent", planted: "travel(run);" },
  { word: /\bgoOn\b/, now: "throwIfStopped", planted: "run.goOn();" },
  { word: /\bcomplain(s|ts?)?\b/i, now: "rejection", planted: "// What hooks complain of." },
  { word: /\bpatiently\b/i, now: "retryOutages", planted: "await patiently(ask);" },
  { word: /\breach\(/, now: "failpoint(", planted: "reach(name);" },
  { word: /Outside(Error|Fault)s?\b/, now: "ExternalError, ExternalFault", planted: "// OutsideErrors." },
  { word: /\bamnest(y|ies)\b/i, now: "budgetReset", planted: "const amnesty = 1;" },
  { word: /\bknobs?\b/i, now: "fault", planted: "// A knob." },
  { word: /\bsense\.ts\b|\bsenseless\b/i, now: "command guard, rejection", planted: "// Senseless." },
  { word: /\bset aside\b|\bsetAside\b/i, now: "quarantined, or what is done to it", planted: "setAside(x);" },
  { word: /\bRoom\b|\bno_room\b|\broom: Byte/, now: "ByteBudget", planted: "interface Room {}" },
  {
    word: /\b([Ff]ake|[Ss]ystem|[A-Z][a-z]+)?Machine\b/,
    now: "Host, of the command line",
    planted: "const host = systemMachine();",
  },
  { word: /\btalkedOf\b/, now: "withRoutineTold", planted: "talkedOf(issue);" },
  {
    word: /\b#?standing(?=\(|\.\w| = )/,
    now: "states, or what exactly is looked at",
    planted: "const standing = 1;",
  },
  {
    word: /\bMeaning\b|\bEventReading\b|\w+EventReader\b/,
    now: "Interpretation, EventInterpreter",
    planted: "type Meaning = X;",
  },
  {
    word: /\b(engine|handle|context)\??\.observe\(/,
    now: "record: observing is the factory's",
    planted: "engine.observe(issue);",
  },
  {
    word: /\b(interface|type) Reading\b/,
    now: "ReadOnlyDatabase; a reading is what a service answers",
    planted: "interface Reading {}",
  },
  { word: /\bReportedEffect\b/, now: "ForgeRequest", planted: "type X = ReportedEffect;" },
  { word: /\b[Ss]o long\b/, now: "how long, as long as, or this long", planted: "// So long it is kept." },
  { word: /\bwebhooks? told of\b|\btold of by\b/, now: "reported", planted: "// What no webhook told of." },
  { word: /\banew\b/i, now: "again", planted: "// It is planned anew." },
  { word: /\bcan not\b/i, now: "cannot", planted: "// It can not be." },
  { word: /\bfor ever\b/i, now: "forever", planted: "// It waits for ever." },
  { word: /\bwithStanding\b/, now: "withShownDelegation", planted: "withStanding(facts);" },
  {
    word: /\bbasis\.evidence\b|\bbasisDigest\b/,
    now: "reading, of what a merge is requested for",
    planted: "basis.evidence;",
  },
  { word: /\b\w+Evidence\b/, now: "evidence is what a decision rests on", planted: "checkRunEvidence(db);" },
  {
    word: /\bfactoryTurn\b|\b(one|each|every|an?|the|same|this|next|by) turn\b(?! of the)/,
    now: "advance",
    in: /^(?!(src|test)\/(engines|factory)\/)/,
    planted: "// In the same turn.",
  },
];

/** Names of tests are read, too. */
const TITLES = /\b(?:test|it|describe)(?:\.\w+)*\(\s*["`]([^"`\n]+)/g;

const retired: Rule = {
  name: "no retired word of docs/glossary.md is in names, comments, documents or texts for people",
  findings: (files) =>
    files
      .filter(
        (file) => (isCode(file) || isProse(file)) && !/(^test\/tidy\.test\.ts|glossary\.md)$/.test(file.path),
      )
      .filter(({ path }) => path !== "world/schemas/linear-98.ts")
      .flatMap((file) => {
        // Names too: what is code without its strings.
        const code = isCode(file) ? file.text.replaceAll(/"(?:[^"\\\n]|\\.)*"|\/\/ .*/g, "") : "";
        const titles = isCode(file)
          ? [...file.text.matchAll(TITLES)].map(([, title]) => title).join("\n")
          : "";
        // And texts for people: strings with a space in them.
        const texts = file.path.startsWith("src/")
          ? [...file.text.matchAll(/["`]([^"`\n]* [^"`\n]*)["`]/g)].map(([, text]) => text).join("\n")
          : "";
        const said = `${file.path}\n${code}\n${titles}\n${texts}\n${spokenIn(file)}`;
        return RETIRED.filter(
          ({ word, in: other }) => word.test(said) && other?.test(file.path) !== true,
        ).map(({ word, now }) => `${file.path} has "${word.exec(said)?.[0]}", which is retired: ${now}`);
      }),
  planted: { path: "src/lib/x.ts", text: "/** How a parcel is kept. */" },
};

const rules: readonly Rule[] = [
  layers,
  factoryLayers,
  secondCopies,
  names,
  pureImports,
  keysAreNames,
  relayStarts,
  words,
  adapters,
  leftOver,
  skips,
  sizes,
  drawers,
  machine,
  npmScripts,
  cliCommands,
  links,
  anchors,
  decisions,
  listings,
  citedPages,
  citedFiles,
  citedSections,
  citedNumbers,
  glossary,
  retired,
];

describe("the repository", () => {
  test.each(rules)("$name", ({ findings }) => {
    expect(findings(repository)).toEqual([]);
  });

  test.each(rules)("would be caught breaking it: $name", ({ findings, planted }) => {
    const files = [planted].flat();
    expect(findings([...repository, ...files]).join("\n")).toContain(files.at(-1)?.path);
  });

  test.each(SECOND_COPIES)("would be caught deciding for itself: $planted", ({ planted, instead }) => {
    const file = { path: "src/engines/temporal/x.ts", text: planted };
    expect(secondCopies.findings([...repository, file]).join("\n")).toContain(`${file.path}:1: ${instead}`);
  });

  test.each([
    'import {\n  startRelay,\n  type Relay,\n} from "../src/relay.ts";',
    'import * as all from "../src/relay.ts";',
    'export { startRelay } from "../src/relay.ts";',
    'const { startRelay } = await import("../src/relay.ts");',
    'import { startStandIns, type StandIns } from "../src/demo/stand-ins.ts";',
  ])("would be caught starting a relay of its own: %s", (text) => {
    expect(relayStarts.findings([{ path: "bench/x.ts", text: `\n${text}` }])).toEqual([
      expect.stringMatching(/^bench\/x\.ts:2: /),
    ]);
  });

  test.each(RETIRED)("would be caught saying what is retired: $planted", ({ planted, now }) => {
    const file = { path: "src/factory/x.ts", text: planted };
    expect(retired.findings([file]).join("\n")).toContain(now);
  });

  test.each(['say("it is planned anew");', "say(`${name} is planned anew`);"])(
    "would be caught saying what is retired to people: %s",
    (text) => {
      expect(retired.findings([{ path: "src/cli/x.ts", text }])).toHaveLength(1);
    },
  );

  test.each([
    "// See git/git-environment.ts.",
    "// See `read-operations.ts`.",
    "// See rules/<chapter>/x.ts.",
  ])("would be caught naming a file that is not there: %s", (text) => {
    expect(citedFiles.findings([{ path: "src/lib/x.ts", text }])).toHaveLength(1);
  });

  test("policy of the engines would be caught looking into one, and others looking into it", () => {
    const looks = (path: string, to: string): string =>
      layers.findings([{ path, text: `import { x } from "${to}";` }]).join("\n");
    const store = "../embedded/database/store.ts";
    expect(looks("src/engines/policy/x.ts", store)).toContain(
      "imports src/engines/embedded/database/store.ts",
    );
    expect(looks("src/engines/policy/x.ts", "../engine.ts")).toBe("");
    expect(looks("src/engines/embedded/x.ts", "../policy/slots.ts")).toBe("");
    for (const room of ["src/runs/x.ts", "src/http/x.ts"])
      expect(looks(room, "../engines/policy/slots.ts")).toContain("imports src/engines/policy/slots.ts");
    expect(looks("src/relay.ts", "./engines/policy/slots.ts")).toContain(
      "imports src/engines/policy/slots.ts",
    );
  });

  test.each([
    ["judge/x.ts", "../observe/observe.ts"],
    ["rules/x.ts", "../effects/effect.ts"],
    ["observe/x.ts", "../rules/rule.ts"],
    ["words.ts", "./advance.ts"],
  ])("would be caught looking back inside the factory: %s at %s", (from, to) => {
    const file = { path: `src/factory/${from}`, text: `import { x } from "${to}";` };
    expect(factoryLayers.findings([file])).toHaveLength(1);
  });

  test("the lock file is complete, and what one lacks is named", () => {
    const manifest = JSON.parse(textOf("package.json")) as Record<string, unknown>;
    const lock = JSON.parse(textOf("package-lock.json")) as { packages: Record<string, unknown> };
    expect(findLockGaps(lock, manifest)).toEqual([]);
    const { "node_modules/@oxlint/binding-darwin-arm64": binding, ...rest } = lock.packages;
    expect(binding).toBeDefined();
    expect(findLockGaps({ packages: rest }, manifest)).toEqual([
      expect.stringMatching(
        /^@oxlint\/binding-darwin-arm64@\S+, which node_modules\/oxlint asks for, is missing$/,
      ),
    ]);
    expect(findLockGaps(lock, { ...manifest, devDependencies: {} })).toContainEqual(
      expect.stringMatching(
        /^oxlint is absent in devDependencies of package.json, but \S+ in the lock file$/,
      ),
    );
  });

  test("the implementations are found, and the reasons for naming one still hold", () => {
    expect(Object.keys(IMPLEMENTATIONS).toSorted()).toEqual([
      "codex",
      "embedded",
      "github",
      "linear",
      "scripted",
    ]);
    for (const path of Object.keys(SAY_NAMES)) {
      const found = namings({ path, text: textOf(path) });
      expect(found, `${path} names nothing now: take it out of SAY_NAMES`).not.toEqual([]);
    }
  });

  test.each(["LINEAR_API_KEY", "githubParts", '"/webhooks/github"', "engines.embedded", "codex.env"])(
    "would be caught naming an implementation: %s",
    (text) => {
      expect(names.findings([{ path: "src/cli/x.ts", text }])).toHaveLength(1);
    },
  );

  test("the reasons for large files still hold", () => {
    for (const path of Object.keys(LARGE)) {
      expect(statSync(join(root, path)).size, `${path} is small now: take it out of LARGE`).toBeGreaterThan(
        MAX_BYTES,
      );
    }
  });
});
