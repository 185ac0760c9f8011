// Bundles the command into dist/: one file for the entry and one per lazily loaded part, so that
// `patchrelay issue list` loads only what it needs. Dependencies stay outside the bundle.
import { build } from "esbuild";
import { chmod, cp, rm } from "node:fs/promises";

await rm(new URL("../dist", import.meta.url), { recursive: true, force: true });
await build({
  entryPoints: [new URL("../src/main.ts", import.meta.url).pathname],
  outdir: new URL("../dist", import.meta.url).pathname,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
});
// The stand-ins of the demo read these beside their own code.
await cp(new URL("../src/world/schemas", import.meta.url), new URL("../dist/schemas", import.meta.url), {
  recursive: true,
  filter: (source) => !source.endsWith(".ts"),
});
await chmod(new URL("../dist/main.js", import.meta.url), 0o755);
