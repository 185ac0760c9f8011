import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { A_DIRECTORY } from "./locate.ts";
import type { Environment, ReadFile } from "./locate.ts";

// The only file that reads process.env. Everything else takes an Environment as an argument.

/** The variables of this process, as they are now. */
export function processEnvironment(): Environment {
  return Object.freeze({ ...process.env });
}

const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads a config or credential file (UTF-8, at most 1 MiB). Null when it does not exist; throws an error whose
 * message does not name the path, because a mistaken `…_FILE` variable may hold the credential itself.
 */
export const readTextFile: ReadFile = (path) => {
  const descriptor = open(path);
  if (typeof descriptor !== "number") {
    if (descriptor.code === "ENOENT" || descriptor.code === "ENOTDIR") return null;
    throw new Error(reasonOf(descriptor.code));
  }
  try {
    if (fstatSync(descriptor).isDirectory()) throw new Error(A_DIRECTORY);
    return readBounded(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

// Not by the size that the file states: a pipe states none.
function readBounded(descriptor: number): string {
  const bytes = Buffer.alloc(MAX_FILE_BYTES + 1);
  let length = 0;
  while (length <= MAX_FILE_BYTES) {
    const count = readSync(descriptor, bytes, length, bytes.length - length, null);
    if (count === 0) return bytes.toString("utf8", 0, length);
    length += count;
  }
  throw new Error("it is larger than 1 MiB");
}

// Gives the code alone: the error itself quotes the path.
function open(path: string): number | { readonly code: string | undefined } {
  try {
    return openSync(path, "r");
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code };
  }
}

function reasonOf(code: string | undefined): string {
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  return code ?? "unknown error";
}

// What a program needs to find its tools and to trust certificates. No proxy variables: their URLs may hold a password;
// an operator whose agent needs one names it.
const ORDINARY = [
  "PATH",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "NODE_EXTRA_CA_CERTS",
] as const;

/**
 * What a child process (the agent) inherits of our environment: an allow-list of ordinary variables and those that
 * the operator named for its agents. Everything else, credentials first, stays here.
 */
export function childEnvironment(
  env: Environment,
  further: readonly string[],
): Readonly<Record<string, string>> {
  const child: Record<string, string> = {};
  for (const name of [...ORDINARY, ...further]) {
    const value = env[name];
    if (value !== undefined) child[name] = value;
  }
  return child;
}
