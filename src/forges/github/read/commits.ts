import { z } from "zod";
import type { Commit } from "../../../factory/facts/pull-request.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { Client } from "../client/client.ts";
import type { IsOurs, Signing } from "../client/identity.ts";
import type { Need } from "../client/brake.ts";
import { COMMIT } from "./documents.ts";
import type { Gatherer } from "./gather.ts";
import { CommitAnswer, type CommitNode, ownerAndName } from "./queries.ts";

/** Reads whose word each commit of a pull request is. */
export interface CommitReader {
  /** `listed`: its newest commits, oldest first, as GitHub lists them. The last of what comes back is the head. */
  of(
    repository: string,
    head: string,
    listed: readonly CommitNode[],
    need: Need,
    signal: AbortSignal,
  ): Promise<readonly Commit[]>;
}

/** Merges whose content is looked at in one reading; who merges more often hears of the rest later. */
const MOST_MERGES = 4;
const MAX_KEPT = 500;

/** Commits whose parents are remembered: they never change. */
const MOST_PARENTS = 5_000;

export function createCommitReader(
  client: Client,
  gatherer: Pick<Gatherer, "parents">,
  signing: Pick<Signing, "recogniser">,
): CommitReader {
  // What a merge brought never changes.
  const kept = new Map<string, Commit["brings"]>();
  const family = new Map<string, readonly string[]>();
  const parentsOf = async (
    repository: string,
    oid: string,
    need: Need,
    signal: AbortSignal,
  ): Promise<readonly string[]> => {
    const known = family.get(oid);
    if (known !== undefined) return known;
    const parents = await gatherer.parents(repository, oid, need, signal);
    family.set(oid, parents);
    const oldest = family.keys().next();
    if (family.size > MOST_PARENTS && oldest.done !== true) family.delete(oldest.value);
    return parents;
  };
  return {
    async of(repository, head, listed, need, signal) {
      const isOurs = await signing.recogniser(signal);
      const nodes = [...listed];
      // The list may lag behind the head after a push.
      if (nodes.at(-1)?.oid !== head) nodes.push(await commitAt(client, repository, head, signal));
      const ownShas = new Set(nodes.map(({ oid }) => oid));
      const others = nodes.filter((node) => makerOf(node, isOurs).by !== "us");
      const parents = new Map(
        await Promise.all(
          others.map(async ({ oid }) => [oid, await parentsOf(repository, oid, need, signal)] as const),
        ),
      );
      const found: Commit[] = [];
      // What is below a person's own change decides nothing.
      let looks = MOST_MERGES;
      for (const node of nodes.toReversed()) {
        const made = makerOf(node, isOurs);
        const merge = made.by === "us" ? null : mergeOf(parents.get(node.oid) ?? [], ownShas);
        let brings = merge === null ? "change" : (kept.get(node.oid) ?? "unknown");
        if (merge !== null && merge !== "unclear" && !kept.has(node.oid) && looks > 0) {
          looks -= 1;
          brings = await broughtBy(client, repository, node.oid, merge, signal);
          keep(kept, node.oid, brings);
        }
        if (made.by === "person" && brings === "change") looks = 0;
        found.unshift({ sha: node.oid, ...made, brings, tree: node.tree.oid });
      }
      return found;
    },
  };
}

function keep(kept: Map<string, Commit["brings"]>, sha: string, brings: Commit["brings"]): void {
  kept.set(sha, brings);
  const oldest = kept.keys().next();
  if (kept.size > MAX_KEPT && oldest.done !== true) kept.delete(oldest.value);
}

async function commitAt(
  client: Client,
  repository: string,
  oid: string,
  signal: AbortSignal,
): Promise<CommitNode> {
  const { value } = await client.query(
    repository,
    `commit ${oid}`,
    COMMIT,
    { ...ownerAndName(repository), oid },
    CommitAnswer,
    signal,
  );
  return value.repository?.object ?? { ...NOBODYS, oid };
}

const NO_ONE = { name: null, email: null, user: null };
const NOBODYS: Omit<CommitNode, "oid"> = {
  authoredDate: 0,
  committedDate: 0,
  message: "",
  tree: { oid: "" },
  author: NO_ONE,
  committer: NO_ONE,
};

type Identity = CommitNode["author"];
type Made = Pick<Commit, "by" | "name" | "key" | "at">;

/**
 * Who made a commit. Its committer did, but for what is done on GitHub's own pages: there GitHub commits, and the
 * author did it. What a machine put on another base is still its author's.
 */
