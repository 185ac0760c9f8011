import { join } from "node:path";
import { CALM } from "../faults.ts";
import type { Faults, SentWebhook, WorldParts } from "../faults.ts";
import type { WebhookTarget, WireEntry } from "../wire.ts";
import { serve, underWay } from "../wire.ts";
import { openAuth } from "./auth.ts";
import { evaluateAutoMerge } from "./model/auto-merge.ts";
import { startCi } from "./model/ci.ts";
import type { FileChanges } from "./git/git.ts";
import { openGit, protectRefs, refuseWith } from "./git/git.ts";
import { openLimits } from "./limits.ts";
import type {
  Ci,
  Core,
  Habits,
  Permission,
  Person,
  Protection,
  Pull,
  PushRecord,
  Repository,
} from "./model/model.ts";
import { addPerson, exclusive, personOf } from "./model/model.ts";
import type { People } from "./model/people.ts";
import { openPeople } from "./model/people.ts";
import { signatureOf } from "./model/pulls.ts";
import { refMoved } from "./model/pushes.ts";
import { evaluateQueues } from "./model/queue.ts";
import { loadSchemas } from "./schemas.ts";
import { openFront } from "./server.ts";
import { startWebhooks } from "./webhooks.ts";
import type { Delivery } from "./webhooks.ts";
import type { Secret } from "../../src/lib/secrets/secret.ts";

export interface GitHubWorldParts extends WorldParts {
  /** The bare repositories live here. */
  readonly dir: string;
  readonly webhook?: WebhookTarget;
  /** Whose hook it is; only an App's carries `installation` and hears of merge groups. Default `app`. */
  readonly hook?: "app" | "repository";
}

export interface NewRepository {
  /** `owner/name`. */
  readonly name: string;
  readonly private?: boolean;
  readonly defaultBranch?: string;
  readonly files: FileChanges;
  /** Guards the default branch. */
  readonly protection?: Partial<Protection>;
  /** People, made when they are new, with what they may do here. */
  readonly people?: Readonly<Record<string, Permission>>;
}

/** What the relay is configured with to be "us" at this GitHub. */
export interface Credentials {
  readonly appId: number;
  readonly appSlug: string;
  readonly installationId: number;
  /** PEM, PKCS#1. */
  readonly privateKey: Secret;
  /** The App's bot, as REST and webhooks show it. */
  readonly botLogin: string;
}

