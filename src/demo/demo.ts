import type { IssueDocument, RunDocument, WhyDocument } from "../engines/documents.ts";
import { findCodex, INSTALL } from "../agents/codex/process/binary.ts";
import { systemClock } from "../lib/clock.ts";
import { sentence } from "../factory/words.ts";
import { escapeHidden } from "../lib/text.ts";
import { childEnvironment, processEnvironment } from "../settings/load/environment.ts";
import { isProgram } from "./agents.ts";
import type { DemoAgent } from "./agents.ts";
import { castOf } from "./people.ts";
import { missingOnMain } from "./repository.ts";
import { LABEL, setStage, type Stage } from "./stage.ts";
import { runTable, show, Transcript, worth } from "./transcript.ts";

export interface DemoOptions {
  readonly agent: DemoAgent;
  /** The codex binary; null = look for it. */
  readonly codexBin: string | null;
  /** With a person's keys, and no webhooks. */
  readonly quick: boolean;
  /** Leave the relay running at the end, until the signal. */
  readonly keep: boolean;
  readonly json: boolean;
  readonly color: boolean;
  readonly version: string;
  readonly pid: number;
  readonly signal: AbortSignal;
  readonly write: (line: string) => void;
}

/** The four kinds of work that the story must go through, in this order. */
const STORY = ["implementation", "ci_repair", "review_fix", "queue_repair"];
/** Without a merge queue nothing is sent away by one. */
const QUICK_STORY = STORY.filter((type) => type !== "queue_repair");
const LONGEST_MS = 180_000;
const PAGE = { limit: 100, cursor: null };

/**
 * Plays the whole loop with real parts on loopback: a delegated issue becomes a merged pull request. Tells live
 * what happens; returns the exit code: 0 when the story ended as it should.
 */
export async function runDemo(options: DemoOptions): Promise<number> {
  const began = systemClock.monotonic();
  const transcript = new Transcript(
    () => systemClock.monotonic() - began,
    (line) => {
      if (!options.json) options.write(show(line, options.color));
    },
  );
  await needProgram(options);
  const stage = await setStage(options);
  try {
    const { key, failure } = await play(stage, options.quick, transcript, options.signal);
    const { views } = stage.relay.engine;
    const issue = await views.issue(key);
    const runs = (await views.runs({ issue: key }, PAGE)).items.toSorted((a, b) => a.number - b.number);
    const why = await views.why(key, null);
    const wrong = failure ?? (await whatIsWrong(issue, runs, options.quick ? QUICK_STORY : STORY, stage));
    if (options.json)
      options.write(
        JSON.stringify(
          { ok: wrong === null, failure: wrong, transcript: transcript.lines, runs, issue, why },
          null,
          2,
        ),
      );
    else
      for (const line of await summary({
        issue,
        runs,
        why,
        stage,
        wrong,
        tookMs: systemClock.monotonic() - began,
      }))
        options.write(line);
    if (options.keep) await lookAround(stage, options);
    return wrong === null ? 0 : 1;
  } finally {
    await stage.close();
  }
}

/** Throws when the agent's program is not there, before anything is started. */
async function needProgram({ agent, codexBin }: DemoOptions): Promise<void> {
  if (!isProgram(agent)) return;
  if ((await findCodex(codexBin ?? "codex", processEnvironment()["PATH"] ?? "")) !== null) return;
  const what = codexBin === null ? "Codex" : `Codex at ${codexBin}`;
  throw new Error(`${what} was not found: install it (${INSTALL}) or name it with --codex-bin FILE.`);
}

/** Has the relay work on the issue and lets the people react until it has ended. */
async function play(
  stage: Stage,
  quick: boolean,
  transcript: Transcript,
  signal: AbortSignal,
): Promise<{ readonly key: string; readonly failure: string | null }> {
  const { linear, github, relay } = stage;
  const cast = castOf(github, quick, (ids) => stage.threads(ids));
  const issue = linear.createIssue({
    team: "APP",
    title: "Add subtraction",
    description: "The price engine needs `subtract(a, b)` beside `add`, with a test.",
    by: "Ada",
  });
  const key = issue.identifier;
  const how = quick ? `puts the label "${LABEL}" on it` : "delegates it";
  transcript.add("person", `Ada writes ${key} "${issue.title}" in Linear and ${how}`);
  const ended = once<string | null>();
  let reviewedHead: string | null = null;
  let acting: Promise<void> = Promise.resolve();
  let looking: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    const now = await relay.engine.views.issue(key);
    if (now === null) return;
    if (now.state === "done") ended.resolve(null);
    if (["failed", "escalated", "awaiting_input", "paused"].includes(now.state))
      ended.resolve(`it ended in ${now.state}: ${now.why}`);
    const head = now.pullRequest?.head ?? null;
    const waits = now.state === "awaiting_review" || now.rule === "person_merges";
    if (!waits || head === null || head === reviewedHead) return;
    reviewedHead = head;
    acting = acting
      .then(async () => transcript.add("person", await cast.review()))
      .catch((error: unknown) => ended.resolve(String(error)));
  };
  const unsubscribe = relay.engine.subscribe((line) => {
    const told = worth(line);
    if (told !== null) transcript.add(told.who, told.text);
    if (line.kind === "journal")
      looking = looking.then(look).catch((error: unknown) => ended.resolve(String(error)));
  });
  const cancel = systemClock.after(LONGEST_MS, () =>
    ended.resolve(`it was not finished after ${LONGEST_MS / 1_000} s`),
  );
  const stop = (): void => ended.resolve("it was interrupted");
  signal.addEventListener("abort", stop, { once: true });
  try {
    const shown = given(stage, key, quick);
    const failure = await ended.promise;
    await looking;
    await acting;
    await settled(stage, shown);
    transcript.add("linear", `shows ${quick ? "in the issue" : "in the session"}: ${shown().at(-1) ?? ""}`);
    return { key, failure };
  } finally {
    cancel();
    unsubscribe();
    signal.removeEventListener("abort", stop);
  }
}

