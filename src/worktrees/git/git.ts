import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import { ExternalError } from "../../lib/external.ts";
import { runProcess } from "../../lib/process/processes.ts";
import type { ProcessEnvironment, ProcessOutcome } from "../../lib/process/processes.ts";
import type { Secret } from "../../lib/secrets/secret.ts";
import { clip } from "../../lib/text.ts";
import { GitFailed } from "../errors.ts";
import { basicCredential, gitEnvironment } from "./environment.ts";
import type { GitPlace, Identity } from "./environment.ts";
import type { Remote, TokenSource } from "./remote.ts";
import { mirrorConfig, vet, writeConfig } from "./vet.ts";

// The only place that runs git. docs/decisions/0002-git.md says why not through a library.

export interface GitLimits {
  /** Deadline of a command that stays on this machine, milliseconds. */
  readonly localMs: number;
  /** Deadline of a fetch, push or ls-remote, milliseconds. */
  readonly networkMs: number;
}

export interface GitParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly identity: Identity;
  /** Path of the program; default `git` from the operator's PATH. */
  readonly bin?: string;
  /** An empty folder of ours, git's HOME. */
  readonly home: string;
  readonly operator: ProcessEnvironment;
  readonly limits: GitLimits;
}

export interface GitCall {
  /** Verb first. Untrusted words stand behind `--end-of-options` or `--`. */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Standard input, as latin1: bytes pass through unchanged. */
  readonly input?: string;
  readonly encoding?: "utf8" | "latin1";
  /** Exit codes that are answers, default only 0. */
  readonly answers?: readonly number[];
  /** Output above this is a GitFailed unless `mayTruncate`. Default 64 MiB. */
  readonly maxOutputBytes?: number;
  readonly mayTruncate?: boolean;
  readonly indexFile?: string;
  readonly env?: ProcessEnvironment;
  /** Set for a call that talks to a remote; the token is asked for only when it may be sent there. */
  readonly remote?: Remote;
  readonly token?: TokenSource | undefined;
}

/** What a command that works on an index needs. */
export interface StageCall {
  readonly signal: AbortSignal;
  /** Default: the worktree's own index. */
  readonly indexFile?: string;
}

export interface GitAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
}

export interface Git {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Log;
  /** Throws GitFailed, for a call with a remote an ExternalError, and the signal's reason. */
  run(place: GitPlace, call: GitCall): Promise<GitAnswer>;
  /** Standard output of `run`, trimmed at the end. */
  text(place: GitPlace, call: GitCall): Promise<string>;
  /** Makes a bare repository in an existing folder. Safe to repeat. */
  init(commonDir: string, signal: AbortSignal): Promise<void>;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

export function createGit(parts: GitParts): Git {
  const config = mirrorConfig(parts.identity);
  const execute = async (place: GitPlace, cwd: string, call: GitCall): Promise<GitAnswer> => {
    const { remote } = call;
    const token = remote?.credentialOrigin == null || call.token === undefined ? null : await call.token();
    const deadlineMs = remote === undefined ? parts.limits.localMs : parts.limits.networkMs;
    const outcome = await runProcess(parts.clock, {
      command: parts.bin ?? "git",
      args: call.args,
      cwd,
      env: gitEnvironment({
        place,
        identity: parts.identity,
        home: parts.home,
        operator: parts.operator,
        remote,
        token,
        indexFile: call.indexFile,
        extra: call.env,
      }),
      timeoutMs: deadlineMs,
      signal: call.signal,
      maxOutputBytes: call.maxOutputBytes ?? MAX_OUTPUT_BYTES,
      encoding: call.encoding ?? "utf8",
      ...(call.input === undefined ? {} : { input: Buffer.from(call.input, "latin1") }),
    });
    return judge(call, outcome, token, deadlineMs);
  };
  const run: Git["run"] = async (place, call) => {
    await vet(place, config, parts.log);
    return await execute(place, place.workTree ?? place.commonDir, call);
  };
  return {
    identity: parts.identity,
    clock: parts.clock,
    log: parts.log,
    run,
    text: async (place, call) => (await run(place, call)).stdout.trimEnd(),
    init: async (commonDir, signal) => {
      const args = ["init", "--bare", "--quiet", "--template=", "--initial-branch=patchrelay-none"];
      await execute({ gitDir: commonDir, commonDir, workTree: null }, commonDir, { args, signal });
      await writeConfig(commonDir, config);
    },
  };
}

function judge(call: GitCall, outcome: ProcessOutcome, token: Secret | null, deadlineMs: number): GitAnswer {
  const verb = call.args[0] ?? "";
  const answered = outcome.exitCode !== null && (call.answers ?? [0]).includes(outcome.exitCode);
  if (outcome.timedOut) throw late(call, verb, deadlineMs);
  if (!answered) {
    // `push --porcelain` tells which ref was refused, and why, on standard output.
    const words = verb === "push" ? `${outcome.stderr}${outcome.stdout}` : outcome.stderr;
    throw failure(call, verb, outcome, scrub(words.trim(), token));
  }
  if (outcome.truncated && call.mayTruncate !== true) {
    throw new GitFailed(verb, outcome.exitCode, "the output is larger than the relay accepts");
  }
  const { stdout, stderr, truncated } = outcome;
  return { exitCode: outcome.exitCode ?? 0, stdout, stderr, truncated };
}

function late(call: GitCall, verb: string, ms: number): Error {
  const story = `not finished within ${ms} ms`;
  return call.remote === undefined
    ? new GitFailed(verb, null, story)
    : new ExternalError("unavailable", `git ${verb} was ${story}`);
}

function failure(call: GitCall, verb: string, outcome: ProcessOutcome, words: string): Error {
  // Hints are git's advice to a person at a prompt.
  const detail = clip(words.replaceAll(/^hint:.*\n?/gm, "").trim(), MOST_WORDS);
  if (call.remote === undefined) return new GitFailed(verb, outcome.exitCode, detail);
  return new ExternalError(faultOf(words), `git ${verb}: ${detail}`);
}

const MOST_WORDS = 2_000;

// Words of git's own messages (http.c, remote-curl.c, transport.c) and of GitHub's answers to a push; LC_ALL=C.
const FAULTS: readonly (readonly [RegExp, ExternalError["kind"]])[] = [
  // Said in the place of a refusal, and gone the next time.
  [
    /internal server error|\[remote rejected\].*\((?:failure|internal error.*|cannot lock ref.*|unpacker error)\)/i,
    "unavailable",
  ],
  [
    /authentication failed|could not read (?:username|password)|terminal prompts disabled|returned error: 401/i,
    "unauthorized",
  ],
  [/returned error: 403|permission to .* denied|write access to repository not granted/i, "refused"],
  [/returned error: 429/i, "rate_limited"],
  [/repository .*not found|does not appear to be a git repository|returned error: 404/i, "not_found"],
  [
    /protected branch|hook declined|rule violations|\[remote rejected\]|exceeds .* file size limit/i,
    "refused",
  ],
  [/stale info|\[rejected\]|fetch first|non-fast-forward/i, "conflict"],
  [/unable to update url base from redirection|transport '.*' not allowed/i, "refused"],
];

function faultOf(detail: string): ExternalError["kind"] {
  return FAULTS.find(([pattern]) => pattern.test(detail))?.[1] ?? "unavailable";
}

/** `text` without the credential, in either of the forms in which it is sent. */
function scrub(text: string, token: Secret | null): string {
  if (token === null || token.reveal() === "") return text;
  return text.replaceAll(token.reveal(), "[secret]").replaceAll(basicCredential(token), "[secret]");
}
