import { ExternalError } from "../../../lib/external.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import type { TrackerIdentity } from "../../tracker.ts";
import { askToken } from "../client/application.ts";
import type { Application, TokenParts } from "../client/application.ts";
import { createClient } from "../client/client.ts";
import { renewing } from "../client/renewing.ts";
import type { Connection } from "../connection.ts";
import { readIdentity } from "../read/read.ts";
import { sessionEvents } from "../read/session-events.ts";
import { ticketReader } from "../read/sessions.ts";
import { missingScopes, withToken } from "./record.ts";
import type { Installation, Installations } from "./record.ts";

/**
 * Speaks in the workspace of `first`. A refresh gives both tokens another value; both are kept before either is used, so
 * that a crash in between leaves the old pair, which Linear answers with the same new one for half an hour.
 */
export function installedConnection(
  application: Application,
  first: Installation,
  installations: Installations,
  parts: TokenParts,
): Connection {
  const { clock } = parts;
  let kept = first;
  let lastWrite: Promise<void> = Promise.resolve();
  // One after the other, each on what the one before has kept: none may bring back a token that was replaced meanwhile.
  const keep = async (change: (now: Installation) => Installation): Promise<void> => {
    const before = lastWrite;
    const write = async (): Promise<void> => {
      await before.catch(() => undefined);
      const changed = change(kept);
      await installations.keep(changed);
      kept = changed;
    };
    lastWrite = write();
    await lastWrite;
  };
  const auth = renewing(
    async (signal) => {
      if (!installations.writable) {
        throw new ExternalError(
          "unauthorized",
          "its token has to be renewed, and only the running relay does that: start it with `patchrelay serve`",
        );
      }
      const fields = { refresh_token: kept.refreshToken };
      const token = await askToken(application, "refresh_token", fields, parts, signal);
      const { refresh } = token;
      if (refresh === null)
        throw new ExternalError("unavailable", "Linear (token): it gave no refresh token");
      failpoint("linear.refreshed");
      await keep((now) => withToken(now, { ...token, refresh }, clock.now()));
      return held(kept);
    },
    held(first),
    parts,
  );
  const client = createClient({ ...parts, auth });
  const sessions = sessionEvents();
  const us = (inert: TrackerIdentity["inert"]): TrackerIdentity => {
    const { id, name, workspace, workspaceName } = kept;
    return { id, name, workspace, workspaceName, inert, quick: null };
  };
  return {
    client,
    sessions,
    auth,
    tickets: ticketReader(client, parts),
    // An installation is an application's.
    quick: null,
    us: async () => us(null),
    async ask(signal) {
      try {
        const { name, workspaceName, inert } = await readIdentity(client, signal);
        if (name !== kept.name || workspaceName !== kept.workspaceName)
          await keep((now) => ({ ...now, name, workspaceName }));
        return us(inert ?? narrowed(kept) ?? sessions.trouble());
      } catch (error) {
        if (!(error instanceof ExternalError) || error.kind !== "unauthorized") throw error;
        return us({
          why: error.message,
          remedy: "what is known of its issues is kept, and work goes on once it is connected again",
        });
      }
    },
    missed: async (since) => await keep((now) => ({ ...now, missedSince: since })),
    missedSince: () => kept.missedSince,
  };
}

function held({ accessToken, obtainedAt, expiresAt }: Installation) {
  return { text: accessToken, obtainedAt, expiresAt };
}

function narrowed(installation: Installation): TrackerIdentity["inert"] {
  const missing = missingScopes(installation);
  if (missing.length === 0) return null;
  return {
    why: `the application lacks ${missing.join(", ")} in this workspace`,
    remedy: "run `patchrelay linear connect` and have an admin approve all that is asked for",
  };
}
