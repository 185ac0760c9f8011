import type { Credentials } from "../../settings/credentials/credentials.ts";
import { problemText } from "../../settings/load/problem.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Registry } from "../../registry.ts";
import type { Missing } from "../../settings/sources/source.ts";
import type { Host } from "../host/host.ts";
import { registryOf } from "../host/registry.ts";
import { configurationOf, missingText } from "../host/settings.ts";
import { fail, ok, warn } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Configuration and credentials; null where they cannot be used. */
export async function checkConfig(
  host: Host,
  configFlag: string | null,
): Promise<{
  readonly settings: Settings | null;
  readonly credentials: Credentials | null;
  readonly findings: readonly Finding[];
}> {
  const { loaded, read, missing, weak, unused } = await configurationOf(host, configFlag);
  const { sources } = await registryOf(host);
  const settings = loaded.ok ? loaded.settings : null;
  const credentials = read.ok ? read.credentials : null;
  const config = loaded.ok
    ? [
        ok("config", loaded.settings.file),
        ...loaded.warnings.map((warning) =>
          warn("config", problemText({ ...warning, hint: null }), warning.hint),
        ),
      ]
    : loaded.problems.map((problem) => fail("config", problemText({ ...problem, hint: null }), problem.hint));
  const secrets = read.ok
    ? weak(read.credentials).map((problem) =>
        warn("credentials", problemText({ ...problem, hint: null }), problem.hint),
      )
    : read.problems.map((problem) =>
        fail("credentials", problemText({ ...problem, hint: null }), problem.hint),
      );
  return {
    settings,
    credentials,
    findings: [
      ...config,
      ...secrets,
      ...(settings === null || credentials === null ? [] : lacking(missing(settings, credentials))),
      ...(credentials === null
        ? []
        : unused(credentials).map((says) => warn("credentials", says, "unset it"))),
      ...(settings === null ? [] : [publicUrl(settings, sources)]),
    ],
  };
}

function lacking(missing: readonly Missing[]): readonly Finding[] {
  if (missing.length === 0) return [ok("credentials", "everything `serve` needs is set")];
  return missing.map((each) => {
    const { says, todo } = missingText(each);
    return fail("credentials", says, todo);
  });
}

function publicUrl({ http, webhooks, sweep }: Settings, sources: Registry["sources"]): Finding {
  const labels = Object.values(sources)
    .map(({ label }) => label)
    .join(" and ");
  if (webhooks === "off") {
    const says = `not needed: webhooks are off, and ${labels} are asked for news every ${sweep.pollSeconds} s`;
    return ok("public URL", says);
  }
  if (http.publicUrl !== null) return ok("public URL", http.publicUrl);
  const paths = Object.keys(sources)
    .map((name) => `/webhooks/${name}`)
    .join(" and ");
  return warn(
    "public URL",
    `http.publicUrl is not set: ${labels} must reach ${paths} from outside`,
    "put a TLS proxy or tunnel in front of the relay and set http.publicUrl to its address, or set webhooks to off",
  );
}
