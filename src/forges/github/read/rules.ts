import { z } from "zod";
import type { Clock } from "../../../lib/clock.ts";
import type { ExternalFault } from "../../../lib/external.ts";
import { ExternalError } from "../../../lib/external.ts";
import { sharedFlights } from "../../../lib/single-flight.ts";
import type { Client } from "../client/client.ts";

/** What the base branch asks of a pull request. */
export interface BranchRules {
  /** Names of the required checks, sorted. */
  readonly required: readonly string[];
  readonly hasQueue: boolean;
}

/** The rules of branches, remembered for a while: they change seldom and are asked for with every reading. */
export interface RuleBook {
  of(repository: string, branch: string, signal: AbortSignal): Promise<BranchRules>;
  /** Something about the rules changed; "" = for all repositories. */
  forget(repository: string): void;
}

const KEPT_MS = 5 * 60_000;
const MAX_KEPT = 500;
const MAX_PAGES = 5;
const PER_PAGE = 100;

const Rules = z.array(
  z.object({
    type: z.string(),
    parameters: z
      .object({ required_status_checks: z.array(z.object({ context: z.string() })).optional() })
      .nullish(),
  }),
);

const Protection = z.object({
  required_status_checks: z
    .object({
      contexts: z.array(z.string()).default([]),
      checks: z.array(z.object({ context: z.string() })).default([]),
    })
    .nullish(),
});

export function createRuleBook(client: Client, clock: Clock): RuleBook {
  const kept = new Map<
    string,
    { readonly repository: string; readonly until: number; readonly rules: BranchRules }
  >();
  const together = sharedFlights<BranchRules>();
  return {
    async of(repository, branch, signal) {
      const name = `${repository} ${branch}`;
      const known = kept.get(name);
      if (known !== undefined && known.until > clock.monotonic()) return known.rules;
      const rules = await together(name, (until) => readRules(client, repository, branch, until), signal);
      kept.delete(name);
      kept.set(name, { repository, until: clock.monotonic() + KEPT_MS, rules });
      const oldest = kept.keys().next();
      if (kept.size > MAX_KEPT && oldest.done !== true) kept.delete(oldest.value);
      return rules;
    },
    forget(repository) {
      // GitHub's spelling of a name need not be the configuration's.
      const changed = repository.toLowerCase();
      for (const [name, entry] of kept)
        if (changed === "" || entry.repository.toLowerCase() === changed) kept.delete(name);
    },
  };
}

async function readRules(
  client: Client,
  repository: string,
  branch: string,
  signal: AbortSignal,
): Promise<BranchRules> {
  const none = { required: [], hasQueue: false };
  const ruled = await ifShown(rulesets(client, repository, branch, signal), none, ["refused"]);
  // 404 = it has none; of the rules above it would mean that the repository is not, or no longer, called so.
  const classic = await ifShown(
    classicProtection(client, repository, branch, signal),
    [],
    ["refused", "not_found"],
  );
  return { ...ruled, required: [...new Set([...ruled.required, ...classic])].toSorted() };
}

/**
 * What `look` finds, else `none` for these faults. Not shown (403) for want of a right, or because the plan of a
 * private repository has no rules: then the checks' own `isRequired` and the pull request's `isMergeQueueEnabled`
 * tell, and GitHub itself guards the branch.
 */
async function ifShown<T>(look: Promise<T>, none: T, faults: readonly ExternalFault[]): Promise<T> {
  try {
    return await look;
  } catch (error) {
    if (error instanceof ExternalError && faults.includes(error.kind)) return none;
    throw error;
  }
}

async function rulesets(
  client: Client,
  repository: string,
  branch: string,
  signal: AbortSignal,
): Promise<BranchRules> {
  const required: string[] = [];
  let hasQueue = false;
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const { value } = await client.call(
      {
        repository,
        route: "GET /repos/{owner}/{repo}/rules/branches/{branch}",
        parameters: { branch, per_page: PER_PAGE, page },
        schema: Rules,
      },
      signal,
    );
    for (const rule of value) {
      if (rule.type === "merge_queue") hasQueue = true;
      if (rule.type !== "required_status_checks") continue;
      for (const check of rule.parameters?.required_status_checks ?? []) required.push(check.context);
    }
    if (value.length < PER_PAGE) break;
  }
  return { required, hasQueue };
}

/** The older kind of protection. */
async function classicProtection(
  client: Client,
  repository: string,
  branch: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { value } = await client.call(
    {
      repository,
      route: "GET /repos/{owner}/{repo}/branches/{branch}/protection",
      parameters: { branch },
      schema: Protection,
    },
    signal,
  );
  const checks = value.required_status_checks;
  return [...(checks?.contexts ?? []), ...(checks?.checks ?? []).map((check) => check.context)];
}
