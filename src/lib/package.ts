import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The absolute path of a file that ships with the package (migrations, workflow files), whether this code
 * runs from src/ or bundled from dist/. Throws when the package is not whole.
 */
export function packageFile(name: string): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return join(folder, name);
    if (folder === dirname(folder))
      throw new Error(`the package is incomplete: no package.json above ${import.meta.url}`);
  }
}
