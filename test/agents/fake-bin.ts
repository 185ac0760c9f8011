import { chmod, mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

/** Makes one program of the fake app-server, in a new folder below the temporary directory. */
export async function buildFake(): Promise<{ readonly bin: string; remove(): Promise<void> }> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "patchrelay-fake-")));
  const bin = join(folder, "codex.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "fake-app-server.ts")],
    outfile: bin,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: { js: `#!${process.execPath}` },
  });
  await chmod(bin, 0o755);
  return { bin, remove: () => rm(folder, { recursive: true, force: true }) };
}
