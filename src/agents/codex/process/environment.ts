import { Secret } from "../../../lib/secrets/secret.ts";

const SECRET_NAME = /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/iu;
/** Shorter values would blot out ordinary words. */
const MIN_SECRET_LENGTH = 6;

/** The whole environment of the Codex process. HOME is its own home unless given: nothing of the person's is read. */
export function childEnvironment(
  given: Readonly<Record<string, string | Secret>>,
  home: string,
  tmpDir: string,
): Record<string, string> {
  const env: Record<string, string> = { HOME: home };
  for (const [name, value] of Object.entries(given)) env[name] = revealed(value);
  return { ...env, CODEX_HOME: home, TMPDIR: tmpDir };
}

/** Takes the credentials of `given` out of text that may be shown: each Secret, and what is named like one. */
export function scrubber(given: Readonly<Record<string, string | Secret>>): (text: string) => string {
  const secrets = Object.entries(given)
    .filter(([name, value]) => value instanceof Secret || SECRET_NAME.test(name))
    .map(([, value]) => revealed(value))
    .filter((text) => text.length >= MIN_SECRET_LENGTH);
  return (text) => secrets.reduce((clean, secret) => clean.replaceAll(secret, "[secret]"), text);
}

function revealed(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}
