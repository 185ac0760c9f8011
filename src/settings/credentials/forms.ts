import { createPrivateKey } from "node:crypto";
import { unreachable } from "../../lib/assert.ts";
import type { CredentialName } from "./names.ts";

/** A credential in the one form that the rest of the relay gets it in, or what form is expected. Never the value. */
export type Formed =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string };

/**
 * Checks the form of a credential and makes it uniform: encryption keys become 64 hex digits,
 * private keys PEM in PKCS#8.
 */
export function formOf(name: CredentialName, text: string): Formed {
  switch (name) {
    case "PATCHRELAY_ENCRYPTION_KEY":
    case "PATCHRELAY_ENCRYPTION_KEY_PREVIOUS":
      return encryptionKey(text.trim());
    case "GITHUB_APP_PRIVATE_KEY":
      return privateKey(text.trim());
    case "GITHUB_APP_ID":
      return /^(\d{1,20}|Iv[A-Za-z0-9.]{8,40})$/.test(text.trim())
        ? { ok: true, text: text.trim() }
        : { ok: false, message: "expected the App ID, the number on the App's settings page" };
    case "PATCHRELAY_API_TOKEN":
      return text.length < MIN_API_TOKEN
        ? { ok: false, message: `expected at least ${MIN_API_TOKEN} characters` }
        : oneWord(text);
    case "LINEAR_OAUTH_CLIENT_ID":
    case "LINEAR_OAUTH_CLIENT_SECRET":
    case "LINEAR_API_KEY":
    case "GITHUB_TOKEN":
      return oneWord(text);
    case "LINEAR_WEBHOOK_SECRET":
    case "LINEAR_WEBHOOK_SECRET_PREVIOUS":
    case "GITHUB_WEBHOOK_SECRET":
    case "GITHUB_WEBHOOK_SECRET_PREVIOUS":
      return /\p{Cc}/u.test(text)
        ? {
            ok: false,
            message: "contains a line break or control character, so no signature would ever match",
          }
        : { ok: true, text };
    default:
      return unreachable(name);
  }
}

const MIN_API_TOKEN = 24;

// These travel in HTTP headers and forms, where anything else would be an error far away from its cause.
function oneWord(text: string): Formed {
  return /^[\x21-\x7e]+$/.test(text)
    ? { ok: true, text }
    : { ok: false, message: "contains a space, a line break or a character that is not ASCII" };
}

function encryptionKey(text: string): Formed {
  if (/^[\da-f]{64}$/i.test(text)) return { ok: true, text: text.toLowerCase() };
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) {
    const bytes = Buffer.from(text, "base64");
    if (bytes.length === 32) return { ok: true, text: bytes.toString("hex") };
  }
  return {
    ok: false,
    message: "expected 32 random bytes as 64 hex digits or as base64; `openssl rand -hex 32` makes one",
  };
}

function privateKey(text: string): Formed {
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
