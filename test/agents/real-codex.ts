import { join } from "node:path";
import { findCodex } from "../../src/agents/codex/process/binary.ts";

const BESIDE = "node_modules/.cache/patchrelay-codex/node_modules/@openai/codex/bin/codex.js";

/**
 * The real Codex program: `PATCHRELAY_TEST_CODEX`, else one under node_modules/.cache, else the one on PATH. Null
 * (and one line that says so) when there is none; in CI that is an error, so that the tests are never left out there.
 */
export async function realCodex(): Promise<string | null> {
  const path = process.env["PATH"] ?? "";
  const named = process.env["PATCHRELAY_TEST_CODEX"] ?? "";
  const found =
    named === ""
      ? ((await findCodex(join(import.meta.dirname, "../..", BESIDE), path)) ??
        (await findCodex("codex", path)))
      : await findCodex(named, path);
  if (found !== null) return found;
  const story =
    named === "" ? "there is no Codex program" : `PATCHRELAY_TEST_CODEX names no program (${named})`;
  if (process.env["CI"] === "true" || named !== "") throw new Error(`${story}; see docs/decisions/0004`);
  process.stderr.write(`skipped: ${story}; set PATCHRELAY_TEST_CODEX to one (@openai/codex 0.169.0)\n`);
  return null;
}
