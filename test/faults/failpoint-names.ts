import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packagedMigrations } from "../../src/engines/embedded/database/migrate.ts";

const SOURCE = fileURLToPath(new URL("../../src", import.meta.url));

/** Every failpoint that the source marks, sorted: a new one is swept without being named here. */
export function failpointNames(): readonly string[] {
  const found = new Set(packagedMigrations().map(({ name }) => `migrate.${name}`));
  for (const file of readdirSync(SOURCE, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts") || file.endsWith(join("lib", "failpoints.ts"))) continue;
    const text = readFileSync(join(SOURCE, file), "utf8");
    for (const [, name] of text.matchAll(/\bfailpoint\("([^"]+)"\)/g))
      if (name !== undefined) found.add(name);
  }
  return [...found].toSorted();
}
