import { rmSync, writeFileSync } from "node:fs";
import { startRelay } from "../relay.ts";
import type { Relay } from "../relay.ts";
import { credentialFiles } from "../settings/credentials/credentials.ts";
import { childEnvironment } from "../settings/load/environment.ts";
import { armFailpoints } from "../settings/failpoints.ts";
import { problemText } from "../settings/load/problem.ts";
import type { Settings } from "../settings/settings.ts";
import type { Command, Context } from "./usage/command.ts";
import { Failure } from "./usage/failure.ts";
import { urlFile } from "./reach/address.ts";
import { untilSignal } from "./serve/life.ts";
import { createLog } from "./serve/log.ts";
import { inheritedBy } from "./host/registry.ts";
import { readyToServe } from "./serve/settings.ts";
import { packageVersion } from "./host/version.ts";

export const command: Command = {
  arguments: [],
  options: {},
  about: [
    "Prints its URL on standard output once webhooks are accepted; the log goes to standard error, as JSON lines unless that is a terminal.",
    "SIGTERM or SIGINT shuts it down cleanly within http.shutdownSeconds (10); a second one stops it immediately. Nothing is lost either way.",
  ],
  examples: [
    { says: "with the configuration in this folder", line: "serve" },
    { says: "elsewhere, for a script that waits for it", line: "serve --config /etc/patchrelay.json --json" },
  ],
  async run(context) {
    const { host } = context;
    const ready = await readyToServe(host, context.configFlag);
    if (!ready.ok) throw new Failure(1, "bad_settings", ready.lines.join("\n"));
    const { settings, credentials, warnings } = ready;
    const log = await createLog(settings.log.level, host);
    for (const warning of [...warnings, ...armFailpoints(host.env)]) log.warn(problemText(warning));
    return await untilSignal(host, log, settings.http.shutdownSeconds * 1_000, async () => {
      const relay = await startRelay({
        settings,
        credentials,
        childEnv: childEnvironment(host.env, await inheritedBy(host, settings)),
        credentialFiles: credentialFiles(host.env),
        clock: host.clock,
        randomness: await host.randomness(),
        log,
        version: packageVersion(),
        pid: host.pid,
        ...(host.registry === undefined ? {} : { registry: host.registry }),
      }).catch((error: unknown) => {
        throw listenFailure(error, settings) ?? error;
      });
      announce(relay, settings, context);
      return relay;
    });
  },
};

function announce(relay: Relay, settings: Settings, context: Context): void {
  // With port 0 the commands of an operator find the relay by this; with another one it is not needed.
  if (settings.http.port === 0) {
    const file = urlFile(settings.dataDir);
    writeFileSync(file, `${relay.url}\n`, { mode: 0o600 });
    context.onClose(() => rmSync(file, { force: true }));
  }
  // It serves whether or not somebody reads that.
  context.host.stdout.offer(
    `${context.json ? JSON.stringify({ url: relay.url, pid: context.host.pid }) : `patchrelay listens on ${relay.url}`}\n`,
  );
}

function listenFailure(error: unknown, { http }: Settings): Failure | null {
  const code = (error as { readonly code?: unknown }).code;
  const place = `${http.host}:${http.port}`;
  if (code === "EADDRINUSE") {
    return new Failure(1, "address_in_use", `something else already listens on ${place}`, {
      hint: "stop it, or set http.port to another one",
    });
  }
  if (code === "EADDRNOTAVAIL" || code === "EACCES") {
    return new Failure(1, "address_refused", `cannot listen on ${place} (${code})`, {
      hint: "set http.host to an address of this machine and http.port to more than 1023",
    });
  }
  return null;
}
