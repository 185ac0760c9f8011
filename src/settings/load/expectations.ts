import type * as z from "zod";
import { clip } from "../../lib/text.ts";
import { pathText } from "./problem.ts";

// Words for what a setting may be, taken from the JSON Schema that is also published: one source, two readers.

export type SchemaNode = z.core.JSONSchema.JSONSchema;

/** The part of the schema that describes the value at `path`; null where the schema knows nothing of it. */
export function nodeAt(root: SchemaNode, path: readonly PropertyKey[]): SchemaNode | null {
  return path.reduce<SchemaNode | null>((node, part) => (node === null ? null : childOf(node, part)), root);
}

/** The keys that an object of this schema may have. */
export function keysOf(node: SchemaNode | null): readonly string[] {
  return node === null ? [] : Object.keys(objectForm(node).properties ?? {});
}

/** Where else in the configuration a key of this name is known, as text; the shortest path. */
export function knownElsewhere(root: SchemaNode, key: string): string | null {
  const queue: { node: SchemaNode; path: readonly PropertyKey[] }[] = [{ node: root, path: [] }];
  for (const { node, path } of queue) {
    for (const [name, child] of Object.entries(objectForm(node).properties ?? {})) {
      if (typeof child === "boolean") continue;
      if (name === key) return pathText([...path, name]);
      queue.push({ node: child, path: [...path, name] });
    }
  }
  return null;
}

/** What is expected, as a person says it: "a whole number from 1 to 64", "one of "a", "b"", "text or null". */
export function expectation(node: SchemaNode): string {
  const forms = formsOf(node);
  if (forms.length > 1) return forms.map(expectation).join(" or ");
  if (node.enum !== undefined) return `one of ${node.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  switch (node.type) {
    case "integer":
      return `a whole number${range(node)}`;
    case "number":
      return `a number${range(node)}`;
    case "string":
      return node.maxLength === undefined
        ? "a string"
        : `a string of ${node.minLength ?? 0} to ${node.maxLength} characters`;
    case "boolean":
      return "true or false";
    case "array":
      return node.maxItems === undefined ? "a list" : `a list of at most ${node.maxItems} entries`;
    case "null":
      return "null";
    case "object":
    case undefined:
    default:
      return "an object";
  }
}

/** The alternatives that a schema allows: of "text or null" both; else the schema itself. */
export function formsOf(node: SchemaNode): readonly SchemaNode[] {
  if (node.anyOf !== undefined) return node.anyOf.filter((form) => typeof form === "object");
  // A list of types is how zod writes a nullable without further rules; its type declaration does not know that.
  const types: unknown = node.type;
  return Array.isArray(types)
    ? types.map((type: SchemaNode["type"]) => ({ ...node, type }) as SchemaNode)
    : [node];
}

/** What was there, short: texts and numbers as written, of the rest only what it is. */
export function finding(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  if (typeof value === "string" && LIKE_A_CREDENTIAL.test(value))
    return "something that may hold a credential";
  // JSON.stringify would call a number too large to be one null.
  return typeof value === "number" ? String(value) : clip(JSON.stringify(value), 80);
}

function childOf(node: SchemaNode, part: PropertyKey): SchemaNode | null {
  const form = objectForm(node);
  const child =
    typeof part === "number"
      ? form.items
      : Object.hasOwn(form.properties ?? {}, part)
        ? form.properties?.[String(part)]
        : form.additionalProperties;
  return typeof child === "object" && !Array.isArray(child) ? child : null;
}

// A user in a URL and what the tokens of GitHub, Linear and model providers begin with: messages end up in logs.
const LIKE_A_CREDENTIAL = /\/\/[^/]*@|\bgh[a-z]_|github_pat_|\blin_|\bsk-|-----BEGIN/;

// Of "an object or null" the object.
function objectForm(node: SchemaNode): SchemaNode {
  return formsOf(node).find((form) => form.type !== "null") ?? node;
}

function range({ minimum, maximum }: SchemaNode): string {
  const low = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? null : minimum;
  const high = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? null : maximum;
  if (low !== null && high !== null) return ` from ${low} to ${high}`;
  if (low !== null) return ` of at least ${low}`;
  return high === null ? "" : ` of at most ${high}`;
}