/** Gives the issue to the relay, and how to look at what it says there in the end: the first line of each report. */
function given({ linear }: Stage, key: string, quick: boolean): () => readonly string[] {
  const firstLine = (text: string): string => text.split("\n")[0] ?? "";
  if (quick) {
    linear.editIssue(key, { labels: [LABEL] }, "Ada");
    return () =>
      linear
        .issue(key)
        .comments.flatMap(({ parentId, body }) => (parentId === null ? [] : [firstLine(body)]));
  }
  const { id } = linear.delegate(key, "Ada");
  return () =>
    linear
      .activities(id)
      .flatMap(({ content }) => (content.type === "response" ? [firstLine(content.body ?? "")] : []));
}

/** A promise and the way to keep it (Node 20 has no Promise.withResolvers). */
function once<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((keep) => {
    resolve = keep;
  });
  return { promise, resolve };
}

/** The last words go to Linear through the outbox; wait until they are there. */
async function settled({ relay }: Stage, shown: () => readonly string[]): Promise<void> {
  const { views } = relay.engine;
  const none = async (state: string): Promise<boolean> =>
    (await views.outbox({ state, issue: null }, { limit: 1, cursor: null })).items.length === 0;
  const done = async (): Promise<boolean> =>
    shown().length > 0 &&
    (await none("pending")) &&
    (await none("doing")) &&
    ((await views.counts()).deliveries["pending"] ?? 0) === 0;
  for (let tries = 0; tries < 100 && !(await done()); tries += 1)
    await new Promise<void>((resolve) => systemClock.after(50, resolve));
}

async function whatIsWrong(
  issue: IssueDocument | null,
  runs: readonly RunDocument[],
  story: readonly string[],
  { linear, github, repository }: Stage,
): Promise<string | null> {
  if (issue?.pullRequest?.merged !== true) return "the pull request is not merged";
  const types = runs.map((run) => run.type);
  if (types.join() !== story.join()) return `the runs were ${types.join(", ")}`;
  const missing = await missingOnMain(repository, childEnvironment(processEnvironment(), []));
  if (missing !== null) return missing;
  const problems = [...linear.problems, ...github.problems];
  return problems.length === 0 ? null : `the stand-ins found faults: ${problems.slice(0, 3).join("; ")}`;
}

async function summary(told: {
  readonly issue: IssueDocument | null;
  readonly runs: readonly RunDocument[];
  readonly why: WhyDocument | null;
  readonly stage: Stage;
  readonly wrong: string | null;
  readonly tookMs: number;
}): Promise<readonly string[]> {
  const { issue, runs, why, stage, wrong, tookMs } = told;
  const list = (await stage.relay.engine.views.issues({ state: null, repo: null, q: null }, PAGE)).items;
  const spent = issue?.spent;
  return [
    "",
    "$ patchrelay issue list",
    ...list.map(
      (row) => `  ${row.key}  ${row.state}  #${row.pullRequest?.number ?? "-"}  ${escapeHidden(row.title)}`,
    ),
    "",
    `$ patchrelay issue why ${issue?.key ?? ""}`,
    `  ${why?.state}: ${escapeHidden(why?.why ?? "")}  (rule ${why?.rule})`,
    ...(why?.evidence ?? []).map((row) => `    ${row.fact}: ${escapeHidden(row.value)}`),
    "",
    `Spent: ${spent?.runs ?? 0} runs, ${spent?.tokens ?? 0} tokens${spent?.usd === null || spent?.usd === undefined ? "" : `, ${spent.usd.toFixed(2)} US dollars (pretended)`}.`,
    wrong === null
      ? `Done in ${(tookMs / 1_000).toFixed(1)} s. The runs, in order:`
      : `Something went wrong: ${escapeHidden(sentence(wrong))} The runs:`,
    ...runTable(runs),
  ];
}

async function lookAround({ relay, configFile }: Stage, { write, signal, json }: DemoOptions): Promise<void> {
  if (!json) {
    write("");
    write(`The relay keeps running: ${relay.url}  (stop it with Ctrl-C)`);
    write(`Try, in another terminal: ${thisProgram()} --config ${configFile} issue list`);
  }
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** A shell command that runs the very program that plays the demo: it need not be installed. */
function thisProgram(): string {
  const file = process.argv[1];
  if (file === undefined) return "patchrelay";
  return `node ${/^[\w./+-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`}`;
}