/** A stand-in GitHub: real HTTP, real git, a stateful model behind both. */
export interface GitHubWorld extends People {
  /** REST base; GraphQL at `<url>/graphql`. */
  readonly url: string;
  /** Git at `<webUrl>/<owner>/<name>.git`. */
  readonly webUrl: string;
  readonly faults: Faults;
  readonly habits: Habits;
  /** Decides what CI says. Default: one check `test`, success. */
  ci: Ci;
  /** How `faults.rateLimitNext` refuses. */
  rateLimitKind: "primary" | "secondary";
  /** Requests per caller and hour. */
  requestsPerHour: number;
  readonly credentials: Credentials;
  readonly sent: readonly SentWebhook[];
  readonly deliveries: readonly Delivery[];
  readonly requests: readonly WireEntry[];
  readonly pushes: readonly PushRecord[];
  /** Faults of the stand-in, of a test's CI, or requests for something it does not have; a good test ends with none. */
  readonly problems: readonly string[];
  createRepository(given: NewRepository): Promise<Repository>;
  /** A person who may do nothing yet anywhere but read what is public. */
  addPerson(login: string, type?: Person["type"]): Person;
  setPermission(repository: string, person: string, permission: Permission): void;
  protect(repository: string, branch: string, protection: Partial<Protection>): Promise<void>;
  allowAutoMerge(repository: string, allowed: boolean): void;
  /** Refuses every push to its branches in these words, as rules and push protection do; null = no longer. */
  refusePushes(repository: string, words: string | null): Promise<void>;
  /** A token of a person, as `GITHUB_TOKEN` would hold. */
  tokenFor(person: string): Secret;
  /** Every token handed out so far stops working. */
  revokeTokens(): void;
  /** The next `reads` of a pull request find its mergeability not computed yet. */
  doubtMergeability(reads: number): void;
  setWebhook(target: WebhookTarget | null): void;
  /** Sends a recorded webhook again, same id and bytes. Resolves with the status answered, 0 = none. */
  resend(id: string): Promise<number>;
  pullRequest(number: number, repository?: string): Pull;
  /** How many pull requests were ever opened. */
  pullRequestCount(): number;
  /** The tip of a branch, or null. */
  branch(repository: string, name: string): Promise<string | null>;
  /** Resolves once CI, queues and first tries of webhooks are over. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const KEPT_PROBLEMS = 1_000;
const MAX_BODY_BYTES = 128 * 1024 * 1024;

const UNGUARDED: Protection = {
  requiredChecks: [],
  requiredApprovals: 0,
  dismissStaleReviews: false,
  strict: false,
  mergeQueue: false,
  mergeMethod: "squash",
  queueTimeoutMinutes: 60,
  source: "ruleset",
};

/** Starts the stand-in on a free loopback port. */
export async function startGitHubWorld(parts: GitHubWorldParts): Promise<GitHubWorld> {
  const { clock, randomness } = parts;
  const faults: Faults = { ...CALM };
  const habits: Habits = {
    ciOnEveryPush: false,
    hasBranchRules: true,
    formatter: null,
    graphqlRequests: Infinity,
    commentsFirst: false,
  };
  const problems: string[] = [];
  const problem = (story: string): void => {
    problems.push(story);
    if (problems.length > KEPT_PROBLEMS) problems.shift();
  };
  const settings = {
    target: parts.webhook ?? null,
    ci: (async () => [{ name: "test", conclusion: "success" }]) as Ci,
    rateLimitKind: "primary" as "primary" | "secondary",
    requestsPerHour: 5_000,
  };
  const urls = { api: "", web: "" };
  const work = underWay(problem);
  let closeNow: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    closeNow = resolve;
  });
  const due = new Set<string>();
  let lastId = 1_000_000;

  const core: Core = {
    habits,
    clock,
    randomness,
    urls,
    people: new Map(),
    repositories: new Map(),
    // GitHub Actions' own App.
    actions: { id: 15_368, slug: "github-actions", name: "GitHub Actions" },
    work,
    pushes: [],
    doubts: { left: 0 },
    problem,
    closed,
    nextId: () => (lastId += 1),
    emit: (...given) => webhooks.emit(...given),
    after: {
      changed(repository) {
        // Many changes in a row need one look.
        if (due.has(repository.fullName)) return;
        due.add(repository.fullName);
        work.start(() =>
          exclusive(repository, async () => {
            due.delete(repository.fullName);
            await evaluateAutoMerge(core, repository);
            await evaluateQueues(core, repository, queueBot);
          }),
        );
      },
      commit(repository, sha, branch, kind, actor) {
        // docs.github.com, "Triggering a workflow": what a workflow's own token does starts no workflow.
        if (actor.login === "github-actions[bot]") return;
        work.start(() => startCi(core, settings.ci, repository, sha, branch, kind, actor));
      },
      moved: (repository, move) => refMoved(core, repository, move),
    },
  };
  const bot = addPerson(core, "patchrelay-app[bot]", "Bot");
  const queueBot = addPerson(core, "github-merge-queue[bot]", "Bot");
  const auth = openAuth(core, bot, addPerson(core, "ghost", "User"));
  const front: { current: ReturnType<typeof openFront> | null } = { current: null };
  const ready = (): ReturnType<typeof openFront> => {
    if (front.current === null) throw new Error("the stand-in is still starting");
    return front.current;
  };
  const server = await serve({
    clock: parts.clock,
    faults: () => faults,
    answer: (request) => ready().answer(request),
    rateLimited: (request) => ready().rateLimited(request),
    problem,
    maxBodyBytes: MAX_BODY_BYTES,
  });
  urls.api = server.url;
  urls.web = server.url;
  const schemas = loadSchemas(server.url);
  const webhooks = startWebhooks({
    clock,
    randomness,
    faults: () => faults,
    target: () => settings.target,
    app: parts.hook === "repository" ? null : { id: auth.app.id, installation: auth.app.installation },
    schemas,
    core: () => core,
    problem,
  });
  front.current = openFront({
    core,
    auth,
    schemas,
    webhooks,
    limits: openLimits(clock, () => settings.requestsPerHour),
    ci: () => settings.ci,
    horizon: () => (faults.staleReadsMs > 0 ? clock.now() - faults.staleReadsMs : Infinity),
    limitKind: () => settings.rateLimitKind,
  });

  const repositoryOf = (name: string): Repository => {
    const found = core.repositories.get(name.toLowerCase());
    if (found === undefined) throw new Error(`there is no repository ${name}: make it with createRepository`);
    return found;
  };
  const protect = async (
    repository: Repository,
    branch: string,
    protection: Partial<Protection>,
  ): Promise<void> => {
    repository.protections.set(branch, { ...UNGUARDED, ...protection });
    await protectRefs(
      repository.git,
      [...repository.protections.keys()].map((name) => `refs/heads/${name}`),
    );
  };

  return {
    ...openPeople(core),
    url: server.url,
    webUrl: server.url,
    faults,
    habits,
    get ci() {
      return settings.ci;
    },
    set ci(ci) {
      settings.ci = ci;
    },
    get rateLimitKind() {
      return settings.rateLimitKind;
    },
    set rateLimitKind(kind) {
      settings.rateLimitKind = kind;
    },
    get requestsPerHour() {
      return settings.requestsPerHour;
    },
    set requestsPerHour(count) {
      settings.requestsPerHour = count;
    },
    credentials: {
      appId: auth.app.id,
      appSlug: auth.app.slug,
      installationId: auth.app.installation,
      privateKey: auth.app.privateKey,
      botLogin: bot.login,
    },
    sent: webhooks.sender.sent,
    deliveries: webhooks.deliveries,
    requests: server.requests,
    pushes: core.pushes,
    problems,
    async createRepository(given) {
      const repository = await newRepository(core, parts.dir, given);
      repository.permissions.set(bot.login, "write");
      if (given.protection !== undefined)
        await protect(repository, repository.defaultBranch, given.protection);
      return repository;
    },
    addPerson: (login, type = "User") => addPerson(core, login, type),
    setPermission(name, person, permission) {
      repositoryOf(name).permissions.set(personOf(core, person).login, permission);
    },
    protect: (name, branch, protection) => protect(repositoryOf(name), branch, protection),
    allowAutoMerge(name, allowed) {
      repositoryOf(name).allowsAutoMerge = allowed;
    },
    refusePushes: (name, words) => refuseWith(repositoryOf(name).git, words),
    tokenFor: (person) => auth.tokenFor(personOf(core, person)),
    revokeTokens: () => auth.revokeAll(),
    doubtMergeability(reads) {
      core.doubts.left = reads;
    },
    setWebhook(target) {
      settings.target = target;
    },
    resend: (id) => webhooks.sender.resend(id),
    pullRequest(number, name) {
      const repository = name === undefined ? [...core.repositories.values()][0] : repositoryOf(name);
      const pull = repository?.pulls.get(number);
      if (pull === undefined) throw new Error(`there is no pull request ${number}`);
      return pull;
    },
    pullRequestCount: () =>
      [...core.repositories.values()].reduce((sum, repository) => sum + repository.pulls.size, 0),
    branch: (name, branch) => repositoryOf(name).git.resolve(`refs/heads/${branch}`),
    async settled() {
      await work.settled();
      await webhooks.sender.settled();
      await work.settled();
    },
    async close() {
      closeNow();
      for (const repository of core.repositories.values()) {
        for (const queue of repository.queues.values())
          for (const entry of queue) entry.group?.cancelTimeout();
      }
      await webhooks.sender.close();
      await server.close();
      await work.settled();
    },
  };
}

