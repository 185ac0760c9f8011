import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedEngine } from "../../src/engines/embedded/engine.ts";
import { engineConformance } from "./engine.ts";

engineConformance("embedded", async () => {
  const folder = mkdtempSync(join(tmpdir(), "patchrelay-engine-"));
  return {
    open: (parts, advance) =>
      openEmbeddedEngine({
        file: join(folder, "patchrelay.db"),
        lockFile: join(folder, "patchrelay.lock"),
        pid: process.pid,
        parts,
        advance,
      }),
    async remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});
