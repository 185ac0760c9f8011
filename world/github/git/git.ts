import { spawn } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const DEADLINE_MS = 60_000;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

export interface GitAnswer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs one program to its end, at most a minute; `input` goes to its standard input. */
export async function runProgram(
  program: string,
  args: readonly string[],
  input?: string | Buffer,
): Promise<GitAnswer> {
  return new Promise<GitAnswer>((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ["pipe", "pipe", "pipe"],
      timeout: DEADLINE_MS,
      killSignal: "SIGKILL",
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let bytes = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_OUTPUT_BYTES) child.kill("SIGKILL");
      else out.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (err.length < 64) err.push(chunk);
    });
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code: code ?? -1, stdout: Buffer.concat(out), stderr: Buffer.concat(err).toString("utf8") }),
    );
    // A program that exits without reading all of its input closes the pipe: its exit code tells the story.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

export interface Signature {
  readonly name: string;
  readonly email: string;
  /** Unix milliseconds. */
  readonly at: number;
}

export interface CommitRecord {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly author: Signature;
  readonly committer: Signature;
  readonly message: string;
}

/** Path to new content; null deletes. */
export type FileChanges = Readonly<Record<string, string | null>>;

/** One bare repository on disk: the truth about refs and commits. */
export interface Git {
  readonly folder: string;
  /** Full ref names to commits. */
  refs(): Promise<Map<string, string>>;
  /** The commit that a ref, a branch name or an abbreviated commit names, or null. */
  resolve(name: string): Promise<string | null>;
  setRef(ref: string, sha: string): Promise<void>;
  deleteRef(ref: string): Promise<void>;
  /** A commit of `changes` on top of `parent` (null = a first one); no ref is moved. */
  commitFiles(
    parent: string | null,
    changes: FileChanges,
    message: string,
    author: Signature,
    committer?: Signature,
  ): Promise<string>;
  /** A commit of an existing tree; `signature` is armoured text, which nobody checks. */
  commitTree(
    tree: string,
    parents: readonly string[],
    message: string,
    author: Signature,
    committer: Signature,
    signature?: string,
  ): Promise<string>;
  /** The tree of both sides together, or null where they conflict. */
  mergeTree(ours: string, theirs: string): Promise<string | null>;
  isAncestor(ancestor: string, sha: string): Promise<boolean>;
  read(sha: string, path: string): Promise<string | null>;
  /** Names of the files in a folder; none where there is no such folder. */
  list(sha: string, path: string): Promise<string[]>;
  commit(sha: string): Promise<CommitRecord | null>;
  /** Commits reachable from `to` and not from `from` (null = all), oldest first, at most `max`. */
  log(from: string | null, to: string, max: number): Promise<CommitRecord[]>;
  count(from: string, to: string): Promise<number>;
  /** What `to` changed since it left `from`. */
  diff(from: string, to: string): Promise<FileDelta[]>;
}

export interface FileDelta {
  readonly path: string;
  readonly status: "added" | "modified" | "removed";
  readonly additions: number;
  readonly deletions: number;
  /** Its hunks; null = none are shown, as for a binary file. */
  readonly patch: string | null;
}

const RECORD = "%x1e%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%at%x1f%cn%x1f%ce%x1f%ct%x1f%B";

/** Opens the bare repository in `folder`, making it when it is new. */
export async function openGit(folder: string, defaultBranch: string): Promise<Git> {
  await mkdir(folder, { recursive: true });
  await runProgram("git", ["init", "--quiet", "--bare", "-b", defaultBranch, folder]);
  const git = gitIn(folder);
  await guardRefs(folder);
  await runProgram("git", ["--git-dir", folder, "config", "http.receivepack", "true"]);
  await runProgram("git", ["--git-dir", folder, "config", "uploadpack.allowAnySHA1InWant", "true"]);
  return git;
}