async function newRepository(core: Core, dir: string, given: NewRepository): Promise<Repository> {
  const [ownerName = "", name = ""] = given.name.split("/");
  if (!/^[\w.-]+$/.test(ownerName) || !/^[\w.-]+$/.test(name))
    throw new Error(`a repository is called "owner/name", not ${JSON.stringify(given.name)}`);
  if (core.repositories.has(given.name.toLowerCase()))
    throw new Error(`there already is a repository ${given.name}`);
  const defaultBranch = given.defaultBranch ?? "main";
  const id = core.nextId();
  const repository: Repository = {
    id,
    nodeId: `R_${id}`,
    owner: addPerson(core, ownerName, "Organization"),
    name,
    fullName: `${ownerName}/${name}`,
    private: given.private ?? false,
    defaultBranch,
    createdAt: core.clock.now(),
    git: await openGit(join(dir, ownerName, `${name}.git`), defaultBranch),
    protections: new Map(),
    permissions: new Map(),
    pulls: new Map(),
    checks: new Map(),
    workflowRuns: [],
    queues: new Map(),
    shapes: new Map(),
    ciNames: new Map(),
    nextNumber: 1,
    allowsAutoMerge: true,
    tail: Promise.resolve(),
  };
  for (const [login, permission] of Object.entries(given.people ?? {})) {
    addPerson(core, login, "User");
    repository.permissions.set(login, permission);
  }
  const first = await repository.git.commitFiles(
    null,
    given.files,
    "First commit",
    signatureOf(repository.owner, core.clock.now()),
  );
  await repository.git.setRef(`refs/heads/${defaultBranch}`, first);
  core.repositories.set(given.name.toLowerCase(), repository);
  return repository;
}
