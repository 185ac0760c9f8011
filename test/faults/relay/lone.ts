import { createHmac, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { layoutOf } from "../../../src/settings/load/layout.ts";
import type { Layout } from "../../../src/settings/load/layout.ts";
import { processEnvironment } from "../../../src/settings/load/environment.ts";
import { GITHUB_SECRET, LINEAR_SECRET } from "../../../src/demo/stand-ins.ts";

/** A folder for a relay with nobody behind Linear's and GitHub's addresses: only its intake and its disk matter. */
export interface LoneFolder {
  readonly dir: string;
  readonly layout: Layout;
  readonly configFile: string;
  readonly env: Readonly<Record<string, string>>;
  /** A config file like the first, for the same relay by way of another data folder. */
  configFor(dataDir: string): string;
  remove(): void;
}

export function loneFolder(): LoneFolder {
  const dir = mkdtempSync(join(tmpdir(), "patchrelay-lone-"));
  const layout = layoutOf(join(dir, "data"));
  mkdirSync(layout.root, { mode: 0o700 });
  const script = join(dir, "agent.json");
  writeFileSync(script, JSON.stringify({ rules: [] }));
  let files = 0;
  const configFor = (dataDir: string): string => {
    const file = join(dir, `patchrelay-${(files += 1)}.json`);
    const nobody = "http://127.0.0.1:9";
    writeFileSync(
      file,
      JSON.stringify({
        dataDir,
        http: { port: 0 },
        linear: { apiUrl: nobody, webUrl: nobody },
        github: { apiUrl: nobody, webUrl: nobody },
        agent: { default: "scripted", scripted: { file: script } },
        storage: { minFreeMiB: 0, stopRunsBelowMiB: 0 },
        log: { level: "error" },
        projects: [{ id: "app", repository: { name: "example/app" } }],
      }),
    );
    return file;
  };
  return {
    dir,
    layout,
    configFile: configFor(layout.root),
    env: {
      PATH: processEnvironment()["PATH"] ?? "",
      HOME: dir,
      LINEAR_WEBHOOK_SECRET: LINEAR_SECRET,
      GITHUB_WEBHOOK_SECRET: GITHUB_SECRET,
      LINEAR_API_KEY: "lin_api_faults",
      GITHUB_TOKEN: "faults-token",
    },
    configFor,
    remove: () => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** Sends a signed GitHub delivery; resolves with its id and the answered status. */
export async function deliver(
  url: string,
  body: string,
): Promise<{ readonly id: string; readonly status: number; readonly retryAfter: string | null }> {
  const id = randomUUID();
  const answer = await fetch(`${url}/webhooks/github`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-github-event": "push",
      "x-github-delivery": id,
      "x-hub-signature-256": `sha256=${createHmac("sha256", GITHUB_SECRET).update(body).digest("hex")}`,
    },
    body,
    signal: AbortSignal.timeout(10_000),
  });
  await answer.arrayBuffer();
  return { id, status: answer.status, retryAfter: answer.headers.get("retry-after") };
}
