import type { Git } from "../git/git.ts";
import { notePreparations, preparationsOf } from "../notes/preparations.ts";
import { snapshotTree } from "../git/snapshot.ts";
import type { TreePlace } from "./tree.ts";

/**
 * Runs the repository's preparation and takes note of what it changes: that is nobody's change. Interrupted, it is noted
 * from where it first began.
 */
export async function noted<T>(
  git: Git,
  place: TreePlace,
  privateDir: string,
  signal: AbortSignal,
  run: () => Promise<T>,
): Promise<T> {
  const known = await preparationsOf(place, privateDir);
  const ended = known.filter(({ after }) => after !== null);
  const begun = known.find(({ after }) => after === null)?.before;
  const before = begun ?? (await snapshotTree(git, place, privateDir, signal));
  await notePreparations(place, privateDir, [...ended, { before, after: null }]);
  const outcome = await run();
  const after = await snapshotTree(git, place, privateDir, signal);
  await notePreparations(place, privateDir, after === before ? ended : [...ended, { before, after }]);
  return outcome;
}
