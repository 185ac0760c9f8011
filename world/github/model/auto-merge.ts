import { mergeObstacle, mergePull, tellPull } from "./pulls.ts";
import type { Core, MergeMethod, Person, Pull, Repository } from "./model.ts";
import { change, mayWrite, queueEntryOf } from "./model.ts";
import { enqueue } from "./queue.ts";
import { Refused } from "../schemas.ts";
import { protectionOf } from "./verdicts.ts";

/** "Merge when ready". Throws Refused where nothing stands in the way, as GitHub does: then merge instead. */
export async function enableAutoMerge(
  core: Core,
  repository: Repository,
  pull: Pull,
  actor: Person,
  method: MergeMethod,
  head: string | null,
): Promise<void> {
  if (!mayWrite(repository, actor)) throw new Refused(403, "Resource not accessible by integration");
  if (!repository.allowsAutoMerge)
    throw new Refused(422, "Pull request Auto merge is not allowed for this repository");
  if (head !== null && head !== pull.fields.headSha)
    throw new Refused(422, "Head sha does not match the expected one");
  if (pull.fields.state === "closed") throw new Refused(422, "Pull request is closed");
  const ready = (await mergeObstacle(repository, pull)) === null;
  const queued = protectionOf(repository, pull.fields.baseRef)?.mergeQueue === true;
  if (ready && queued) {
    await enqueue(core, repository, pull, actor, { jump: false, head });
    return;
  }
  if (ready || protectionOf(repository, pull.fields.baseRef) === null)
    throw new Refused(422, "Pull request Pull request is in clean status");
  change(core, pull, { autoMerge: { enabledBy: actor, enabledAt: core.clock.now(), method } });
  tellPull(core, repository, pull, "auto_merge_enabled", actor);
}

export function disableAutoMerge(core: Core, repository: Repository, pull: Pull, actor: Person): void {
  if (pull.fields.autoMerge === null)
    throw new Refused(422, "Can't disable auto-merge for this pull request");
  change(core, pull, { autoMerge: null });
  tellPull(core, repository, pull, "auto_merge_disabled", actor, {
    reason: "Auto-merge was disabled manually",
  });
}

/** Merges or enqueues what waited and has become ready. */
export async function evaluateAutoMerge(core: Core, repository: Repository): Promise<void> {
  for (const pull of repository.pulls.values()) {
    const wish = pull.fields.autoMerge;
    if (
      wish === null ||
      queueEntryOf(repository, pull) !== null ||
      (await mergeObstacle(repository, pull)) !== null
    )
      continue;
    if (protectionOf(repository, pull.fields.baseRef)?.mergeQueue === true) {
      change(core, pull, { autoMerge: null });
      await enqueue(core, repository, pull, wish.enabledBy, { jump: false, head: null });
    } else {
      await mergePull(
        core,
        repository,
        pull,
        { method: wish.method, sha: null, title: null, message: null },
        wish.enabledBy,
      );
    }
  }
}
