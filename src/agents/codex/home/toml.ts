/** A value that can be written as TOML: no null, no undefined, numbers finite. */
export type TomlTable = Readonly<Record<string, unknown>>;

/** Writes a table as a TOML document. Throws a TypeError that names the key of a value TOML does not know. */
export function toToml(table: TomlTable): string {
  const lines: string[] = [];
  writeTable(table, [], lines);
  return `${lines.join("\n")}\n`;
}

function writeTable(table: TomlTable, path: readonly string[], lines: string[]): void {
  const entries = Object.entries(table).filter(([, value]) => value !== undefined);
  const plain = entries.filter(([, value]) => !isTable(value));
  if (path.length > 0 && (plain.length > 0 || entries.length === 0)) {
    lines.push("", `[${path.map(key).join(".")}]`);
  }
  for (const [name, value] of plain) lines.push(`${key(name)} = ${inline(value, [...path, name])}`);
  for (const [name, value] of entries) {
    if (isTable(value)) writeTable(value, [...path, name], lines);
  }
}

function inline(value: unknown, path: readonly string[]): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map((entry: unknown) => inline(entry, path)).join(", ")}]`;
  if (isTable(value)) {
    const pairs = Object.entries(value).map(
      ([name, entry]) => `${key(name)} = ${inline(entry, [...path, name])}`,
    );
    return `{ ${pairs.join(", ")} }`;
  }
  throw new TypeError(`${path.join(".")}: ${String(value)} cannot be written as TOML; leave the key out`);
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function key(name: string): string {
  return /^[A-Za-z0-9_-]+$/u.test(name) ? name : quoted(name);
}

function quoted(text: string): string {
  // JSON's escapes are TOML's, but TOML also wants DEL escaped.
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}