function makerOf(
  { oid, author, committer, authoredDate, committedDate, message }: CommitNode,
  isOurs: IsOurs,
): Made {
  const kind = (who: Identity) => (isOurs(who.email, message) ? ("us" as const) : kindOf(who));
  const [wrote, put] = [kind(author), kind(committer)];
  const moved = `${author.email ?? author.name} ${authoredDate}`;
  const name = (who: Identity): string | null => who.user?.login ?? who.name;
  if (wrote === "us" || put === "us") return { by: "us", name: name(author), key: oid, at: committedDate };
  if (put === "forge") return { by: asMaker(wrote), name: name(author), key: moved, at: authoredDate };
  if (put === "bot" && wrote === "person" && committedDate - authoredDate > SAME_MOMENT_MS)
    return { by: "person", name: name(author), key: moved, at: authoredDate };
  return { by: asMaker(put), name: name(committer), key: oid, at: committedDate };
}

/** A script that commits in somebody's name does so at once; what is rebased was written before. */
const SAME_MOMENT_MS = 2_000;

function asMaker(kind: ReturnType<typeof kindOf> | "us"): Commit["by"] {
  return kind === "forge" ? "unknown" : kind;
}

function kindOf({ name, email, user }: Identity): Exclude<Commit["by"], "us"> | "forge" {
  // GitHub shows no user for a bot; its address on a commit is `<id>+<name>[bot]@users.noreply.github.com`.
  if (/\[bot\](@|$)/.test(email ?? "") || name?.endsWith("[bot]") === true) return "bot";
  if (user?.login === "web-flow" || email === "noreply@github.com") return "forge";
  if (user !== null)
    return user.login.endsWith("[bot]") ? "bot" : user.login === "ghost" ? "unknown" : "person";
  return "unknown";
}

interface Merge {
  readonly own: string;
  readonly base: string;
}

/** The two sides of a merge of the base; null = it is none. What is no commit of the pull request's is one of its base's. */
function mergeOf(parents: readonly string[], own: ReadonlySet<string>): Merge | "unclear" | null {
  if (parents.length < 2) return null;
  const mine = parents.find((sha) => own.has(sha));
  const theirs = parents.filter((sha) => !own.has(sha));
  const [base] = theirs;
  if (base === undefined) return null;
  return mine === undefined || parents.length > 2 || theirs.length > 1 ? "unclear" : { own: mine, base };
}

const Comparison = z.object({
  files: z
    .array(
      z.object({
        filename: z.string(),
        status: z.string(),
        sha: z.string().nullish(),
        patch: z.string().nullish(),
        previous_filename: z.string().nullish(),
      }),
    )
    .default([]),
});
type Files = z.infer<typeof Comparison>["files"];

/** A comparison of GitHub's lists no more files than this. */
const MOST_FILES = 300;

/** Whether a merge brought more than the base: then what the pull request changes is no longer what it was before. */
async function broughtBy(
  client: Client,
  repository: string,
  sha: string,
  { own, base }: Merge,
  signal: AbortSignal,
): Promise<Commit["brings"]> {
  const before = await changed(client, repository, base, own, signal);
  const after = before === null ? null : await changed(client, repository, base, sha, signal);
  if (before === null || after === null) return "unknown";
  const known = new Map(before.map((file) => [file.filename, file]));
  // A file that is no longer changed may have been given up, or the base has the same change.
  let isUnclear = after.length < before.length;
  for (const file of after) {
    const was = known.get(file.filename);
    if (was === undefined || was.status !== file.status) return "change";
    if (was.sha != null && was.sha === file.sha) continue;
    if (was.patch == null || file.patch == null) isUnclear = true;
    else if (changesIn(was.patch) !== changesIn(file.patch)) return "change";
  }
  return isUnclear ? "unknown" : "base";
}

/** The lines that a patch takes away and adds; where they stand, and what stands around them, the base may move. */
function changesIn(patch: string): string {
  return patch
    .split("\n")
    .filter((line) => line.startsWith("+") || line.startsWith("-"))
    .join("\n");
}

/** What `to` has changed since it left `from`; null = nobody says, or not all of it. */
async function changed(
  client: Client,
  repository: string,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<Files | null> {
  try {
    const { value } = await client.call(
      {
        repository,
        route: "GET /repos/{owner}/{repo}/compare/{basehead}",
        parameters: { basehead: `${from}...${to}` },
        schema: Comparison,
      },
      signal,
    );
    return value.files.length < MOST_FILES ? value.files : null;
  } catch (error) {
    if (error instanceof ExternalError && (error.kind === "not_found" || error.kind === "refused"))
      return null;
    throw error;
  }
}
