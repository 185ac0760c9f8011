import { unreachable } from "../../lib/assert.ts";
import type { CredentialName } from "../credentials/names.ts";
import type { Credentials } from "../credentials/credentials.ts";
import type { Settings } from "../settings.ts";

/** A credential that a command cannot do without. */
export interface Missing {
  /** The variable, or alternatives joined by "or". */
  readonly name: string;
  readonly purpose: string;
  /** Where to get it. */
  readonly source: string;
}

/** Commands that need credentials. */
export type NeedsCredentials = "serve" | "linear connect" | "linear sync" | "repo link";

type Row = Omit<Missing, "name">;

const ROWS: Readonly<Partial<Record<CredentialName, Row>>> = {
  LINEAR_WEBHOOK_SECRET: {
    purpose: "verifies Linear's webhooks",
    source: "Linear: the OAuth application (or Settings → API → Webhooks), Signing secret",
  },
  GITHUB_WEBHOOK_SECRET: {
    purpose: "verifies GitHub's webhooks",
    source:
      "the webhook secret you chose in the GitHub App (or the repository's webhook); `openssl rand -hex 32` makes one",
  },
  LINEAR_OAUTH_CLIENT_ID: {
    purpose: "signs the relay in as a Linear application, together with LINEAR_OAUTH_CLIENT_SECRET",
    source: "Linear: Settings → API → OAuth applications, Client ID",
  },
  LINEAR_OAUTH_CLIENT_SECRET: {
    purpose: "signs the relay in as a Linear application, together with LINEAR_OAUTH_CLIENT_ID",
    source: "Linear: Settings → API → OAuth applications, Client secret",
  },
  GITHUB_APP_ID: {
    purpose: "signs the relay in as a GitHub App, together with GITHUB_APP_PRIVATE_KEY",
    source: "GitHub: the App's settings, General, App ID",
  },
  GITHUB_APP_PRIVATE_KEY: {
    purpose: "signs the relay in as a GitHub App, together with GITHUB_APP_ID",
    source: "GitHub: the App's settings, General, Private keys, Generate a private key",
  },
  PATCHRELAY_ENCRYPTION_KEY: {
    purpose: "encrypts the tokens of the Linear installation at rest",
    source: "make one with `openssl rand -hex 32` and store it with your backups",
  },
  PATCHRELAY_API_TOKEN: {
    purpose: "protects API and dashboard: http.host is not loopback, or http.requireToken is set",
    source:
      "make one with `openssl rand -hex 32`, or set http.host to 127.0.0.1 and http.requireToken to false",
  },
};

const LINEAR_EITHER: Missing = {
  name: "LINEAR_OAUTH_CLIENT_ID and LINEAR_OAUTH_CLIENT_SECRET",
  purpose:
    "signs the relay in as a Linear application: only an application can be a delegate. LINEAR_API_KEY works in its place if it holds an application's token",
  source:
    "Linear: Settings → API → OAuth applications, an application with client credentials enabled (README, section 4)",
};

const GITHUB_EITHER: Missing = {
  name: "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY, or GITHUB_TOKEN",
  purpose: "lets the relay push and open pull requests, as an App or as your own account",
  source: "GitHub: Settings → Developer settings → GitHub Apps, or → Personal access tokens",
};

/** What is missing for a command, each once, in the order to set them up. */
export function missingFor(
  command: NeedsCredentials,
  settings: Pick<Settings, "http">,
  credentials: Credentials,
): readonly Missing[] {
  switch (command) {
    case "serve":
      return [
        ...lacking(["LINEAR_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET"], credentials),
        ...missingForLinear(credentials),
        ...missingForGitHub(credentials),
        ...lacking(
          settings.http.loopback && !settings.http.requireToken ? [] : ["PATCHRELAY_API_TOKEN"],
          credentials,
        ),
      ];
    case "linear connect":
      return lacking(OAUTH, credentials);
    case "linear sync":
      return missingForLinear(credentials);
    case "repo link":
      return missingForGitHub(credentials);
    default:
      return unreachable(command);
  }
}

const OAUTH = ["LINEAR_OAUTH_CLIENT_ID", "LINEAR_OAUTH_CLIENT_SECRET", "PATCHRELAY_ENCRYPTION_KEY"] as const;

// A half pair is told even where the alternative is complete: it wins once it is whole, so it was meant.
function missingForLinear(credentials: Credentials): readonly Missing[] {
  const started =
    credentials.LINEAR_OAUTH_CLIENT_ID !== null || credentials.LINEAR_OAUTH_CLIENT_SECRET !== null;
  if (started) return lacking(["LINEAR_OAUTH_CLIENT_ID", "LINEAR_OAUTH_CLIENT_SECRET"], credentials);
  return credentials.LINEAR_API_KEY === null ? [LINEAR_EITHER] : [];
}

function missingForGitHub(credentials: Credentials): readonly Missing[] {
  const started = credentials.GITHUB_APP_ID !== null || credentials.GITHUB_APP_PRIVATE_KEY !== null;
  if (started) return lacking(["GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"], credentials);
  return credentials.GITHUB_TOKEN === null ? [GITHUB_EITHER] : [];
}

function lacking(names: readonly (keyof typeof ROWS)[], credentials: Credentials): readonly Missing[] {
  return names.flatMap((name) => {
    const row = ROWS[name];
    return credentials[name] === null && row !== undefined ? [{ name, ...row }] : [];
  });
}
