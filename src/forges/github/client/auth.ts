import { createPrivateKey, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { z } from "zod";
import { parseTime } from "../../../lib/clock.ts";
import type { Clock } from "../../../lib/clock.ts";
import { ExternalError } from "../../../lib/external.ts";
import { Secret } from "../../../lib/secrets/secret.ts";
import { createGate } from "./limits.ts";

/** How the relay shows who it is: one account's token, or a GitHub App. */
export type GitHubAuth =
  | { readonly kind: "token"; readonly token: Secret }
  | { readonly kind: "app"; readonly appId: string; readonly privateKey: Secret };

/** The credential for a call. */
export interface Credentials {
  /** For calls about this repository; null = about ourselves (an App's own JWT). */
  tokenFor(repository: string | null, signal: AbortSignal): Promise<Secret>;
  /** For git: of one repository and only for its contents, where that is possible. */
  gitTokenFor(repository: string, signal: AbortSignal): Promise<Secret>;
  /** The token was refused: forget it. True = a new one may do better. */
  forget(repository: string | null): boolean;
}

/** Asks GitHub with an App's JWT; given by the client, so that limits and faults are the same as for every call. */
export type AskAsApp = <T>(
  jwt: Secret,
  route: string,
  parameters: Readonly<Record<string, unknown>>,
  schema: z.ZodType<T>,
  signal: AbortSignal,
) => Promise<T>;

export function createCredentials(auth: GitHubAuth, clock: Clock, ask: AskAsApp): Credentials {
  return auth.kind === "token" ? tokenCredentials(auth.token) : appCredentials(auth, clock, ask);
}

function tokenCredentials(token: Secret): Credentials {
  const give = (): Promise<Secret> => Promise.resolve(token);
  return { tokenFor: give, gitTokenFor: give, forget: () => false };
}

const Installation = z.object({ id: z.number().int() });
const InstallationToken = z.object({ token: z.string().min(1), expires_at: z.string() });

// Installation tokens live an hour; one that is about to end could end within the call.
const EARLY_MS = 5 * 60_000;
const MAX_KEPT = 500;

interface KeptToken {
  readonly token: Secret;
  readonly until: number;
}

function appCredentials(
  auth: { readonly appId: string; readonly privateKey: Secret },
  clock: Clock,
  ask: AskAsApp,
): Credentials {
  const installations = new Map<string, number>();
  const tokens = new Map<string, KeptToken>();
  const oneAtATime = createGate(1);
  let key: KeyObject | null = null;

  const jwt = (): Secret => {
    key ??= privateKeyOf(auth.privateKey);
    return signedJwt(auth.appId, key, clock.now());
  };

  const installationOf = async (repository: string, signal: AbortSignal): Promise<number> => {
    const known = installations.get(repository);
    if (known !== undefined) return known;
    const [owner, repo] = repository.split("/");
    const { id } = await ask(
      jwt(),
      "GET /repos/{owner}/{repo}/installation",
      { owner, repo },
      Installation,
      signal,
    );
    keep(installations, repository, id);
    return id;
  };

  const exchange = async (
    name: string,
    repository: string,
    permissions: Readonly<Record<string, string>> | null,
    signal: AbortSignal,
  ): Promise<Secret> =>
    oneAtATime.run(signal, async () => {
      const known = tokens.get(name);
      if (known !== undefined && known.until > clock.now()) return known.token;
      const installation = await installationOf(repository, signal);
      const given = await ask(
        jwt(),
        "POST /app/installations/{installation_id}/access_tokens",
        {
          installation_id: installation,
          repositories: [repository.split("/")[1]],
          ...(permissions === null ? {} : { permissions }),
        },
        InstallationToken,
        signal,
      );
      const token = new Secret(given.token);
      const until = (parseTime(given.expires_at) ?? clock.now()) - EARLY_MS;
      keep(tokens, name, { token, until });
      return token;
    });

  return {
    async tokenFor(repository, signal) {
      return repository === null ? jwt() : exchange(repository, repository, null, signal);
    },
    async gitTokenFor(repository, signal) {
      // Without `workflows`: a push that changes a workflow file is refused by GitHub itself.
      return exchange(`git ${repository}`, repository, { contents: "write", metadata: "read" }, signal);
    },
    forget(repository) {
      if (repository === null) return false;
      installations.delete(repository);
      tokens.delete(`git ${repository}`);
      return tokens.delete(repository);
    },
  };
}

function keep<T>(map: Map<string, T>, name: string, value: T): void {
  map.delete(name);
  map.set(name, value);
  const oldest = map.keys().next();
  if (map.size > MAX_KEPT && oldest.done !== true) map.delete(oldest.value);
}

// A key in an environment variable has its line breaks written out, or is base64 of the whole file.
function privateKeyOf(secret: Secret): KeyObject {
  const text = secret.reveal().trim();
  const pem = text.startsWith("-----")
    ? text.replaceAll(String.raw`\n`, "\n")
    : Buffer.from(text, "base64").toString();
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause is left out on purpose: it could quote the key.
    throw new ExternalError(
      "unauthorized",
      "GITHUB_APP_PRIVATE_KEY is not a private key in PEM form: download a new one from the App's settings page",
    );
  }
}

// RS256, issued a little in the past for clocks that differ, good for less than the ten minutes allowed.
function signedJwt(appId: string, key: KeyObject, now: number): Secret {
  const seconds = Math.floor(now / 1_000);
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const content = `${part({ alg: "RS256", typ: "JWT" })}.${part({ iat: seconds - 30, exp: seconds + 540, iss: appId })}`;
  return new Secret(`${content}.${sign("RSA-SHA256", Buffer.from(content), key).toString("base64url")}`);
}
