import type { Metafile } from "esbuild";

/** See bundle.mjs. `main` describes command.cjs; `parts` what it loads apart. */
export function bundle(
  root: string,
  outdir: string,
): Promise<{ readonly main: Metafile; readonly parts: Metafile }>;
