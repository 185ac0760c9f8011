import { pathText } from "./problem.ts";

/** A place in a text, counted from 1, in characters. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Why a text is not strict JSON (RFC 8259), and where. */
export interface JsonFault {
  readonly at: Position;
  readonly message: string;
  readonly hint: string | null;
}

export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly faults: readonly JsonFault[] };

const MAX_DEPTH = 64;
const MAX_FAULTS = 20;

/**
 * Parses strict JSON. JSON.parse says the position of an error only in some of Node's versions and takes the last
 * of two equal keys without a word; a setting lost that way would look as if it had been ignored.
 */
export function parseStrictJson(text: string): StrictJson {
  // RFC 8259 section 8.1 lets a parser ignore a byte order mark, which some editors write.
  const body = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const scan = new Scan(body);
  const faults = scan.run();
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, value: JSON.parse(body) as unknown };
}

class Stop extends Error {}

class Scan {
  readonly #text: string;
  readonly #faults: JsonFault[] = [];
  #offset = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): readonly JsonFault[] {
    try {
      this.#space();
      this.#value([]);
      this.#space();
      if (this.#offset < this.#text.length) this.#stop("expected nothing after the closing bracket");
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    return this.#faults;
  }

  #value(path: readonly PropertyKey[]): void {
    if (path.length > MAX_DEPTH) this.#stop(`nested deeper than ${MAX_DEPTH} levels`);
    const next = this.#text[this.#offset];
    if (next === "{") this.#object(path);
    else if (next === "[") this.#list(path);
    else if (next === '"') this.#string();
    else if (!this.#take(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y) && !this.#take(/true|false|null/y)) {
      this.#stop("expected a value");
    }
  }

  #object(path: readonly PropertyKey[]): void {
    const seen = new Set<string>();
    this.#offset += 1;
    this.#space();
    if (this.#take(/\}/y)) return;
    for (;;) {
      const at = this.#offset;
      if (this.#text[at] !== '"') this.#stop("expected a key in double quotes");
      const key = this.#string();
      const keyPath = [...path, key];
      if (key === "__proto__") this.#note(at, `the key ${pathText(keyPath)} is not allowed`, null);
      if (seen.has(key)) {
        this.#note(
          at,
          `the key ${pathText(keyPath)} appears twice`,
          "only the last one would count: remove the other",
        );
      }
      seen.add(key);
      this.#space();
      if (!this.#take(/:/y)) this.#stop("expected a colon after the key");
      this.#space();
      this.#value(keyPath);
      this.#space();
      if (this.#take(/\}/y)) return;
      if (!this.#take(/,/y)) this.#stop("expected a comma or a closing brace");
      this.#space();
    }
  }

  #list(path: readonly PropertyKey[]): void {
    this.#offset += 1;
    this.#space();
    if (this.#take(/\]/y)) return;
    for (let index = 0; ; index += 1) {
      this.#value([...path, index]);
      this.#space();
      if (this.#take(/\]/y)) return;
      if (!this.#take(/,/y)) this.#stop("expected a comma or a closing bracket");
      this.#space();
    }
  }

  #string(): string {
    const start = this.#offset;
    // eslint-disable-next-line no-control-regex -- RFC 8259 section 7: control characters must be escaped
    this.#take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*/y);
    const next = this.#text[this.#offset];
    if (next === '"') {
      this.#offset += 1;
      return JSON.parse(this.#text.slice(start, this.#offset)) as string;
    }
    if (next === "\\") this.#stop("this is not a JSON escape");
    if (next === undefined || next === "\n" || next === "\r") this.#stop("this string has no closing quote");
    return this.#stop("a control character must be written as an escape");
  }

  #space(): void {
    this.#take(/[ \t\r\n]*/y);
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.#offset;
    if (!pattern.test(this.#text)) return false;
    this.#offset = pattern.lastIndex;
    return true;
  }

  #note(offset: number, message: string, hint: string | null): void {
    if (this.#faults.length >= MAX_FAULTS) throw new Stop();
    this.#faults.push({ at: positionOf(this.#text, offset), message, hint });
  }

  #stop(message: string): never {
    const found = this.#text[this.#offset];
    const end = found === undefined ? "the file ends here: " : "";
    this.#note(this.#offset, `not strict JSON: ${end}${message}`, hintFor(this.#text, this.#offset));
    throw new Stop();
  }
}

function hintFor(text: string, offset: number): string | null {
  const found = text[offset];
  if (found === "/" || found === "#")
    return "strict JSON has no comments; an editor shows the schema's descriptions";
  if (found === "'") return "JSON needs double quotes";
  if ((found === "}" || found === "]") && text.slice(0, offset).trimEnd().endsWith(",")) {
    return "remove the comma before it";
  }
  return null;
}

function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}
