/** A credential in the one form that the rest of the relay gets it in, or what form is expected. Never the value. */
export type Formed =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly message: string };

/** Checks the form of a credential's text and makes it uniform. */
export type Form = (text: string) => Formed;

const MIN_API_TOKEN = 24;

export function apiToken(text: string): Formed {
  return text.length < MIN_API_TOKEN
    ? { ok: false, message: `expected at least ${MIN_API_TOKEN} characters` }
    : oneWord(text);
}

/** What is sent in HTTP headers and forms, where anything else would be an error far away from its cause. */
export function oneWord(text: string): Formed {
  return /^[\x21-\x7e]+$/.test(text)
    ? { ok: true, text }
    : { ok: false, message: "contains a space, a line break or a character that is not ASCII" };
}

export function webhookSecret(text: string): Formed {
  return /\p{Cc}/u.test(text)
    ? {
        ok: false,
        message: "contains a line break or control character, so no signature would ever match",
      }
    : { ok: true, text };
}

/** 32 bytes as hex or base64; comes out as 64 hex digits. */
export function encryptionKey(given: string): Formed {
  const text = given.trim();
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
