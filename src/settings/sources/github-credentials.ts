import { createPrivateKey } from "node:crypto";
import { oneWord, webhookSecret } from "../credentials/forms.ts";
import type { Formed } from "../credentials/forms.ts";
import type { Missing, SourceCredentials } from "./source.ts";

const APP: readonly Missing[] = [
  {
    name: "GITHUB_APP_ID",
    purpose: "signs the relay in as a GitHub App, together with GITHUB_APP_PRIVATE_KEY",
    source: "GitHub: the App's settings, General, App ID",
  },
  {
    name: "GITHUB_APP_PRIVATE_KEY",
    purpose: "signs the relay in as a GitHub App, together with GITHUB_APP_ID",
    source: "GitHub: the App's settings, General, Private keys, Generate a private key",
  },
];

const EITHER: Missing = {
  name: "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY, or GITHUB_TOKEN",
  purpose: "lets the relay push and open pull requests, as an App or as your own account",
  source: "GitHub: Settings → Developer settings → GitHub Apps, or → Personal access tokens",
};

export const GITHUB_CREDENTIALS = {
  forms: {
    GITHUB_WEBHOOK_SECRET: webhookSecret,
    GITHUB_WEBHOOK_SECRET_PREVIOUS: webhookSecret,
    GITHUB_APP_ID: appId,
    GITHUB_APP_PRIVATE_KEY: privateKey,
    GITHUB_TOKEN: oneWord,
  },
  open: ["GITHUB_APP_ID"],
  webhookSecret: {
    name: "GITHUB_WEBHOOK_SECRET",
    purpose: "verifies GitHub's webhooks; not needed where webhooks are off",
    source:
      "the webhook secret you chose in the GitHub App (or the repository's webhook); `openssl rand -hex 32` makes one",
  },
  // A half pair is told even where the alternative is complete: it wins once it is whole, so it was meant.
  missing(credentials) {
    const lacking = APP.filter(({ name }) => credentials[name] === null);
    if (lacking.length < APP.length) return lacking;
    return credentials["GITHUB_TOKEN"] === null ? [EITHER] : [];
  },
  unused: (credentials) =>
    credentials["GITHUB_TOKEN"] !== null && APP.every(({ name }) => credentials[name] !== null)
      ? [{ name: "GITHUB_TOKEN", winner: "the App" }]
      : [],
} as const satisfies SourceCredentials;

function appId(text: string): Formed {
  return /^(\d{1,20}|Iv[A-Za-z0-9.]{8,40})$/.test(text.trim())
    ? { ok: true, text: text.trim() }
    : { ok: false, message: "expected the App ID, the number on the App's settings page" };
}

/** PEM (PKCS#1 or PKCS#8), as lines, with `\\n` written out or as base64; comes out as PKCS#8. */
function privateKey(given: string): Formed {
  const text = given.trim();
  const pem = text.includes("-----BEGIN")
    ? text.replaceAll("\\r", "").replaceAll("\\n", "\n")
    : Buffer.from(text, "base64").toString("utf8");
  if (!pem.includes("-----BEGIN")) return notPem("expected a PEM (PKCS#1 or PKCS#8), or base64 of one");
  if (pem.includes("PUBLIC KEY-----")) return notPem("is a public key; expected the private key");
  if (pem.includes("ENCRYPTED")) return notPem("has a passphrase; expected the key as GitHub provides it");
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== "rsa") return notPem("is not an RSA key; GitHub Apps use RSA keys");
    return { ok: true, text: key.export({ type: "pkcs8", format: "pem" }) as string };
  } catch (error) {
    // OpenSSL's own words can quote the input, so they are kept out of the message.
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    return notPem(
      `is a damaged PEM (${code}); expected the file as downloaded from GitHub, with its line breaks`,
    );
  }
}

function notPem(message: string): Formed {
  return { ok: false, message };
}
