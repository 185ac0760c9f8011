// Bundles the command: one file per lazily loaded part, and `command.cjs`, which carries by itself everything that
// loads no package but the database's. Opening thirty small files takes longer than what `patchrelay issue list` does.
// Dependencies stay outside of the bundle. `command.cjs` is no module: V8 keeps no compiled code for modules, and
// starting one costs Node 3 ms more. start.cjs runs it.
import { build } from "esbuild";
import { createRequire } from "node:module";
import { chmod, copyFile, readFile, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";

/** Packages that the quick commands may load. */
const QUICK_PACKAGES = new Set(["better-sqlite3"]);
/** A larger part is not carried: reading it would cost every command. */
const QUICK_BYTES = 110_000;
/** What is loaded by the first part that wants it, instead of at the start. */
const LATE = /^node:.*$/;
/** The database's own code is carried too: finding its twelve small files costs more than running them. */
const DATABASE = /^better-sqlite3$/;
/** How it looks for its compiled part; carried code stands elsewhere, so it is told where the package is. */
const BINDINGS = `const { dirname, join } = require("node:path");
module.exports = (name) => require(join(dirname(require.resolve("better-sqlite3/package.json")), "build/Release", name));`;
const PLACE = 'var place = require("node:url").pathToFileURL(__filename).href;';
/** Code that is not a file of its own cannot import: start.cjs does it, as `load`. */
const IMPORT = /\bimport\((?=")/g;

/**
 * Bundles `src/main.ts` of the package at `root` into `outdir`; gives esbuild's account of command.cjs and of the parts.
 *
 * A part that is loaded apart has its own copies of the modules that command.cjs carries too, so what crosses between them
 * is a command's record, its context, and errors told by name.
 */
export async function bundle(root, outdir) {
  const databaseFile = createRequire(resolve(root, "package.json")).resolve("better-sqlite3");
  const shared = {
    absWorkingDir: root,
    outdir,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "error",
    metafile: true,
  };
  const parts = await build({
    ...shared,
    entryPoints: { whole: resolve(root, "src/main.ts") },
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
  });
  const { outputs } = parts.metafile;
  const partOf = new Map(
    Object.entries(outputs).flatMap(([file, { entryPoint }]) => (entryPoint ? [[entryPoint, file]] : [])),
  );
  const main = await build({
    ...shared,
    entryPoints: { command: resolve(root, "src/main.ts") },
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    define: { "import.meta.url": "place" },
    banner: { js: PLACE },
    minifyWhitespace: true,
    minifySyntax: true,
    plugins: [
      {
        name: "carry what is quick",
        setup(hooks) {
          hooks.onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
            if (kind !== "dynamic-import") return null;
            const part = partOf.get(relative(root, resolve(resolveDir, path)));
            if (part === undefined || isQuick(outputs, part)) return null;
            return { path: `./${relative(resolve(outdir), resolve(root, part))}`, external: true };
          });
          hooks.onResolve({ filter: DATABASE }, () => ({ path: databaseFile }));
          hooks.onResolve({ filter: /^bindings$/ }, ({ path }) => ({ path, namespace: "bindings" }));
          hooks.onLoad({ filter: /.*/, namespace: "bindings" }, () => ({
            contents: BINDINGS,
            resolveDir: root,
          }));
          // An import at the top of one file would load all of these for every command.
          hooks.onResolve({ filter: LATE }, ({ kind, path, namespace }) =>
            kind === "import-statement" && namespace !== "late" ? { path, namespace: "late" } : null,
          );
          hooks.onLoad({ filter: LATE, namespace: "late" }, ({ path }) => ({
            contents: `module.exports = require(${JSON.stringify(path)});`,
            resolveDir: root,
          }));
        },
      },
    ],
  });
  const file = join(outdir, "command.cjs");
  const code = (await readFile(file, "utf8")).replaceAll(IMPORT, "load(");
  await writeFile(file, code);
  await copyFile(resolve(root, "scripts/start.cjs"), join(outdir, "main.cjs"));
  await chmod(join(outdir, "main.cjs"), 0o755);
  return { main: main.metafile, parts: parts.metafile };
}

// Whether `part` is small and loads no package but the quick ones.
function isQuick(outputs, part) {
  let bytes = 0;
  const seen = new Set();
  const waiting = [part];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    bytes += outputs[file].bytes;
    for (const { path, kind, external } of outputs[file].imports) {
      if (kind === "dynamic-import") continue;
      if (!external) waiting.push(path);
      else if (!path.startsWith("node:") && !QUICK_PACKAGES.has(path)) return false;
    }
  }
  return bytes <= QUICK_BYTES;
}
