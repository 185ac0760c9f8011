import { GitFailed, RefusedPublish, UnresolvedConflict } from "../../../src/worktrees/errors.ts";
import { RUN_TRAILER } from "../../../src/lib/committer.ts";
import type { Changes, Integrated, Prepared, Worktree, Worktrees } from "../../../src/worktrees/worktrees.ts";
import type { Commit } from "./commits.ts";
import type { Forge } from "./forge.ts";
import { call, pause, type Life } from "../life.ts";

/** One worktree on the disk: it survives the process. */
interface Tree {
  head: string;
  /** What lies in it uncommitted. */
  dirty: string | null;
  /** A merge in progress: the base commit that is merged. */
  merging: string | null;
  integrated: string | null;
  /** What of the remote's branch it holds. */
  remoteHead: string | null;
}

/** The disk of one history: its worktrees and the tips of their branches. */
export interface Disk {
  readonly trees: Map<string, Tree>;
  readonly tips: Map<string, string>;
}

/** What an agent writes into its worktree. */
export function edit(disk: Disk, directory: string, work: string): void {
  const tree = disk.trees.get(directory);
  if (tree !== undefined) tree.dirty = work;
}

const NO_HOOK = { ran: false, ok: true, exitCode: null, output: "", timedOut: false, durationMs: 0 };
const FILE = { path: "src/sub.ts", status: "changed", added: 1, removed: 1, mode: "100644" } as const;

