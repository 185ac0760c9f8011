import type { CheckRun, CheckSuite, CommitStatus, Core, Person, Pull, Repository } from "../model/model.ts";
import { fieldsAt, seenChecks, stamp } from "../model/model.ts";
import type { CommitRecord } from "../git/git.ts";
import { accountOf } from "../model/pulls.ts";
import { latestRuns, latestStatuses, protectionOf, rollupState, runAt } from "../model/verdicts.ts";
import { checkRunUrl, WORKFLOW } from "../views/checks.ts";
import type { PageArguments } from "./connection.ts";
import { connection } from "./connection.ts";

/** What GraphQL objects are built from: the model, and the time at which it is looked at. */
export interface View {
  readonly core: Core;
  readonly at: number;
}

type Node = Record<string, unknown>;

export function actorNode(view: View, person: Person): Node {
  const { web } = view.core.urls;
  // GraphQL writes a bot's login without the suffix that REST and webhooks show.
  const login = person.type === "Bot" ? person.login.replace("[bot]", "") : person.login;
  return {
    __typename: person.type,
    login,
    id: person.nodeId,
    databaseId: person.id,
    url: `${web}/${login}`,
    resourcePath: `/${login}`,
    avatarUrl: `${web}/avatars/${person.id}`,
  };
}

export function refNode(view: View, repository: Repository, name: string, sha: string): Node {
  const slash = name.lastIndexOf("/") + 1;
  const heads = name.startsWith("refs/heads/");
  return {
    __typename: "Ref",
    id: `REF_${name}`,
    name: heads ? name.slice("refs/heads/".length) : name.slice(slash),
    prefix: heads ? "refs/heads/" : name.slice(0, slash),
    target: () => commitNode(view, repository, sha),
  };
}

/** Null for a commit that git does not have. */
export async function commitNode(view: View, repository: Repository, sha: string): Promise<Node | null> {
  const commit = await repository.git.commit(sha);
  return commit === null ? null : recordNode(view, repository, commit);
}

function recordNode(view: View, repository: Repository, commit: CommitRecord): Node {
  const [headline = "", ...rest] = commit.message.split("\n");
  const signed = (who: CommitRecord["author"]): Node => {
    const person = accountOf(view.core, who.email);
    return {
      name: who.name,
      email: who.email,
      date: stamp(who.at),
      user: person?.type === "User" ? actorNode(view, person) : null,
    };
  };
  const url = `${view.core.urls.web}/${repository.fullName}/commit/${commit.sha}`;
  return {
    __typename: "Commit",
    id: `C_${commit.sha}`,
    oid: commit.sha,
    abbreviatedOid: commit.sha.slice(0, 7),
    message: commit.message,
    messageHeadline: headline,
    messageBody: rest.join("\n").trim(),
    committedDate: stamp(commit.committer.at),
    authoredDate: stamp(commit.author.at),
    author: signed(commit.author),
    committer: signed(commit.committer),
    url,
    commitUrl: url,
    tree: { __typename: "Tree", oid: commit.tree, id: `T_${commit.tree}` },
    parents: async (given: PageArguments) =>
      connection(
        await Promise.all(commit.parents.map((parent) => commitNode(view, repository, parent))),
        given,
      ),
    history: async (given: PageArguments) => {
      const newestFirst = (await repository.git.log(null, commit.sha, 200)).toReversed();
      return connection(
        newestFirst.map((entry) => recordNode(view, repository, entry)),
        given,
      );
    },
    associatedPullRequests: undefined,
    checkSuites: (given: PageArguments) => {
      const { suites } = seenChecks(repository, commit.sha);
      return connection(
        suites
          .filter((suite) => suite.createdAt <= view.at)
          .map((suite) => suiteNode(view, repository, suite)),
        given,
      );
    },
    statusCheckRollup: () => rollupNode(view, repository, commit.sha),
  };
}

