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
import { setStage, type Stage } from "./stage.ts";
import { runTable, show, Transcript, worth } from "./transcript.ts";

export interface DemoOptions {
  readonly agent: DemoAgent;
  /** The codex binary; null = look for it. */
  readonly codexBin: string | null;
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
    const { key, failure } = await play(stage, transcript, options.signal);
    const { views } = stage.relay.engine;
    const issue = await views.issue(key);
    const runs = (await views.runs({ issue: key }, PAGE)).items.toSorted((a, b) => a.number - b.number);
    const why = await views.why(key, null);
    const wrong = failure ?? (await whatIsWrong(issue, runs, stage));
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

/** Delegates the issue and lets the people react until it has ended. */
async function play(
  stage: Stage,
  transcript: Transcript,
  signal: AbortSignal,
): Promise<{ readonly key: string; readonly failure: string | null }> {
  const { linear, github, relay } = stage;
  const cast = castOf(github, (ids) => stage.threads(ids));
  const issue = linear.createIssue({
    team: "APP",
    title: "Add subtraction",
    description: "The price engine needs `subtract(a, b)` beside `add`, with a test.",
    by: "Ada",
  });
  const key = issue.identifier;
  transcript.add("person", `Ada writes ${key} "${issue.title}" in Linear and delegates it`);
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
    if (now.state !== "awaiting_review" || head === null || head === reviewedHead) return;
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
    const session = linear.delegate(key, "Ada");
    const failure = await ended.promise;
    await looking;
    await acting;
    await settled(stage, session.id);
    for (const activity of linear.activities(session.id).slice(-1))
      transcript.add("linear", `shows in the session: ${(activity.content["body"] ?? "").split("\n")[0]}`);
    return { key, failure };
  } finally {
    cancel();
    unsubscribe();
    signal.removeEventListener("abort", stop);
  }
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
async function settled({ linear, relay }: Stage, session: string): Promise<void> {
  const { views } = relay.engine;
  const none = async (state: string): Promise<boolean> =>
    (await views.outbox({ state, issue: null }, { limit: 1, cursor: null })).items.length === 0;
  const done = async (): Promise<boolean> =>
    linear.activities(session).some((activity) => activity.content["type"] === "response") &&
    (await none("pending")) &&
    (await none("doing")) &&
    ((await views.counts()).deliveries["pending"] ?? 0) === 0;
  for (let tries = 0; tries < 100 && !(await done()); tries += 1)
    await new Promise<void>((resolve) => systemClock.after(50, resolve));
}

async function whatIsWrong(
  issue: IssueDocument | null,
  runs: readonly RunDocument[],
  { linear, github, repository }: Stage,
): Promise<string | null> {
  if (issue?.pullRequest?.merged !== true) return "the pull request is not merged";
  const types = runs.map((run) => run.type);
  if (types.join() !== STORY.join()) return `the runs were ${types.join(", ")}`;
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
