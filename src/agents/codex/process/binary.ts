import { access, constants, realpath, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, isAbsolute, join } from "node:path";

/** How to install the program: the version that we are tested with. */
export const INSTALL = "npm i -g @openai/codex@0.169.0";

const TRIPLES: Readonly<Record<string, string>> = {
  "linux-x64": "x86_64-unknown-linux-musl",
  "linux-arm64": "aarch64-unknown-linux-musl",
  "darwin-x64": "x86_64-apple-darwin",
  "darwin-arm64": "aarch64-apple-darwin",
};

/**
 * The native Codex program for `bin` (a path, or a name looked up in `path`), else the one of an
 * `@openai/codex` installed beside us; null when there is none. The npm launcher is passed by: it costs a Node
 * process and about 200 ms per start.
 */
export async function findCodex(bin: string, path: string): Promise<string | null> {
  const candidates =
    isAbsolute(bin) || bin.includes("/")
      ? [bin]
      : path
          .split(delimiter)
          .filter(isAbsolute)
          .map((folder) => join(folder, bin));
  for (const candidate of candidates) {
    if (!(await isProgram(candidate))) continue;
    const real = await realpath(candidate);
    // Anything but the package's own launcher is run as it is.
    return real.endsWith(join("@openai", "codex", "bin", "codex.js"))
      ? ((await nativeBeside(real)) ?? candidate)
      : candidate;
  }
  return bin === "codex" ? nativeBeside(import.meta.url) : null;
}

async function nativeBeside(from: string): Promise<string | null> {
  const platform = `${process.platform}-${process.arch}`;
  const triple = TRIPLES[platform];
  if (triple === undefined) return null;
  try {
    const manifest = createRequire(from).resolve(`@openai/codex-${platform}/package.json`);
    const program = join(dirname(manifest), "vendor", triple, "bin", "codex");
    return (await isProgram(program)) ? program : null;
  } catch {
    return null;
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
