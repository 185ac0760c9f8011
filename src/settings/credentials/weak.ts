import { OPEN_CREDENTIALS } from "./names.ts";
import type { Problem } from "../load/problem.ts";
import type { Given, SourceCredentials } from "../sources/source.ts";

const SHORTEST = 16;
/** Of random text this long, hex has more than ten. */
const LEAST_DISTINCT = 6;
const LONGEST_UNIT = 12;
/** What is left of a secret without common words. */
const LEAST_UNGUESSED = 8;

const WORDS = [
  ["change", "replace", "me", "this", "later", "todo", "fixme", "here", "your", "my", "the", "some"],
  ["secret", "password", "passwd", "pass", "key", "token", "webhook", "hook", "signing", "value", "string"],
  ["placeholder", "example", "sample", "dummy", "default", "test", "testing", "demo", "dev", "prod", "local"],
  ["patchrelay", "relay", "admin", "root", "user", "letmein", "qwerty", "asdf", "hunter"],
  ["foo", "bar", "baz", "abc", "xyz", "super", "very", "long", "random", "please", "hello", "world"],
  ["1234567890", "0123456789", "12345678", "123456", "12345", "1234", "123"],
].flat();
/**
 * What is accepted of the secrets and should not be: those that could be guessed, and those that are the same as another.
 * They are told by their names.
 */
export function weakSecrets(credentials: Given, sources: readonly SourceCredentials[]): readonly Problem[] {
  return [...guessable(credentials, sources), ...shared(credentials, sources)];
}

/** Those that people choose; keys and tokens are given out by the services. */
function guessable(credentials: Given, sources: readonly SourceCredentials[]): readonly Problem[] {
  const chosen = [
    ...sources.flatMap(({ webhookSecret: { name, source } }) =>
      [name, `${name}_PREVIOUS`].map((each) => ({ name: each, hint: remedy(source) })),
    ),
    { name: "PATCHRELAY_API_TOKEN", hint: `${MAKE} and set it wherever it is used` },
  ];
  const known = [...WORDS, ...chosen.map(({ name }) => name.split("_")[0]?.toLowerCase() ?? name)];
  // The longest first, so that nothing is left of `password` but what `pass` would leave.
  const words = new RegExp(known.toSorted((one, other) => other.length - one.length).join("|"), "g");
  return chosen.flatMap(({ name, hint }) => {
    const why = weakness(credentials[name]?.reveal() ?? null, words);
    return why === null ? [] : [{ file: null, path: name, message: why, hint }];
  });
}

const MAKE = "make one with `openssl rand -hex 32`";

/** One that a place of the source gives out cannot be chosen: it was copied wrongly. */
function remedy(source: string): string {
  return /^[A-Z]\w*: /.test(source)
    ? `copy it again from ${source}`
    : `${MAKE}, and change it at both ends (docs/operating.md, Secrets)`;
}

function weakness(text: string | null, words: RegExp): string | null {
  if (text === null) return null;
  if (text.length < SHORTEST) return `is shorter than ${SHORTEST} characters: it can be found by trying`;
  if (isRepeated(text)) return "repeats a few characters or counts on from one: it can be guessed";
  const left = text
    .toLowerCase()
    .replace(words, "")
    .replace(/[^a-z0-9]/g, "");
  return left.length < LEAST_UNGUESSED ? "uses common words and is easy to guess" : null;
}

function isRepeated(text: string): boolean {
  if (new Set(text).size < LEAST_DISTINCT) return true;
  for (let unit = 1; unit <= Math.min(LONGEST_UNIT, text.length / 2); unit += 1)
    if (text.startsWith(text.slice(unit))) return true;
  const codes = Array.from(text, (letter) => letter.codePointAt(0) ?? 0);
  const counting = codes.filter((code, index) => Math.abs(code - (codes[index - 1] ?? code - 9)) === 1);
  return counting.length > text.length / 2;
}

function shared(credentials: Given, sources: readonly SourceCredentials[]): readonly Problem[] {
  const open = new Set([...OPEN_CREDENTIALS, ...sources.flatMap((source) => source.open)]);
  const first = new Map<string, string>();
  return Object.entries(credentials).flatMap(([name, secret]): Problem[] => {
    if (secret === null || open.has(name)) return [];
    const text = secret.reveal();
    const other = first.get(text);
    if (other === undefined) {
      first.set(text, name);
      return [];
    }
    return [{ file: null, path: name, ...sameAs(other, name) }];
  });
}

function sameAs(other: string, name: string): Pick<Problem, "message" | "hint"> {
  if (name === `${other}_PREVIOUS`) {
    return {
      message: `is the same as ${other}: no secret is being changed`,
      hint: `unset ${name}, or set it to the one before`,
    };
  }
  return {
    message: `reuses ${other}: anyone who learns one has both`,
    hint: "was one pasted in place of the other? Give each its own",
  };
}
