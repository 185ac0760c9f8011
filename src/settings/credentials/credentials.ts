import { join, resolve } from "node:path";
import { Secret } from "../../lib/secrets/secret.ts";
import { CREDENTIALS, formsOf } from "./names.ts";
import type { CredentialName } from "./names.ts";
import { SOURCE_CREDENTIALS } from "../sources/credentials.ts";
import type { SourceCredentials } from "../sources/source.ts";
import type { Environment, ReadFile } from "../load/locate.ts";
import type { Problem } from "../load/problem.ts";

/** All credentials by the name that the operator sets; null is missing. */
export type Credentials = Readonly<Record<CredentialName, Secret | null>>;

export type ReadCredentials =
  | { readonly ok: true; readonly credentials: Credentials }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads the credentials: NAME, else the file that NAME_FILE names, else $CREDENTIALS_DIRECTORY/NAME (systemd).
 * Blank is missing. All problems at once; they name variables, never values, nor the paths in NAME_FILE, because that
 * is where a value lands by mistake.
 */
export function readCredentials(
  env: Environment,
  readFile: ReadFile,
  sources: readonly SourceCredentials[] = Object.values(SOURCE_CREDENTIALS),
): ReadCredentials {
  const problems: Problem[] = [];
  const found: Record<string, Secret | null> = {};
  for (const [name, formOf] of Object.entries(formsOf(sources))) {
    const raw = rawText(name, env, readFile);
    if (!raw.ok) problems.push({ file: null, path: raw.variable, message: raw.message, hint: raw.hint });
    else if (raw.text === null) found[name] = null;
    else {
      const formed = formOf(raw.text);
      if (formed.ok) found[name] = new Secret(formed.text);
      else problems.push({ file: null, path: raw.variable, message: formed.message, hint: null });
    }
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, credentials: Object.freeze(found as Record<CredentialName, Secret | null>) };
}

/** The files that credentials may be read from, absolute; whether they are there or not. */
export function credentialFiles(env: Environment): readonly string[] {
  const directory = unlessBlank(env["CREDENTIALS_DIRECTORY"]);
  return CREDENTIALS.flatMap((name) => {
    const file = unlessBlank(env[`${name}_FILE`]);
    return [...(file === null ? [] : [file.trim()]), ...(directory === null ? [] : [join(directory, name)])];
  }).map((path) => resolve(path));
}

type Raw =
  | { readonly ok: true; readonly text: string | null; readonly variable: string }
  | { readonly ok: false; readonly variable: string; readonly message: string; readonly hint: string };

function rawText(name: string, env: Environment, readFile: ReadFile): Raw {
  const fileName = `${name}_FILE`;
  const value = unlessBlank(env[name]);
  const file = unlessBlank(env[fileName]);
  if (value !== null && file !== null) {
    const message = `is set, and so is ${fileName}: only one may be`;
    return { ok: false, variable: name, message, hint: `unset ${name} or ${fileName}` };
  }
  if (value !== null) return { ok: true, text: value, variable: name };
  if (file !== null) {
    return fromFile(fileName, file.trim(), readFile, {
      message: "names a file that does not exist",
      hint: `set ${fileName} to the path of the file that contains ${name}`,
    });
  }
  const directory = unlessBlank(env["CREDENTIALS_DIRECTORY"]);
  if (directory === null) return { ok: true, text: null, variable: name };
  return fromFile(name, join(directory, name), readFile, null);
}

function fromFile(
  variable: string,
  path: string,
  readFile: ReadFile,
  absent: { readonly message: string; readonly hint: string } | null,
): Raw {
  try {
    const text = readFile(path);
    if (text !== null) return { ok: true, text: unlessBlank(text.replace(/\r?\n$/, "")), variable };
    return absent === null ? { ok: true, text: null, variable } : { ok: false, variable, ...absent };
  } catch (error) {
    const reason = error instanceof Error ? error.message : "unknown error";
    const message = `cannot read its file: ${reason}`;
    return {
      ok: false,
      variable,
      message,
      hint: "give the account that runs patchrelay permission to read it",
    };
  }
}

function unlessBlank(text: string | undefined): string | null {
  return text === undefined || text.trim() === "" ? null : text;
}
