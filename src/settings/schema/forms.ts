import { isIP } from "node:net";
import * as z from "zod";
import { isPathText, PATH_EXPECTED } from "../load/locate.ts";

// Forms that a text setting may have. Each message completes "…, found X".

const HOSTNAME =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

/** Whether a listening address can be reached from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

// The Linear SDK takes plain http to exactly these three names; what is good enough for its
// tokens is good enough for the others.
const LOOPBACK_URL_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** Whether a URL may be sent a credential: HTTPS, or plain HTTP that does not leave this machine. */
function isConfidentialUrl(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK_URL_HOSTS.includes(url.hostname));
}

/** A text of one line, 1 to `max` characters. */
export function line(max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, "expected text without control characters");
}

/** A path as `fullPath` takes it. */
export const pathForm = z.string().max(4096).refine(isPathText, PATH_EXPECTED);

/** A program: a bare name looked up on PATH, or a path. */
export const programForm = z
  .string()
  .max(4096)
  .refine(
    (text) => isPathText(text) && !text.startsWith("-"),
    "expected the name of a program or a path to it",
  );

/** A name or address to listen on. */
export const hostForm = z
  .string()
  .refine(
    (text) => isIP(text) !== 0 || HOSTNAME.test(text),
    "expected a host name or an IP address, without port",
  );

/** The base of a service that is sent credentials. */
export const baseUrlForm = z
  .string()
  .refine(
    isServiceUrl,
    "expected an https URL without user, query or fragment (http only to localhost, 127.0.0.1 or [::1])",
  );

/** Where people and webhooks reach the relay. */
export const publicUrlForm = z
  .string()
  .refine(
    (text) => parseUrl(text, ["https:", "http:"]) !== null,
    "expected an http or https URL without user, query or fragment",
  );

/**
 * Where git fetches from and pushes to. No SSH: the relay's git runs no program that a repository or a person's
 * configuration could choose, and the token is what authenticates.
 */
export const cloneUrlForm = z
  .string()
  .refine(
    (text) => text.startsWith("/") || parseUrl(text, ["file:"]) !== null || isServiceUrl(text),
    "expected an https URL without user or password, or an absolute path (http only to loopback; no ssh: the relay pushes with its token)",
  );

/** `owner/name` as GitHub spells it. */
export const repositoryNameForm = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98})\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}(?<!\.git)$/,
    'expected "owner/name" (without .git)',
  );

/** A branch name from an allow-list: nothing that git, a shell or a path could read as anything else (T19 in docs/reliability.md). */
export const branchForm = z
  .string()
  .max(200)
  .regex(
    /^(?!.*(?:\.\.|\/\/|\/\.|\.lock(?:\/|$)|[./]$))[A-Za-z0-9][A-Za-z0-9._/-]*$/,
    "expected a branch name of letters, digits, dots, hyphens, underscores and slashes",
  );

/** What the relay's branches begin with. */
export const branchPrefixForm = z
  .string()
  .max(60)
  .regex(
    /^(?!.*(?:\.\.|\/\/|\/\.|\.lock\/|\.$))[a-z0-9][a-z0-9._/-]*$/,
    'expected lower-case letters, digits, dots, hyphens, underscores and slashes, as "patchrelay/"',
  );

/** A name as git writes it beside an address. */
export const personNameForm = line(100).regex(
  /^(?=.*[\p{L}\p{N}])[^<>]*$/u,
  "expected a name with a letter or a digit, and without < and >",
);

/** An address as git writes it. */
export const emailForm = line(254).regex(
  /^[^\s<>@]*[\p{L}\p{N}][^\s<>@]*@[\p{L}\p{N}][^\s<>@]*$/u,
  "expected an e-mail address",
);

/** The id of a project, stable forever: the database keeps it. */
export const projectIdForm = z
  .string()
  .min(1)
  .max(60)
  .regex(/^[a-z0-9][a-z0-9-]*$/, "expected lower-case letters, digits and hyphens");

function isServiceUrl(text: string): boolean {
  const url = parseUrl(text, ["https:", "http:"]);
  return url !== null && isConfidentialUrl(url);
}

function parseUrl(text: string, protocols: readonly string[]): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const plain = url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  return plain && protocols.includes(url.protocol) ? url : null;
}

/** A URL without slashes at its end. */
export function bare(url: string): string {
  return url.replace(/\/+$/, "");
}
