import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedEngine } from "../../src/engines/embedded/engine.ts";
import type { EngineSite } from "./engine.ts";

/** A folder for one embedded engine. */
export async function embeddedSite(): Promise<EngineSite> {
  const top = mkdtempSync(join(tmpdir(), "patchrelay-engine-"));
  let lives = 1;
  const folder = (): string => join(top, String(lives));
  return {
    open: (parts, advance) =>
      openEmbeddedEngine({
        file: join(folder(), "patchrelay.db"),
        lockFile: join(folder(), "patchrelay.lock"),
        pid: process.pid,
        parts,
        advance,
      }),
    async kill() {
      const left = folder();
      lives += 1;
      // The lock goes with the process, and the index of the log is made again.
      cpSync(left, folder(), { recursive: true, filter: (path) => !/\.lock$|-shm$/.test(path) });
    },
    async remove() {
      rmSync(top, { recursive: true, force: true });
    },
  };
}
