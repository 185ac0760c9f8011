import type { Secret } from "../../../lib/secrets/secret.ts";
import type { QuickSettings } from "../quick/trigger.ts";
import type { Auth } from "./auth.ts";
import type { Application, TokenParts } from "./application.ts";
import { clientCredentials } from "./client-credentials.ts";

/** What the operator gave us to act with: an application, or a key or token that is used as it is, and how where it is a person's. */
export type LinearCredential =
  | { readonly kind: "apiKey"; readonly key: Secret; readonly quick: QuickSettings }
  | ({ readonly kind: "clientCredentials" } & Application);

/** The way to authorise with this credential. A personal API key is sent bare, any other token as `Bearer`. */
export function authWith(credential: LinearCredential, parts: TokenParts): Auth {
  if (credential.kind === "clientCredentials") return clientCredentials(credential, parts);
  const key = credential.key.reveal();
  const header = key.startsWith("lin_api_") ? key : `Bearer ${key}`;
  return { header: () => Promise.resolve(header), judged: () => false };
}