/** Worktrees whose git is data: what runs need of it, with the network between it and the remote. */
export function createFakeWorktrees(life: Life, disk: Disk): Worktrees {
  const { chance, outside } = life;
  const forgeOf = (branch: string): Forge => outside.placeOf(branch).forge;
  const treeOf = ({ name }: { readonly name: string }): Tree => {
    const tree = disk.trees.get(name);
    if (tree === undefined) throw new GitFailed("status", null, `${name} is not there`);
    return tree;
  };
  const local = async (signal: AbortSignal): Promise<void> =>
    await pause(life, chance.between(50, 2_000), signal);
  const stand = (worktree: Pick<Worktree, "name" | "branch">, sha: string): void => {
    const tree = treeOf(worktree);
    tree.head = sha;
    disk.tips.set(worktree.branch, sha);
  };
  const contentOf = (forge: Forge, tree: Tree): string => {
    const merged = tree.merging === null ? "" : `+${tree.merging}`;
    return `${forge.commits.tree(tree.head)}${merged}${tree.dirty === null ? "" : `!${tree.dirty}`}`;
  };

  return {
    async prepare(request) {
      const { signal, branch, worktreeName: name, repository } = request;
      const forge = forgeOf(branch);
      const { commits } = forge;
      const remoteHead = await call(life, "forge", signal, () => forge.branches.get(branch) ?? null);
      const base = commits.onBase(forge.baseVersion);
      const there = disk.trees.get(name);
      const tip = there?.head ?? disk.tips.get(branch) ?? null;
      const onTop = tip !== null && remoteHead !== null && commits.contains(tip, remoteHead);
      const isKept = there !== undefined && request.keep;
      const tree: Tree = isKept
        ? { ...there, remoteHead: onTop ? remoteHead : there.remoteHead }
        : {
            head: remoteHead === null ? base.sha : onTop ? tip : remoteHead,
            dirty: null,
            merging: null,
            integrated: null,
            remoteHead,
          };
      disk.trees.set(name, tree);
      disk.tips.set(branch, tree.head);
      const at = { branch: "main", sha: base.sha };
      const fork = commits.onBase(commits.get(tree.head).base).sha;
      const prepared: Prepared = {
        repository,
        name,
        branch,
        base: at,
        target: at,
        path: name,
        gitDir: `${name}/.git`,
        commonDir: "mirror",
        head: tree.head,
        remoteHead,
        standsOn: tree.remoteHead,
        publishedUpTo: tree.remoteHead ?? (isKept ? fork : tree.head),
        kept: isKept,
        integrated: tree.integrated,
        merging: tree.merging !== null,
        salvaged: [],
      };
      await local(signal);
      return prepared;
    },

    async status(worktree, signal) {
      await local(signal);
      const tree = treeOf(worktree);
      const dirty = tree.dirty === null ? [] : [FILE.path];
      const conflicts = tree.merging !== null && tree.dirty === null ? [FILE.path] : [];
      return { dirty, head: tree.head, aheadOfBase: 0, conflicts };
    },

    async changes(worktree, from, { signal }): Promise<Changes> {
      await local(signal);
      const { commits } = forgeOf(worktree.branch);
      const now = contentOf(forgeOf(worktree.branch), treeOf(worktree));
      const isSame = now === (commits.has(from) ? commits.tree(from) : from);
      return {
        files: isSame ? [] : [FILE],
        patch: isSame ? "" : "+ return a - b;\n",
        patchTruncated: false,
        added: [],
        carried: [],
        unfiltered: [],
        patchId: isSame ? null : now,
        tree: now,
      };
    },

    async commitAll(worktree, { trailers, signal }) {
      await local(signal);
      const forge = forgeOf(worktree.branch);
      const { commits, setting, branches } = forge;
      const tree = treeOf(worktree);
      const run = trailers[RUN_TRAILER] ?? "";
      if (tree.merging !== null && tree.dirty === null) throw new UnresolvedConflict([FILE.path]);
      const tip = commits.get(tree.head);
      const good = chance.that(setting.skill);
      const base = tree.merging === null ? tip.base : commits.get(tree.merging).base;
      let made: Commit | null = null;
      if (tree.dirty !== null) {
        const row = { parent: tip.by === "base" ? null : tip.sha, base, by: "us", good, run } as const;
        made = commits.make(`h-${forge.name}`, { ...row, work: tree.dirty });
      } else if (tip.run !== run) {
        const remote = branches.get(worktree.branch);
        const isPublished = tip.by === "base" || (remote !== undefined && commits.contains(remote, tip.sha));
        if (!isPublished) made = commits.make(`h-${forge.name}`, { ...tip, run });
      }
      if (made === null) return null;
      stand(worktree, made.sha);
      tree.dirty = null;
      tree.merging = null;
      return made.sha;
    },

    async publish(worktree, { branch, expected, runTrailer, signal }) {
      const forge = forgeOf(branch);
      const { commits } = forge;
      const sha = treeOf(worktree).head;
      life.oracle.pushes(life, runTrailer);
      if (commits.get(sha).run !== runTrailer) throw new RefusedPublish(`the tip is of no run: ${sha}`);
      const known = [worktree.base.sha, ...(expected === null ? [] : [expected])];
      /** Null: the remote is where it is expected, a push is due. */
      const compare = (): "already_pushed" | "moved" | null => {
        const there = forge.branches.get(branch) ?? null;
        if (there === sha) return "already_pushed";
        if (there === expected) return null;
        const theirs = there === null ? [] : [...commits.line(there)];
        const ours = theirs.some(
          (commit) =>
            commit.sha === sha ||
            (commit.run === runTrailer && !known.some((old) => commits.contains(old, commit.sha))),
        );
        return ours ? "already_pushed" : "moved";
      };
      const before = await call(life, "forge", signal, () => compare());
      if (before !== null) return { outcome: before, remote: forge.branches.get(branch) ?? null };
      const pushed = await call(life, "forge", signal, () => {
        const answer = forge.push(branch, sha, expected);
        life.oracle.pushed(life, forge);
        return answer;
      });
      if (pushed === "pushed") return { outcome: "pushed", remote: sha };
      return { outcome: compare() ?? "moved", remote: forge.branches.get(branch) ?? null };
    },

    async integrate(worktree, { onto, since = null, leaveConflict, signal }) {
      await local(signal);
      const forge = forgeOf(worktree.branch);
      const { commits } = forge;
      const tree = treeOf(worktree);
      if (tree.dirty !== null || tree.merging !== null)
        throw new GitFailed("merge", null, "the worktree holds uncommitted files");
      const done = (outcome: Integrated["outcome"]): Integrated => {
        const content = contentOf(forge, tree);
        if (outcome === "clean" || tree.merging !== null) tree.integrated = content;
        const conflicts = outcome === "conflict" ? [FILE.path] : [];
        return { outcome, head: tree.head, conflicts, tree: content };
      };
      if (commits.contains(tree.head, onto)) return done("clean");
      if (since !== null && !commits.contains(onto, since)) return done("rewritten");
      const target = commits.get(onto);
      const own = [...commits.line(tree.head)].filter(({ sha }) => !commits.contains(onto, sha)).toReversed();
      const isConflict =
        target.by === "base" ? own.length > 0 && forge.conflictsOn(tree.head) : chance.that(0.3);
      if (isConflict) {
        if (leaveConflict) tree.merging = onto;
        return done("conflict");
      }
      const make = (commit: Omit<Commit, "sha">): string => commits.make(`h-${forge.name}`, commit).sha;
      let head = onto;
      if (target.by === "base" && own.length > 0) {
        const { good } = commits.get(tree.head);
        head = make({ parent: tree.head, base: target.base, by: "us", good, work: "" });
      } else {
        // A line of commits has no merges: what we have not pushed stands on theirs, whatever its shape is.
        for (const commit of own)
          head = make({ ...commit, parent: head, base: Math.max(commit.base, target.base) });
      }
      stand(worktree, head);
      return done("clean");
    },

    async readFileAt() {
      return null;
    },
    async runHook(moment, _worktree, { signal }) {
      await local(signal);
      const fails = moment === "verify" && chance.that(life.setting.agent.untested);
      return fails ? { ...NO_HOOK, ran: true, ok: false, exitCode: 1, output: "1 test failed" } : NO_HOOK;
    },
    async salvage() {
      return [];
    },
    async salvageList() {
      return [];
    },
    async remove(worktree) {
      disk.trees.delete(worktree.name);
      return [];
    },
    async removeNamed(_repository, name, { signal }) {
      await local(signal);
      disk.trees.delete(name);
      return [];
    },
  };
}
