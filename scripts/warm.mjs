import { build } from "esbuild";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// As in src/engines/embedded/database/sqlite.ts.
const DRIVER = Number(process.versions.node.split(".")[0]) < 24 ? "better-sqlite3" : "better-sqlite3-napi";

/**
 * Lets the bundled command in `folder` of the package at `root` list the issues of an empty database once, and keeps what
 * V8 compiled for it, so that not every command compiles it again. It serves the version of Node that made it.
 */
export async function warm(root, folder) {
  const place = await mkdtemp(join(tmpdir(), "patchrelay-build-"));
  try {
    const config = join(place, "patchrelay.json");
    await writeFile(config, JSON.stringify({ dataDir: place, projects: [] }));
    await emptyDatabase(root, folder, join(place, "patchrelay.db"));
    const args = [join(root, "scripts/compile.cjs"), folder, "issue", "list", "--config", config];
    execFileSync(process.execPath, args, { env: {}, timeout: 30_000 });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

// By the relay's own code: a database that anything else made is refused.
async function emptyDatabase(root, folder, file) {
  // Beside the command, where the packages it needs are found.
  const outfile = join(folder, "migrate.mjs");
  try {
    await build({
      absWorkingDir: root,
      entryPoints: ["src/engines/embedded/database/migrate.ts"],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      logLevel: "error",
    });
    const { migrate, readMigrations } = await import(pathToFileURL(outfile).href);
    const { default: Database } = await import(DRIVER);
    const db = new Database(file);
    migrate(db, file, readMigrations(join(root, "migrations")), 0);
    db.close();
  } finally {
    await rm(outfile, { force: true });
  }
}
