import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Metafile } from "esbuild";
import { bundle } from "../../scripts/bundle.mjs";
import { warm } from "../../scripts/warm.mjs";

/** The command as it is published: bundled by scripts/bundle.mjs, run as a process. */
export interface Bundle {
  /** What command.cjs is made of. */
  readonly main: Metafile;
  /** What it loads apart. */
  readonly parts: Metafile;
  readonly folder: string;
  /** `log`: where its standard error goes in place of a pipe. */
  start(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    node?: readonly string[],
    log?: number,
  ): ChildProcess;
  run(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    node?: readonly string[],
  ): Promise<{ readonly code: number | string; readonly out: string; readonly err: string }>;
  remove(): void;
}

/** Bundles into a folder inside the package, where dependencies and migrations are found. */
export async function buildBundle(): Promise<Bundle> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "cli-bundle-"));
  const { main, parts } = await bundle(root, folder);
  await warm(root, folder);
  const start: Bundle["start"] = (args, env, node = [], log) =>
    spawn(process.execPath, [...node, join(folder, "main.cjs"), ...args], {
      stdio: ["ignore", "pipe", log ?? "pipe"],
      env: { PATH: process.env["PATH"], HOME: folder, ...env },
      cwd: folder,
    });
  return {
    main,
    parts,
    folder,
    start,
    run: async (args, env, node) => await ended(start(args, env, node)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Collects a child's output to its end; the exit code, or the signal that ended it. */
export async function ended(child: ChildProcess) {
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  const code = await new Promise<number | string>((resolve) => {
    child.on("close", (exit, signal) => resolve(exit ?? signal ?? "unknown"));
  });
  return { code, out, err };
}

/** The first line on standard output; rejects when the process ends without one. */
export async function firstLine(child: ChildProcess): Promise<string> {
  let out = "";
  let err = "";
  return await new Promise<string>((resolve, reject) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.stdout?.on("data", (chunk: Buffer) => {
      out += chunk.toString();
      const end = out.indexOf("\n");
      if (end !== -1) resolve(out.slice(0, end));
    });
    child.on("close", (code) =>
      reject(new Error(`it ended with ${String(code)} before it said anything: ${err}`)),
    );
  });
}
