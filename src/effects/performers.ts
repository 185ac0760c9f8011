import type { Performers } from "../engines/engine.ts";
import { cancelMerge } from "./forge/cancel-merge.ts";
import { closePullRequest } from "./forge/close-pull-request.ts";
import { comment } from "./forge/comment.ts";
import { steerRun, stopRun } from "./control.ts";
import { link } from "./tracker/link.ts";
import { merge } from "./forge/merge.ts";
import type { EffectParts } from "./parts.ts";
import { readPullRequest } from "./forge/read-pull-request.ts";
import { readTicket } from "./tracker/read-ticket.ts";
import { removeWorktree } from "./remove-worktree.ts";
import { replyThreads } from "./forge/reply-threads.ts";
import { requestReviews } from "./forge/request-reviews.ts";
import { rerunChecks } from "./forge/rerun-checks.ts";
import { setStatus } from "./tracker/set-status.ts";
import { showPlan } from "./tracker/show-plan.ts";
import { takeDelegation } from "./tracker/take-delegation.ts";
import { tell } from "./tracker/tell.ts";
import { updateBranch } from "./forge/update-branch.ts";

/** One performer per kind of effect; the compiler asks for the line of a new one. */
export function performersOf(parts: EffectParts): Performers {
  return {
    tell: tell(parts),
    show_plan: showPlan(parts),
    link: link(parts),
    set_status: setStatus(parts),
    take_delegation: takeDelegation(parts),
    steer_run: steerRun,
    stop_run: stopRun,
    remove_worktree: removeWorktree(parts),
    merge: merge(parts),
    cancel_merge: cancelMerge(parts),
    rerun_checks: rerunChecks(parts),
    update_branch: updateBranch(parts),
    comment: comment(parts),
    reply_threads: replyThreads(parts),
    request_reviews: requestReviews(parts),
    close_pull_request: closePullRequest(parts),
    read_ticket: readTicket(parts),
    read_pull_request: readPullRequest(parts),
  };
}
