import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { basename, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Plugin } from "esbuild";
import type { Plant } from "../plants.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A program bundled for plain node, which starts faster than through a loader. */
export interface Bundle {
  readonly file: string;
  remove(): void;
}

/**
 * Bundles the program `entry` (absolute), with `plant` in it. It lies inside the package at `root`, where its dependencies
 * and migrations are found. Throws when the plant's place is not in the source any more.
 */
export async function bundle(entry: string, plant: Plant | null = null, root = ROOT): Promise<Bundle> {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, "bundle-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    await build({
      entryPoints: [entry],
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      target: "node20",
      packages: "external",
      logLevel: "error",
      plugins: plant === null ? [] : [planting(plant)],
    });
  } catch (error) {
    remove();
    throw error;
  }
  return { file: join(folder, `${basename(entry, ".ts")}.mjs`), remove };
}

function planting(plant: Plant): Plugin {
  const file = join(ROOT, plant.file.replaceAll("/", sep));
  const source = readFileSync(file, "utf8");
  if (source.split(plant.from).length !== 2)
    throw new Error(`${plant.file} does not hold the place of the plant exactly once: ${plant.from}`);
  const contents = source.replace(plant.from, () => plant.to);
  return {
    name: "plant",
    setup(building) {
      building.onLoad({ filter: /\.ts$/ }, ({ path }) => (path === file ? { contents, loader: "ts" } : null));
    },
  };
}
