import { access, chmod, constants, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../../lib/assert.ts";
import type { Randomness } from "../../../lib/ids.ts";
import { codexConfig } from "./config.ts";
import { toToml } from "./toml.ts";
import type { TomlTable } from "./toml.ts";

export interface HomeParts {
  readonly home: string;
  readonly tmpDir: string;
  readonly config: TomlTable;
  /** Model catalog, written beside the configuration; null = Codex's own. */
  readonly models: TomlTable | null;
  readonly randomness: Randomness;
}

/** Makes the folders (0700). Throws with what to do when that is not possible. */
export async function makeHome(parts: HomeParts): Promise<void> {
  for (const folder of [parts.home, parts.tmpDir]) {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await access(folder, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new Error(
        `Codex needs a folder it can write to: ${folder} (${messageOf(error)}). Set agent.codex.home to one that the relay's user owns.`,
        { cause: error },
      );
    }
  }
  await chmod(parts.home, 0o700);
}

/** Rewrites config.toml (and models.json), each in one step: another Codex of this home may be reading. */
export async function writeConfig(parts: HomeParts, untrusted: Iterable<string>): Promise<void> {
  const catalog = parts.models === null ? null : join(parts.home, "models.json");
  if (catalog !== null) await replaceFile(parts, catalog, JSON.stringify(parts.models));
  const config = codexConfig({ additions: parts.config, catalog, untrusted });
  const header =
    "# Written by patchrelay before each run; put additions into its setting agent.codex.config.\n";
  await replaceFile(parts, join(parts.home, "config.toml"), header + toToml(config));
}

async function replaceFile(parts: HomeParts, path: string, content: string): Promise<void> {
  const draft = `${path}.${parts.randomness.uuid()}`;
  try {
    await writeFile(draft, content, { mode: 0o600, flag: "wx" });
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
}