/** Null when the commit has neither checks nor statuses. */
export function rollupNode(view: View, repository: Repository, sha: string): Node | null {
  const state = rollupState(repository, sha, view.at);
  if (state === null) return null;
  const contexts = (): Node[] => [
    ...latestRuns(repository, sha, view.at).map((run) => checkRunNode(view, repository, run)),
    ...latestStatuses(repository, sha, view.at).map((status) => statusNode(view, repository, status)),
  ];
  return {
    __typename: "StatusCheckRollup",
    id: `SCR_${sha}`,
    state: state.toUpperCase(),
    commit: () => commitNode(view, repository, sha),
    contexts: (given: PageArguments) => {
      const all = contexts();
      const runs = all.filter((node) => node["__typename"] === "CheckRun").length;
      return { ...connection(all, given), checkRunCount: runs, statusContextCount: all.length - runs };
    },
  };
}

interface RequiredArguments {
  readonly pullRequestNumber?: number | null;
  readonly pullRequestId?: string | null;
}

function required(view: View, repository: Repository, name: string, given: RequiredArguments): boolean {
  const of = (pull: Pull): boolean =>
    pull.number === given.pullRequestNumber || pull.nodeId === given.pullRequestId;
  const pull = [...repository.pulls.values()].find(of);
  if (pull === undefined) throw new Error("A pull request ID or pull request number is required.");
  return protectionOf(repository, fieldsAt(pull, view.at).baseRef)?.requiredChecks.includes(name) ?? false;
}

function checkRunNode(view: View, repository: Repository, run: CheckRun): Node {
  const seen = runAt(run, view.at) ?? { status: "queued", conclusion: null };
  const url = checkRunUrl(view.core, repository, run);
  return {
    __typename: "CheckRun",
    id: run.nodeId,
    databaseId: run.id,
    name: run.name,
    status: seen.status.toUpperCase(),
    conclusion: seen.conclusion?.toUpperCase() ?? null,
    startedAt: run.startedAt === null ? null : stamp(run.startedAt),
    completedAt: seen.status === "completed" && run.completedAt !== null ? stamp(run.completedAt) : null,
    detailsUrl: url,
    permalink: url,
    url,
    externalId: "",
    isRequired: (given: RequiredArguments) => required(view, repository, run.name, given),
    checkSuite: () => suiteNode(view, repository, run.suite),
  };
}

function suiteNode(view: View, repository: Repository, suite: CheckSuite): Node {
  const run = suite.workflowRun;
  const done = suite.status === "completed" && suite.updatedAt <= view.at;
  return {
    __typename: "CheckSuite",
    id: suite.nodeId,
    databaseId: suite.id,
    status: (done || suite.status !== "completed" ? suite.status : "in_progress").toUpperCase(),
    conclusion: done ? (suite.conclusion?.toUpperCase() ?? null) : null,
    createdAt: stamp(suite.createdAt),
    updatedAt: stamp(suite.updatedAt),
    app: {
      __typename: "App",
      id: `A_${suite.app.id}`,
      databaseId: suite.app.id,
      slug: suite.app.slug,
      name: suite.app.name,
    },
    commit: () => commitNode(view, repository, suite.sha),
    checkRuns: (given: PageArguments) =>
      connection(
        latestRuns(repository, suite.sha, view.at)
          .filter((check) => check.suite === suite)
          .map((check) => checkRunNode(view, repository, check)),
        given,
      ),
    workflowRun:
      run === null
        ? null
        : {
            __typename: "WorkflowRun",
            id: run.nodeId,
            databaseId: run.id,
            event: run.kind,
            runNumber: run.number,
            createdAt: stamp(run.createdAt),
            updatedAt: stamp(run.updatedAt),
            url: `${view.core.urls.web}/${repository.fullName}/actions/runs/${run.id}`,
            file: { __typename: "WorkflowRunFile", id: `WF_${run.id}`, path: WORKFLOW.path },
            workflow: {
              __typename: "Workflow",
              id: `W_${WORKFLOW.id}`,
              databaseId: WORKFLOW.id,
              name: WORKFLOW.name,
            },
          },
  };
}

function statusNode(view: View, repository: Repository, status: CommitStatus): Node {
  return {
    __typename: "StatusContext",
    id: status.nodeId,
    context: status.context,
    state: status.state.toUpperCase(),
    description: status.description,
    createdAt: stamp(status.createdAt),
    targetUrl: status.targetUrl,
    creator: actorNode(view, status.creator),
    isRequired: (given: RequiredArguments) => required(view, repository, status.context, given),
  };
}
