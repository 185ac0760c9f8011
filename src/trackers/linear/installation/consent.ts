import { createHash } from "node:crypto";
import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import { sha256 } from "../../../lib/ids.ts";
import type { Randomness } from "../../../lib/ids.ts";
import type { SealedVault } from "../../../lib/secrets/vault.ts";
import { askToken, SCOPES } from "../client/application.ts";
import type { Application, TokenParts } from "../client/application.ts";
import { createClient } from "../client/client.ts";
import { readIdentity } from "../read/read.ts";
import { withToken } from "./record.ts";
import type { Installation } from "./record.ts";

const OWNER = "linear consents";
/** A consent is a matter of minutes; who comes later starts again. */
const CONSENT_MS = 15 * 60_000;
/** Consents under way at a time; with more the oldest end. */
const MOST_OPEN = 20;

const pending = z.object({
  verifier: z.string(),
  redirectUri: z.string(),
  expiresAt: z.number(),
});
type Pending = z.output<typeof pending>;

/** The two halves of an installation by OAuth: where a person is sent, and what they come back with. */
export interface Consents {
  /** Where an admin of the workspace gives consent. `further`: ask even an admin who has given it to another workspace. */
  begin(redirectUri: string, further: boolean): Promise<string>;
  /**
   * The installation that a consent gave. Each state is good for one return. Throws ExternalError `refused` for a state that
   * nobody began, that was used or is too old, and what asking Linear throws; nothing is kept then.
   */
  finish(state: string, code: string, signal: AbortSignal): Promise<Installation>;
  /** Ends a consent that was not given. Throws like `finish`. */
  decline(state: string): Promise<void>;
}

/** Consents whose state and PKCE verifier (RFC 7636) are sealed in the vault: only who was sent from here can come back. */
export function createConsents(
  application: Application,
  vault: SealedVault,
  parts: TokenParts & { readonly authorizeUrl: string; readonly randomness: Randomness },
): Consents {
  const { clock, randomness, authorizeUrl } = parts;

  const open = async (): Promise<readonly { readonly name: string; readonly expiresAt: number }[]> => {
    const kept = await vault.list(OWNER);
    return kept.map(({ name, text }) => ({ name, expiresAt: text === null ? 0 : read(text).expiresAt }));
  };
  const tidy = async (): Promise<void> => {
    const now = clock.now();
    const newestFirst = (await open()).toSorted((a, b) => b.expiresAt - a.expiresAt);
    for (const [index, { name, expiresAt }] of newestFirst.entries()) {
      if (expiresAt <= now || index >= MOST_OPEN - 1) await vault.take(OWNER, name);
    }
  };
  // Taken before anything is asked of Linear: of two returns with the same state one goes on.
  const taken = async (state: string): Promise<Pending> => {
    const text = await vault.take(OWNER, sha256(state));
    const found = text === null ? null : read(text);
    if (found === null || found.expiresAt <= clock.now()) {
      throw new ExternalError(
        "refused",
        "this consent was not begun here, was used already, or is too old; run `patchrelay linear connect` again",
      );
    }
    return found;
  };

  return {
    async begin(redirectUri, further) {
      await tidy();
      const state = randomness.bytes(32).toString("base64url");
      const verifier = randomness.bytes(32).toString("base64url");
      const kept: Pending = { verifier, redirectUri, expiresAt: clock.now() + CONSENT_MS };
      await vault.put(OWNER, sha256(state), JSON.stringify(kept));
      const url = new URL(authorizeUrl);
      url.search = new URLSearchParams({
        client_id: application.clientId.reveal(),
        redirect_uri: redirectUri,
        response_type: "code",
        scope: SCOPES.join(","),
        state,
        actor: "app",
        ...(further ? { prompt: "consent" } : {}),
        code_challenge: createHash("sha256").update(verifier).digest("base64url"),
        code_challenge_method: "S256",
      }).toString();
      return url.href;
    },
    async finish(state, code, signal) {
      const { verifier, redirectUri } = await taken(state);
      const fields = { code, redirect_uri: redirectUri, code_verifier: verifier };
      const token = await askToken(application, "authorization_code", fields, parts, signal);
      failpoint("linear.exchanged");
      const { refresh } = token;
      if (refresh === null)
        throw new ExternalError("unavailable", "Linear (token): it gave no refresh token");
      const header = `Bearer ${token.text}`;
      const auth = { header: () => Promise.resolve(header), judged: () => false };
      const us = await readIdentity(createClient({ ...parts, auth }), signal);
      if (us.inert !== null) {
        throw new ExternalError(
          "refused",
          `Linear signed in ${us.name}, a person, instead of the application; run \`patchrelay linear connect\` again`,
        );
      }
      const { id, name, workspace, workspaceName } = us;
      const rest = { v: 1, workspace, workspaceName, id, name, missedSince: null } as const;
      return withToken(rest, { ...token, refresh }, clock.now());
    },
    async decline(state) {
      await taken(state);
    },
  };
}

function read(text: string): Pending {
  return pending.parse(JSON.parse(text));
}
