import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processEnvironment } from "../src/settings/load/environment.ts";
import { bundle } from "../test/faults/relay/bundle.ts";
import { GITHUB_SECRET, LINEAR_SECRET, REPOSITORY } from "./bodies.ts";

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
  const dir = await mkdtemp(join(tmpdir(), "patchrelay-bench-"));
  const bundled = await Promise.all(
    (["bare", "relay", "load"] as const).map(async (name) => {
      const made = await bundle(fileURLToPath(new URL(`${name}.ts`, import.meta.url)));
      return [name, made] as const;
    }),
  );
  const folder = async (name: string): Promise<string> => {
    const path = join(dir, name);
    await mkdir(path);
    return path;
  };
  const ours = processEnvironment();
  return {
    programs: Object.fromEntries(bundled.map(([name, { file }]) => [name, file])) as Stage["programs"],
    env: {
      PATH: ours["PATH"] ?? "",
      HOME: dir,
      LINEAR_WEBHOOK_SECRET: LINEAR_SECRET,
      GITHUB_WEBHOOK_SECRET: GITHUB_SECRET,
      LINEAR_OAUTH_CLIENT_ID: "bench",
      LINEAR_OAUTH_CLIENT_SECRET: "bench",
      GITHUB_TOKEN: "bench-token",
    },
    folder,
    async relayFolder(name) {
      const path = await folder(name);
      const file = join(path, "patchrelay.json");
      await writeFile(file, JSON.stringify(config(join(path, "data"), join(path, "agent.json"))));
      await writeFile(join(path, "agent.json"), JSON.stringify({ rules: [] }));
      return file;
    },
    async close() {
      for (const [, made] of bundled) made.remove();
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Nobody listens at port 9 of loopback: what the relay asks outside fails at once, and only once in a benchmark. */
function config(dataDir: string, script: string): object {
  const nobody = "http://127.0.0.1:9";
  return {
    dataDir,
    http: { port: 0 },
    linear: { apiUrl: nobody, webUrl: nobody },
    github: { apiUrl: nobody, webUrl: nobody },
    agent: { default: "scripted", scripted: { file: script } },
    outbox: { firstRetrySeconds: 3600, maxRetrySeconds: 3600 },
    // No run is to begin: what is measured is the decision, not the work.
    storage: { minFreeMiB: 16, stopRunsBelowMiB: 1_048_576 },
    projects: [{ id: "shop", linear: { teams: ["APP"] }, repository: { name: REPOSITORY } }],
  };
}