// What GitHub refuses on a push: protected branches, and the refs that only it writes.
async function guardRefs(folder: string): Promise<void> {
  const hook = `#!/bin/sh
case "$1" in
refs/pull/*|refs/heads/gh-readonly-queue/*)
  echo "error: GH013: Repository rule violations found for $1." >&2
  exit 1 ;;
esac
case "$1" in
refs/heads/*)
  if test -s "$GIT_DIR/refusal"; then
    cat "$GIT_DIR/refusal" >&2
    exit 1
  fi ;;
esac
if grep -qxF "$1" "$GIT_DIR/protected" 2>/dev/null; then
  echo "error: GH006: Protected branch update failed for $1." >&2
  exit 1
fi
`;
  await mkdir(join(folder, "hooks"), { recursive: true });
  await writeFile(join(folder, "hooks", "update"), hook, { mode: 0o755 });
}

/** Refuses every push to a branch from now on in these words, as the rules of a repository do; null = no longer. */
export async function refuseWith(git: Git, words: string | null): Promise<void> {
  await writeFile(join(git.folder, "refusal"), words === null ? "" : `${words}\n`);
}

/** Names the full refs that nobody may push to. */
export async function protectRefs(git: Git, refs: readonly string[]): Promise<void> {
  await writeFile(join(git.folder, "protected"), refs.map((ref) => `${ref}\n`).join(""));
}

function gitIn(folder: string): Git {
  const ask = (args: readonly string[], input?: string): Promise<GitAnswer> =>
    runProgram(
      "git",
      ["--git-dir", folder, "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", ...args],
      input,
    );
  const text = async (args: readonly string[], input?: string): Promise<string> => {
    const answer = await ask(args, input);
    if (answer.code !== 0)
      throw new Error(`git ${args[0] ?? ""}: exit ${answer.code}: ${answer.stderr.trim()}`);
    return answer.stdout.toString("utf8");
  };
  const log = async (args: readonly string[]): Promise<CommitRecord[]> => {
    const answer = await ask(["log", `--format=${RECORD}`, ...args, "--"]);
    return answer.code === 0 ? answer.stdout.toString("utf8").split("\x1e").slice(1).map(commitRecord) : [];
  };
  return {
    folder,
    async refs() {
      const lines = (await text(["for-each-ref", "--format=%(objectname) %(refname)"]))
        .split("\n")
        .filter(Boolean);
      return new Map(lines.map((line) => [line.slice(41), line.slice(0, 40)]));
    },
    async resolve(name) {
      if (name === "" || name.startsWith("-")) return null;
      const whole = name.startsWith("refs/") || /^[0-9a-f]{40}$/.test(name);
      const candidates = whole ? [name] : [`refs/heads/${name}`, `refs/${name}`, `refs/tags/${name}`, name];
      for (const candidate of candidates) {
        const answer = await ask([
          "rev-parse",
          "--verify",
          "--quiet",
          "--end-of-options",
          `${candidate}^{commit}`,
        ]);
        if (answer.code === 0) return answer.stdout.toString("utf8").trim();
      }
      return null;
    },
    async setRef(ref, sha) {
      await text(["update-ref", ref, sha]);
    },
    async deleteRef(ref) {
      await text(["update-ref", "-d", ref]);
    },
    async commitFiles(parent, changes, message, author, committer = author) {
      // fast-import writes blobs, tree and commit in one process; its scratch ref is not a branch.
      const scratch = "refs/scratch/import";
      const stream = [
        `commit ${scratch}\nmark :1\n${identity("author", author)}${identity("committer", committer)}${data(message)}`,
      ];
      if (parent !== null) stream.push(`from ${parent}\n`);
      for (const [path, content] of Object.entries(changes)) {
        stream.push(
          content === null ? `D ${quoted(path)}\n` : `M 100644 inline ${quoted(path)}\n${data(content)}`,
        );
      }
      stream.push(`get-mark :1\nreset ${scratch}\nfrom ${NO_OBJECT}\n\ndone\n`);
      return (
        await text(["fast-import", "--quiet", "--force", "--done", "--cat-blob-fd=1"], stream.join(""))
      ).trim();
    },
    async commitTree(tree, parents, message, author, committer, signature) {
      const head = `tree ${tree}\n${parents.map((parent) => `parent ${parent}\n`).join("")}`;
      const signed = signature === undefined ? "" : `gpgsig ${signature.replaceAll("\n", "\n ")}\n`;
      const body = `${head}${identity("author", author)}${identity("committer", committer)}${signed}\n${message}\n`;
      return (await text(["hash-object", "-t", "commit", "-w", "--stdin"], body)).trim();
    },
    async mergeTree(ours, theirs) {
      const answer = await ask(["merge-tree", "--write-tree", "--no-messages", ours, theirs]);
      if (answer.code > 1 || answer.code < 0)
        throw new Error(`git merge-tree: exit ${answer.code}: ${answer.stderr.trim()}`);
      return answer.code === 0 ? answer.stdout.toString("utf8").trim() : null;
    },
    isAncestor: async (ancestor, sha) =>
      (await ask(["merge-base", "--is-ancestor", ancestor, sha])).code === 0,
    async read(sha, path) {
      const answer = await ask(["cat-file", "blob", `${sha}:${path}`]);
      return answer.code === 0 ? answer.stdout.toString("utf8") : null;
    },
    async list(sha, path) {
      const answer = await ask(["ls-tree", "--name-only", `${sha}:${path}`]);
      return answer.code === 0 ? answer.stdout.toString("utf8").split("\n").filter(Boolean) : [];
    },
    commit: async (sha) => (await log(["--max-count=1", sha]))[0] ?? null,
    log: (from, to, max) => log(["--reverse", `--max-count=${max}`, from === null ? to : `${from}..${to}`]),
    count: async (from, to) => Number((await text(["rev-list", "--count", `${from}..${to}`])).trim()),
    async diff(from, to) {
      const range = `${from}...${to}`;
      const [numbers, kinds, whole] = await Promise.all([
        text(["diff", "--numstat", "--no-renames", range, "--"]),
        text(["diff", "--name-status", "--no-renames", range, "--"]),
        text(["diff", "--no-renames", "--no-color", "--no-ext-diff", range, "--"]),
      ]);
      const patches = patchesIn(whole);
      const status = new Map(
        kinds
          .split("\n")
          .filter(Boolean)
          .map((line) => [line.slice(2), line[0]]),
      );
      return numbers
        .split("\n")
        .filter(Boolean)
        .map((line) => {
          const [additions = "0", deletions = "0", path = ""] = line.split("\t");
          const kind = status.get(path);
          return {
            path,
            status: kind === "A" ? "added" : kind === "D" ? "removed" : "modified",
            additions: Number(additions) || 0,
            deletions: Number(deletions) || 0,
            patch: patches.get(path) ?? null,
          };
        });
    },
  };
}

