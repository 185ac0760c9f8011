import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
    const { default: Database } = await import(DRIVER);
    const db = new Database(join(place, "patchrelay.db"));
    const names = await readdir(join(root, "migrations"));
    const steps = names.filter((name) => name.endsWith(".sql")).toSorted();
    for (const step of steps) db.exec(await readFile(join(root, "migrations", step), "utf8"));
    db.pragma(`user_version = ${steps.length}`);
    db.close();
    const args = [join(root, "scripts/compile.cjs"), folder, "issue", "list", "--config", config];
    execFileSync(process.execPath, args, { env: {}, timeout: 30_000 });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}
