import { createHash } from "node:crypto";
import type { FileDelta } from "../git/git.ts";
import type { Person, Protection } from "../model/model.ts";
import { fieldsAt, NO_COMMIT, permissionOf, personOf } from "../model/model.ts";
import { protectionOf } from "../model/verdicts.ts";
import { Refused } from "../schemas.ts";
import { commitPart } from "../views/checks.ts";
import { personPart, pullPart, repositoryPart } from "../views/views.ts";
import type { Answer, Call, Routes } from "./route.ts";
import { changing, commitOf, notFound, ok, page, text } from "./route.ts";

/** Repositories, branches, their rules, refs, commits and files. */
export const repositoryRoutes: Routes = {
  "repos/get": (call) => {
    const permission = permissionOf(call.repository, call.actor.person);
    const permissions = {
      admin: permission === "admin",
      push: permission === "admin" || permission === "write",
      pull: permission !== "none",
    };
    return ok({ ...repositoryPart(call.core, call.repository), permissions });
  },
  "repos/get-branch": async (call) => {
    const branch = String(call.path["branch"]);
    const sha = await call.repository.git.resolve(`refs/heads/${branch}`);
    const commit = sha === null ? null : await call.repository.git.commit(sha);
    if (commit === null) throw new Refused(404, "Branch not found");
    return ok({
      name: branch,
      commit: commitPart(call.core, call.repository, commit),
      protected: call.repository.protections.has(branch),
      protection_url: `${call.url.href}/protection`,
    });
  },
  "repos/get-branch-protection": (call) => {
    rulesShown(call);
    const protection = protectionOf(call.repository, String(call.path["branch"]));
    if (protection === null || protection.source !== "classic")
      throw new Refused(404, "Branch not protected");
    return ok(classicPart(call, protection));
  },
  "repos/get-branch-rules": (call) => {
    rulesShown(call);
    const protection = protectionOf(call.repository, String(call.path["branch"]));
    return page(call, protection === null || protection.source !== "ruleset" ? [] : rules(call, protection));
  },
  "repos/get-collaborator-permission-level": (call) => {
    const login = String(call.path["username"]);
    let person: Person;
    try {
      person = personOf(call.core, login);
    } catch {
      throw new Refused(404, `${login} is not a user`);
    }
    const permission = permissionOf(call.repository, person);
    const user = { ...personPart(call.core, person), role_name: permission };
    return ok({ permission, role_name: permission, user });
  },
  "repos/get-commit": async (call) => {
    const commit = await commitOf(call, String(call.path["ref"]));
    return ok(commitPart(call.core, call.repository, commit));
  },
  "repos/compare-commits-with-basehead": compare,
  "repos/get-content": async (call) => {
    const path = String(call.path["path"]);
    const commit = await commitOf(call, text(call.query["ref"]) ?? call.repository.defaultBranch);
    const content = await call.repository.git.read(commit.sha, path);
    if (content === null) throw notFound();
    const size = Buffer.byteLength(content);
    const sha = createHash("sha1").update(`blob ${size}\0${content}`).digest("hex");
    const body = { type: "file", encoding: "base64", content: Buffer.from(content).toString("base64") };
    return ok({
      ...body,
      size,
      sha,
      path,
      name: path.slice(path.lastIndexOf("/") + 1),
      url: call.url.href,
      git_url: null,
      html_url: null,
      download_url: null,
    });
  },
  "repos/list-pull-requests-associated-with-commit": async (call) => {
    const commit = await commitOf(call, String(call.path["commit_sha"]));
    const found = [];
    for (const pull of call.repository.pulls.values()) {
      const { headSha, mergeCommit } = fieldsAt(pull, call.at);
      if (
        headSha === commit.sha ||
        mergeCommit === commit.sha ||
        (await call.repository.git.isAncestor(commit.sha, headSha))
      ) {
        found.push(pullPart(call.core, call.repository, pull, null, call.at));
      }
    }
    return page(call, found);
  },
  "git/get-ref": async (call) => {
    const ref = `refs/${String(call.path["ref"])}`;
    const sha = await call.repository.git.resolve(ref);
    if (sha === null) throw notFound();
    return ok(refPart(call, ref, sha));
  },
  "git/create-ref": changing(async (call) => {
    const ref = String(call.body["ref"]);
    const sha = await call.repository.git.resolve(String(call.body["sha"]));
    if (!ref.startsWith("refs/") || ref.split("/").length < 3)
      throw new Refused(422, "Reference name must start with 'refs/' and contain at least two slashes.");
    if (sha === null) throw new Refused(422, "Object does not exist");
    if ((await call.repository.git.resolve(ref)) !== null) throw new Refused(422, "Reference already exists");
    await call.repository.git.setRef(ref, sha);
    await call.core.after.moved(call.repository, {
      ref,
      before: NO_COMMIT,
      after: sha,
      actor: call.actor.person,
    });
    return { status: 201, body: refPart(call, ref, sha) };
  }),
  "git/delete-ref": changing(async (call) => {
    const ref = `refs/${String(call.path["ref"])}`;
    const before = await call.repository.git.resolve(ref);
    if (before === null) throw new Refused(422, "Reference does not exist");
    if (call.repository.protections.has(ref.slice("refs/heads/".length)))
      throw new Refused(422, "Cannot delete this protected branch");
    await call.repository.git.deleteRef(ref);
    await call.core.after.moved(call.repository, { ref, before, after: NO_COMMIT, actor: call.actor.person });
    return { status: 204 };
  }),
};

