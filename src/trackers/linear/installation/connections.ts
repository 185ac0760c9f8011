import { messageOf } from "../../../lib/assert.ts";
import { ExternalError } from "../../../lib/external.ts";
import { singleFlight } from "../../../lib/single-flight.ts";
import type { SealedVault } from "../../../lib/secrets/vault.ts";
import type { TrackerIdentity } from "../../tracker.ts";
import type { Application, TokenParts } from "../client/application.ts";
import { notSignedIn } from "../connection.ts";
import type { Connection, Connections } from "../connection.ts";
import { installedConnection } from "./installed.ts";
import { installationsIn } from "./record.ts";
import type { Installation } from "./record.ts";

/** Connections that grow when another workspace is installed. */
export interface InstalledConnections extends Connections {
  /** Keeps an installation and speaks with its tokens from now on, in place of an earlier one of the same workspace. */
  add(installation: Installation, signal: AbortSignal): Promise<void>;
  /** Whether there is any. */
  any(signal: AbortSignal): Promise<boolean>;
}

const UNREADABLE = {
  why: "the tokens of this installation cannot be read: they were encrypted with a key that is not set here",
  remedy:
    "set PATCHRELAY_ENCRYPTION_KEY to that key (or PATCHRELAY_ENCRYPTION_KEY_PREVIOUS, if there is a new one), or run `patchrelay linear connect` again",
};

/** The workspaces whose installations are in the vault; while there is none, `instead`. */
export function installedConnections(
  application: Application,
  vault: SealedVault,
  instead: Connections,
  parts: TokenParts,
): InstalledConnections {
  const installations = installationsIn(vault);
  let kept: ReadonlyMap<string, Connection | null> | null = null;
  const connected = (installation: Installation): Connection =>
    installedConnection(application, installation, installations, parts);
  const read = singleFlight(async () => {
    const found = await installations.list();
    kept ??= new Map([...found].map(([workspace, one]) => [workspace, one === null ? null : connected(one)]));
    return kept;
  });
  const all = async (signal: AbortSignal): Promise<ReadonlyMap<string, Connection | null>> =>
    kept ?? (await read(signal));
  const readable = (map: ReadonlyMap<string, Connection | null>): readonly Connection[] =>
    [...map.values()].filter((connection) => connection !== null);

  return {
    any: async (signal) => (await all(signal)).size > 0,
    async all(signal) {
      const map = await all(signal);
      if (map.size === 0) return await instead.all(signal);
      const connections = readable(map);
      if (connections.length === 0)
        throw new ExternalError("unauthorized", `${UNREADABLE.why}; ${UNREADABLE.remedy}`);
      return connections;
    },
    async at(workspace, signal) {
      const map = await all(signal);
      if (map.size === 0) return await instead.at(workspace, signal);
      const connections = readable(map);
      const found =
        workspace === null ? (connections.length === 1 ? connections[0] : null) : map.get(workspace);
      if (found !== undefined && found !== null) return found;
      throw workspace === null
        ? new ExternalError("unauthorized", "nobody has said in which of our Linear workspaces the issue is")
        : notSignedIn(workspace);
    },
    async whoAmI(signal) {
      const map = await all(signal);
      if (map.size === 0) return await instead.whoAmI(signal);
      const asked = await Promise.all(
        [...map].map(async ([workspace, connection]) =>
          connection === null
            ? { us: unreadable(workspace), silence: null }
            : await identityOf(connection, signal),
        ),
      );
      // When none of them answers it is the same outage for all.
      const [first] = asked;
      if (first?.silence != null && asked.every(({ silence }) => silence !== null)) throw first.silence;
      return asked.map(({ us, silence }) =>
        silence === null
          ? us
          : { ...us, inert: { why: messageOf(silence), remedy: "the relay tries again by itself" } },
      );
    },
    async add(installation, signal) {
      const { workspace } = installation;
      const earlier = (await all(signal)).get(workspace);
      const next = { ...installation, missedSince: earlier?.missedSince() ?? null };
      await installations.keep(next);
      kept = new Map([...(kept ?? []), [workspace, connected(next)]]);
    },
  };
}

function unreadable(workspace: string): TrackerIdentity {
  return { id: "", name: "", workspace, workspaceName: workspace, inert: UNREADABLE, quick: null };
}

/** Who we are there, and the outage that kept Linear from saying so again. */
async function identityOf(
  connection: Connection,
  signal: AbortSignal,
): Promise<{ readonly us: TrackerIdentity; readonly silence: ExternalError | null }> {
  try {
    return { us: await connection.ask(signal), silence: null };
  } catch (error) {
    if (!(error instanceof ExternalError) || signal.aborted) throw error;
    return { us: await connection.us(signal), silence: error };
  }
}