/** The hunks of each file in a diff. */
function patchesIn(diff: string): ReadonlyMap<string, string> {
  const files = diff.split(/^diff --git /m).slice(1);
  return new Map(
    files.flatMap((file): [string, string][] => {
      const path = /^a\/(.*) b\/\1$/.exec(file.slice(0, file.indexOf("\n")))?.[1];
      const start = file.search(/^@@ /m);
      return path === undefined || start < 0 ? [] : [[path, file.slice(start).trimEnd()]];
    }),
  );
}

const NO_OBJECT = "0".repeat(40);

function identity(role: "author" | "committer", who: Signature): string {
  return `${role} ${who.name} <${who.email}> ${Math.floor(who.at / 1000)} +0000\n`;
}

function data(content: string): string {
  return `data ${Buffer.byteLength(content)}\n${content}\n`;
}

function quoted(path: string): string {
  return `"${path.replaceAll(/["\\]/g, (found) => `\\${found}`).replaceAll("\n", "\\n")}"`;
}

function commitRecord(record: string): CommitRecord {
  const [
    sha = "",
    tree = "",
    parents = "",
    an = "",
    ae = "",
    at = "0",
    cn = "",
    ce = "",
    ct = "0",
    ...message
  ] = record.split("\x1f");
  return {
    sha,
    tree,
    parents: parents.split(" ").filter(Boolean),
    author: { name: an, email: ae, at: Number(at) * 1000 },
    committer: { name: cn, email: ce, at: Number(ct) * 1000 },
    message: message.join("\x1f").trimEnd(),
  };
}
