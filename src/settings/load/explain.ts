import type * as z from "zod";
import { nearest } from "../../lib/text.ts";
import { expectation, finding, formsOf, keysOf, knownElsewhere, nodeAt } from "./expectations.ts";
import type { SchemaNode } from "./expectations.ts";
import { pathText } from "./problem.ts";
import type { Problem } from "./problem.ts";

/** What zod found wrong with `config`, in our words: path, what was there, what is expected, what to do. */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  config: unknown,
  file: string,
  schema: SchemaNode,
): readonly Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        file,
        path: pathText([...issue.path, key]),
        message: "unknown key",
        hint: hintForKey(key, issue.path, schema),
      }));
    }
    return [problemOf(issue, config, file, schema)];
  });
}

function problemOf(issue: z.core.$ZodIssue, config: unknown, file: string, schema: SchemaNode): Problem {
  const path = pathText(issue.path);
  if (issue.code === "custom" && issue.message.startsWith("refused:")) {
    return { file, path, message: issue.message, hint: "remove it" };
  }
  const found = valueAt(config, issue.path);
  const node = nodeAt(schema, issue.path);
  if (found === undefined) {
    return { file, path, message: `is missing: expected ${describe(node)}`, hint: node?.description ?? null };
  }
  const ours = issue.code === "custom" || issue.code === "invalid_format";
  const expected = ours ? issue.message : `expected ${describe(node)}`;
  return { file, path, message: `${expected}, found ${finding(found)}`, hint: hintForValue(found, node) };
}

function describe(node: SchemaNode | null): string {
  return node === null ? "something else" : expectation(node);
}

const NO_OR_YES: Readonly<Record<string, string>> = { no: "off", false: "off", yes: "on", true: "on" };

function hintForValue(found: unknown, node: SchemaNode | null): string | null {
  if (node === null) return null;
  const forms = formsOf(node);
  const words = forms.flatMap((form) => form.enum ?? []).filter((word) => typeof word === "string");
  const meant = NO_OR_YES[String(found).toLowerCase()];
  if (meant !== undefined && words.includes(meant)) return `write "${meant}"`;
  if (typeof found !== "string") return null;
  const near = nearest(found, words);
  if (near !== null) return `did you mean "${near}"?`;
  const types = forms.map((form) => form.type);
  const bare =
    ((types.includes("integer") || types.includes("number")) && /^-?\d+(\.\d+)?$/.test(found)) ||
    (types.includes("boolean") && /^(true|false)$/.test(found)) ||
    (types.includes("null") && found === "null");
  if (bare) return "write it without quotes";
  const wrapped = wrappedIn(forms, found);
  return wrapped === null ? null : `write ${JSON.stringify(wrapped)}`;
}

/** A bare text as the list of texts, or the object with one required key, that was expected; null = neither was. */
function wrappedIn(forms: readonly SchemaNode[], found: string): unknown {
  for (const { type, items, required } of forms) {
    if (type === "array" && typeof items === "object" && !Array.isArray(items) && items.type === "string")
      return [found];
    const [only, ...others] = required ?? [];
    if (type === "object" && only !== undefined && others.length === 0) return { [only]: found };
  }
  return null;
}

const LIKE_A_CREDENTIAL = /secret|token|password|api_?key|private_?key|client_?id|app_?id|encryption/i;

function hintForKey(key: string, path: readonly PropertyKey[], schema: SchemaNode): string {
  const siblings = keysOf(nodeAt(schema, path));
  const near = nearest(key, siblings);
  const sameLetters = near?.toLowerCase() === key.toLowerCase();
  if (LIKE_A_CREDENTIAL.test(key) && !sameLetters && !/^(require|max)/i.test(key)) {
    return "credentials do not belong in this file: set them in the environment, through NAME_FILE, or as systemd credentials";
  }
  const elsewhere = knownElsewhere(schema, key);
  if (elsewhere !== null && !sameLetters) return `did you mean ${elsewhere}?`;
  if (near !== null) return `did you mean ${pathText([...path, near])}?`;
  return `known here: ${siblings.join(", ")}`;
}

/** The value at a path; undefined where there is none. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, part)
        ? (value as Readonly<Record<PropertyKey, unknown>>)[part]
        : undefined,
    root,
  );
}
