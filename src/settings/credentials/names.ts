import { SOURCE_CREDENTIALS } from "../sources/credentials.ts";
import type { SourceCredentials } from "../sources/source.ts";
import { apiToken, encryptionKey } from "./forms.ts";
import type { Form } from "./forms.ts";

/** Those of the relay itself. */
const OWN = {
  PATCHRELAY_ENCRYPTION_KEY: encryptionKey,
  PATCHRELAY_ENCRYPTION_KEY_PREVIOUS: encryptionKey,
  PATCHRELAY_API_TOKEN: apiToken,
} as const;

type All = typeof SOURCE_CREDENTIALS;

/** The credentials, by the names that an operator sets. */
export type CredentialName = keyof typeof OWN | { [N in keyof All]: keyof All[N]["forms"] }[keyof All];

/** The form of each credential of a relay with these sources, by its name. */
export function formsOf(sources: readonly SourceCredentials[]): Readonly<Record<string, Form>> {
  return Object.assign({}, ...sources.map(({ forms }) => forms), OWN) as Readonly<Record<string, Form>>;
}

export const CREDENTIALS = Object.keys(formsOf(Object.values(SOURCE_CREDENTIALS))) as CredentialName[];

/** Those that are no secrets: ids of our apps, which stand in public places, and one of them is a mere number. */
export const OPEN_CREDENTIALS: ReadonlySet<string> = new Set<string>(
  Object.values(SOURCE_CREDENTIALS).flatMap(({ open }) => open),
);