function rulesShown(call: Call): void {
  if (call.core.habits.hasBranchRules) return;
  throw new Refused(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.");
}

function refPart(call: Call, ref: string, sha: string): unknown {
  const api = `${call.core.urls.api}/repos/${call.repository.fullName}`;
  return {
    ref,
    node_id: `REF_${ref}`,
    url: `${api}/git/${ref}`,
    object: { type: "commit", sha, url: `${api}/git/commits/${sha}` },
  };
}

async function compare(call: Call): Promise<Answer> {
  const [baseName = "", headName = ""] = String(call.path["basehead"]).split("...");
  const { git } = call.repository;
  const [base, head] = [await commitOf(call, baseName), await commitOf(call, headName)];
  const [ahead, behind] = [await git.count(base.sha, head.sha), await git.count(head.sha, base.sha)];
  const files = await git.diff(base.sha, head.sha);
  const fork = (await git.log(base.sha, head.sha, 1))[0]?.parents[0] ?? base.sha;
  const status =
    ahead > 0 && behind > 0 ? "diverged" : ahead > 0 ? "ahead" : behind > 0 ? "behind" : "identical";
  const part = (commit: typeof base): unknown => commitPart(call.core, call.repository, commit);
  return ok({
    status,
    ahead_by: ahead,
    behind_by: behind,
    total_commits: ahead,
    base_commit: part(base),
    merge_base_commit: part((await git.commit(fork)) ?? base),
    commits: (await git.log(base.sha, head.sha, 250)).map(part),
    files: files.slice(0, MOST_FILES).map(filePart),
  });
}

/** A comparison shows so many files at most. */
const MOST_FILES = 300;

/** A changed file as compare and pulls/list-files show it. */
export function filePart({ path, status, additions, deletions, patch }: FileDelta): unknown {
  const counts = { additions, deletions, changes: additions + deletions };
  return { sha: null, filename: path, status, ...counts, ...(patch === null ? {} : { patch }) };
}

function checkList(protection: Protection): unknown[] {
  return protection.requiredChecks.map((context) => ({ context }));
}

function rules(call: Call, protection: Protection): unknown[] {
  const origin = {
    ruleset_source_type: "Repository",
    ruleset_source: call.repository.fullName,
    ruleset_id: 1,
  };
  const found: unknown[] = [];
  if (protection.requiredChecks.length > 0) {
    const parameters = {
      required_status_checks: checkList(protection),
      strict_required_status_checks_policy: protection.strict,
    };
    found.push({ type: "required_status_checks", ...origin, parameters });
  }
  if (protection.requiredApprovals > 0) {
    const parameters = {
      required_approving_review_count: protection.requiredApprovals,
      dismiss_stale_reviews_on_push: protection.dismissStaleReviews,
      require_code_owner_review: false,
      require_last_push_approval: false,
      required_review_thread_resolution: false,
    };
    found.push({ type: "pull_request", ...origin, parameters });
  }
  if (protection.mergeQueue) {
    const parameters = {
      check_response_timeout_minutes: protection.queueTimeoutMinutes,
      grouping_strategy: "ALLGREEN",
      max_entries_to_build: 5,
      max_entries_to_merge: 5,
      min_entries_to_merge: 1,
      min_entries_to_merge_wait_minutes: 0,
      merge_method: protection.mergeMethod.toUpperCase(),
    };
    found.push({ type: "merge_queue", ...origin, parameters });
  }
  return found;
}

function classicPart(call: Call, protection: Protection): unknown {
  const url = call.url.href;
  const checks = {
    url,
    strict: protection.strict,
    contexts: protection.requiredChecks,
    contexts_url: `${url}/contexts`,
    checks: checkList(protection).map((check) => ({ ...(check as object), app_id: null })),
  };
  return {
    url,
    ...(protection.requiredChecks.length === 0 ? {} : { required_status_checks: checks }),
    ...(protection.requiredApprovals === 0
      ? {}
      : {
          required_pull_request_reviews: {
            url,
            dismiss_stale_reviews: protection.dismissStaleReviews,
            require_code_owner_reviews: false,
            required_approving_review_count: protection.requiredApprovals,
          },
        }),
    enforce_admins: { url, enabled: false },
  };
}
