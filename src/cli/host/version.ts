import { readFileSync } from "node:fs";
import { packageFile } from "../../lib/package.ts";

/** The version of this program, from its package. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(packageFile("package.json"), "utf8")) as { version: string };
  return version;
}
