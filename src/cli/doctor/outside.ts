import { messageOf } from "../../lib/assert.ts";
import { silentLog } from "../../lib/log.ts";
import type { SealedVault } from "../../lib/secrets/vault.ts";
import { withDeadline } from "../../lib/external.ts";
import type { Forge } from "../../forges/forge.ts";
import type { ForgeRow, MakingParts, TrackerRow, Workspace } from "../../registry.ts";
import type { Credentials } from "../../settings/credentials/credentials.ts";
import { childEnvironment } from "../../settings/load/environment.ts";
import type { UnsetMergePolicy } from "../../settings/policy.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Host } from "../host/host.ts";
import { inheritedBy, registryOf } from "../host/registry.ts";
import { fail, ok, skipped } from "./finding.ts";
import { checkNames, checkTeams } from "./names.ts";
import type { Finding } from "./finding.ts";

const ASK_MS = 10_000;
const AGENT_MS = 15_000;
const UNHEARD = "check its address in the config, and that this machine can reach it";

/** Asks with the deadline of one question. */
type Within = <T>(ask: (until: AbortSignal) => Promise<T>) => Promise<T>;

/** Agents, sources and each repository, asked in turn and each with a deadline. */
export async function* checkOutside({
  settings,
  credentials,
  host,
  offline,
  signal,
  vault,
}: {
  readonly settings: Settings;
  readonly credentials: Credentials | null;
  readonly host: Host;
  readonly offline: boolean;
  readonly signal: AbortSignal;
  /** What the relay keeps for its sources, to be read. */
  readonly vault: (credentials: Credentials) => Promise<SealedVault | null>;
}): AsyncGenerator<Finding> {
  const registry = await registryOf(host);
  const rows = Object.values(registry.sources);
  const labels = rows.map(({ label }) => label).join(", ");
  if (credentials === null) {
    yield skipped(`agent, ${labels}`, "not checked: the credentials above have to be fixed first");
    return;
  }
  const { clock, env } = host;
  const randomness = await host.randomness();
  const agents = [settings.agent, ...settings.projects.map(({ agent }) => agent)];
  const childEnv = childEnvironment(env, await inheritedBy(host, settings));
  const parts: MakingParts = {
    settings,
    credentials,
    childEnv,
    clock,
    randomness,
    log: silentLog,
    vault: await vault(credentials),
  };
  for (const name of new Set(agents.map((agent) => agent.default))) {
    yield await checked(`agent ${name}`, null, async () => {
      const agent = await registry.agents[name].make(parts);
      const missing = await withDeadline(clock, signal, AGENT_MS, `the agent ${name}`, (until) =>
        agent.ready(until),
      );
      return missing === null ? ok(`agent ${name}`, "can start") : fail(`agent ${name}`, missing, null);
    });
  }
  yield hooks(settings);
  for (const row of rows)
    if (row.kind === "forge") yield* merging(settings, row.unsetMergePolicy(credentials));
  if (offline) {
    yield skipped(labels, "--offline");
    return;
  }
  for (const row of rows) yield* signIn(row, parts, signal);
}

/** Whether the credential of a source is good, and for a forge whether its repositories are there. */
async function* signIn(
  row: TrackerRow | ForgeRow,
  parts: MakingParts,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const { label, signInHint } = row;
  const within: Within = (ask) => withDeadline(parts.clock, signal, ASK_MS, label, ask);
  let forge: Forge | null = null;
  const signedIn = await checked(label, signInHint, async () => {
    if (row.kind === "tracker") {
      const tracker = await row.make(parts);
      const identities = await within((until) => tracker.whoAmI(until));
      const inert = identities.find((identity) => identity.inert !== null)?.inert ?? null;
      const names = identities.map(({ name, workspaceName, quick }) =>
        [`${name} in ${workspaceName}`, quick].filter((part) => part !== null).join("; "),
      );
      return inert === null
        ? ok(label, `signed in as ${names.join(", ")}`)
        : fail(label, inert.why, inert.remedy);
    }
    const made = await row.make(parts);
    forge = made;
    return ok(label, `signed in as ${(await within((until) => made.whoAmI(until))).login}`);
  });
  yield signedIn;
  if (signedIn.state === "ok" && row.kind === "tracker" && row.workspaces !== undefined) {
    const { workspaces, names } = row;
    const wanted = names?.(parts.settings) ?? {};
    const found: Workspace[] = [];
    const teams = await checked(`${label} teams`, signInHint, async () => {
      found.push(...(await within((until) => workspaces(parts, until))));
      return checkTeams(`${label} teams`, found, wanted);
    });
    yield teams;
    if (found.length > 0) yield* checkNames(label, found, wanted);
  }
  if (forge !== null) yield* repositories(parts.settings, forge, within);
}

async function* repositories(settings: Settings, forge: Forge, within: Within): AsyncGenerator<Finding> {
  for (const { repository } of settings.projects) {
    const check = `repository ${repository.name}`;
    yield await checked(check, "check its name, and that the credential has access to it", () =>
      within(async (until) => {
        const found = await forge.repository(repository.name, until);
        const base = repository.baseBranch ?? found.defaultBranch;
        return (await found.hasBranch(base, until))
          ? ok(check, `base branch ${base}`)
          : fail(check, `there is no branch ${base}`, "fix repository.baseBranch");
      }),
    );
  }
}

/** Who merges, where nobody has said so and it is not as usual. */
function* merging({ projects }: Settings, { policy, because }: UnsetMergePolicy): Generator<Finding> {
  const unset = projects.filter(({ merge }) => merge.policy === null).map(({ id }) => id);
  if (because === null || unset.length === 0) return;
  yield {
    ...ok("merging", `merge.policy is ${policy} for ${unset.join(", ")}: ${because}`),
    todo: "set merge.policy if it should be another, or use an App",
  };
}

function hooks({ projects }: Settings): Finding {
  const names = projects.map(({ repository }) => repository.name).join(", ");
  return skipped(
    "hooks",
    `not checked: add a script .patchrelay/hooks/verify to ${names === "" ? "the repository" : names}: it runs before anything is published; hooks/ in the package has examples`,
  );
}

async function checked(check: string, todo: string | null, ask: () => Promise<Finding>): Promise<Finding> {
  try {
    return await ask();
  } catch (error) {
    // Nothing was asked, so that the question cannot be what is wrong.
    const unheard = error instanceof Error && "kind" in error && error.kind === "unavailable";
    return fail(check, messageOf(error), unheard ? UNHEARD : todo);
  }
}
