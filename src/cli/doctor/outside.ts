import { messageOf } from "../../lib/assert.ts";
import { silentLog } from "../../lib/log.ts";
import { deadline } from "../../lib/external.ts";
import type { Forge } from "../../forges/forge.ts";
import { AGENTS, FORGES, TRACKERS } from "../../registry.ts";
import type { MakingParts } from "../../registry.ts";
import type { Credentials } from "../../settings/credentials/credentials.ts";
import { childEnvironment } from "../../settings/load/environment.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Host } from "../host/host.ts";
import { fail, ok, skipped } from "./finding.ts";
import type { Finding } from "./finding.ts";

const ASK_MS = 10_000;
const AGENT_MS = 15_000;

/** Agents, Linear, GitHub and each repository, asked in turn and each with a deadline. */
export async function* checkOutside({
  settings,
  credentials,
  host,
  offline,
  signal,
}: {
  readonly settings: Settings;
  readonly credentials: Credentials | null;
  readonly host: Host;
  readonly offline: boolean;
  readonly signal: AbortSignal;
}): AsyncGenerator<Finding> {
  if (credentials === null) {
    yield skipped("agent, Linear, GitHub", "the credentials cannot be used as they are");
    return;
  }
  const { clock, env } = host;
  const randomness = await host.randomness();
  const agents = [settings.agent, ...settings.projects.map(({ agent }) => agent)];
  const childEnv = childEnvironment(env, [...new Set(agents.flatMap(({ codex }) => codex.env))]);
  const parts: MakingParts = { settings, credentials, childEnv, clock, randomness, log: silentLog };
  for (const name of new Set(agents.map((agent) => agent.default))) {
    yield await checked(`agent ${name}`, null, async () => {
      const agent = await AGENTS[name](parts);
      const missing = await agent.ready(deadline(signal, AGENT_MS, `the agent ${name}`));
      return missing === null ? ok(`agent ${name}`, "can start") : fail(`agent ${name}`, missing, null);
    });
  }
  yield hooks(settings);
  if (offline) {
    yield skipped("Linear, GitHub", "--offline");
    return;
  }
  yield await checked("Linear", "is the credential right, and linear.apiUrl?", async () => {
    const tracker = await TRACKERS.linear(parts);
    const us = await tracker.whoAmI(deadline(signal, ASK_MS, "Linear"));
    return ok("Linear", `signed in as ${us.name}`);
  });
  let forge: Forge | null = null;
  yield await checked("GitHub", "is the credential right, and github.apiUrl?", async () => {
    forge = await FORGES.github(parts);
    const us = await forge.whoAmI(deadline(signal, ASK_MS, "GitHub"));
    return ok("GitHub", `signed in as ${us.login}`);
  });
  if (forge !== null) yield* repositories(settings, forge, signal);
}

async function* repositories(settings: Settings, forge: Forge, signal: AbortSignal): AsyncGenerator<Finding> {
  for (const { repository } of settings.projects) {
    const check = `repository ${repository.name}`;
    yield await checked(check, "is its name right, and may the credential see it?", async () => {
      const within = deadline(signal, ASK_MS, "GitHub");
      const found = await forge.repository(repository.name, within);
      const base = repository.baseBranch ?? found.defaultBranch;
      return (await found.hasBranch(base, within))
        ? ok(check, `base branch ${base}`)
        : fail(check, `there is no branch ${base}`, "correct repository.baseBranch");
    });
  }
}

function hooks({ projects }: Settings): Finding {
  const names = projects.map(({ repository }) => repository.name).join(", ");
  return ok(
    "hooks",
    `a script .patchrelay/hooks/verify in ${names === "" ? "the repository" : names} is run before anything is published; the package has examples in hooks/`,
  );
}

async function checked(check: string, todo: string | null, ask: () => Promise<Finding>): Promise<Finding> {
  try {
    return await ask();
  } catch (error) {
    return fail(check, messageOf(error), todo);
  }
}
