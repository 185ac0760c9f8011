import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** A bundled child.ts. It lies inside the package, where its dependencies and migrations are found. */
export interface Child {
  /** Runs to the end; gives the exit code, or the signal that ended it. */
  run(...args: string[]): Promise<{ readonly ended: number | string; readonly errors: string }>;
  start(...args: string[]): ChildProcess;
  remove(): void;
}

export async function buildChild(): Promise<Child> {
  const cache = fileURLToPath(new URL("../../node_modules/.cache", import.meta.url));
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "engine-child-"));
  const file = join(folder, "child.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("child.ts", import.meta.url))],
    outfile: file,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    logLevel: "error",
  });
  const start = (...args: string[]): ChildProcess =>
    spawn(process.execPath, [file, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  return {
    start,
    async run(...args) {
      const child = start(...args);
      let errors = "";
      child.stderr?.on("data", (chunk: Buffer) => {
        errors += chunk.toString();
      });
      const ended = await new Promise<number | string>((resolve) => {
        child.on("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
      });
      return { ended, errors };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
