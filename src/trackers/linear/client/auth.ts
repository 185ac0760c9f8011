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

/** The way to authorise with this credential. A personal API key travels bare, any other token as `Bearer`. */
export function authWith(credential: LinearCredential): Auth {
  const key = credential.key.reveal();
  const header = key.startsWith("lin_api_") ? key : `Bearer ${key}`;
  return { header: () => Promise.resolve(header) };
}
