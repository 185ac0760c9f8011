import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeRelayFolder } from "../src/demo/testbed.ts";
import { bundle } from "../test/faults/relay/bundle.ts";
import { NOBODY } from "../test/nobody.ts";
import { REPOSITORY } from "./bodies.ts";

/** Bundled programs, folders and surroundings of a benchmark. */
export interface Stage {
  readonly programs: Readonly<Record<"bare" | "relay" | "load", string>>;
  /** The whole environment of a server. */
  readonly env: Readonly<Record<string, string>>;
  /** A new relay folder; gives its config file. */
  relayFolder(name: string): Promise<string>;
  /** A new empty folder. */
  folder(name: string): Promise<string>;
  close(): Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const bundled = await Promise.all(
    (["bare", "relay", "load"] as const).map(async (name) => {
      const made = await bundle(fileURLToPath(new URL(`${name}.ts`, import.meta.url)));
      return [name, made] as const;
    }),
  );
  const outer = await makeRelayFolder("bench", NOBODY);
  const folder = async (name: string): Promise<string> => {
    const path = join(outer.dir, name);
    await mkdir(path);
    return path;
  };
  return {
    programs: Object.fromEntries(bundled.map(([name, { file }]) => [name, file])) as Stage["programs"],
    env: outer.env,
    folder,
    async relayFolder(name) {
      const path = await folder(name);
      const file = join(path, "patchrelay.json");
      await outer.configure({ ...CONFIG, dataDir: join(path, "data") }, file);
      return file;
    },
    async close() {
      for (const [, made] of bundled) made.remove();
      await outer.close();
    },
  };
}

const CONFIG = {
  // What the relay asks outside fails, and only once in a benchmark.
  outbox: { firstRetrySeconds: 3600, maxRetrySeconds: 3600 },
  // No run is to begin: what is measured is the decision, not the work.
  storage: { stopRunsBelowMiB: 1_048_576 },
  projects: [{ id: "shop", linear: { teams: ["APP"] }, repository: { name: REPOSITORY } }],
};
