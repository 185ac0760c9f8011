import type { Secret } from "../../../lib/secret.ts";

/** How calls are authorised. */
export interface Auth {
  /** The `Authorization` header, valid now; may have to ask Linear for it first. */
  header(signal: AbortSignal): Promise<string>;
}

/** What the operator gave us to act with. */
export interface LinearCredential {
  readonly kind: "apiKey";
  readonly key: Secret;
}

/** The way to authorise with this credential. A personal API key is sent bare, without "Bearer". */
export function authWith(credential: LinearCredential): Auth {
  return { header: () => Promise.resolve(credential.key.reveal()) };
}
