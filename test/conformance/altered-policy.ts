import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const FOLDER = fileURLToPath(new URL("../../src/engines/policy/", import.meta.url));
const FUNCTION = /^export function (\w+)/gm;

/** Every decision that engines share: the functions that engines/policy/ exports, as file, colon, name. */
export function policyFunctions(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".ts"))
    .toSorted()
    .flatMap((file) => namesIn(readFileSync(join(FOLDER, file), "utf8")).map((name) => `${file}:${name}`));
}

function namesIn(code: string): readonly string[] {
  return [...code.matchAll(FUNCTION)].map(([, name]) => name ?? "");
}

/**
 * A plugin of vite: each policy function answers something else than it would while `globalThis.alteredPolicy` names it, as
 * that name. src/ has no switch for this, and no other tests run with it.
 */
export const alteredPolicy = {
  name: "altered-policy",
  enforce: "pre" as const,
  transform(code: string, id: string): string | null {
    const path = id.split("?")[0] ?? "";
    if (!path.startsWith(FOLDER)) return null;
    const file = path.slice(FOLDER.length);
    const names = namesIn(code);
    return [
      names.reduce((text, name) => text.replace(`export function ${name}`, `function ${name}AsItIs`), code),
      ALTER,
      ...names.map(
        (name) =>
          `export function ${name}(...given) { return alter(${JSON.stringify(`${file}:${name}`)}, ${name}AsItIs(...given)); }`,
      ),
    ].join("\n");
  },
};

// Truth values are turned round, numbers and texts are others, lists lose their order or what they hold.
const ALTER = `
function alter(name, answer) {
  return globalThis.alteredPolicy === name ? other(answer) : answer;
}
function other(answer) {
  if (typeof answer === "boolean") return !answer;
  if (typeof answer === "number") return answer === 0 ? 86_400_000 : answer * 1_000 + 1;
  if (typeof answer === "string") return "altered";
  if (answer === null || answer === undefined) throw new Error("altered");
  if (Array.isArray(answer)) {
    if (answer.length === 0) throw new Error("altered");
    return answer.length === 1 ? [] : answer.toReversed();
  }
  if (answer instanceof Map || answer instanceof Set) return new answer.constructor([...answer].slice(1));
  return Object.fromEntries(
    Object.entries(answer).map(([key, value]) => [key, value === null ? null : other(value)]),
  );
}`;
