import { createHmac, randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { GITHUB_SECRET } from "../../../src/demo/webhook-secrets.ts";
import { makeRelayFolder, type RelayFolder } from "../../../src/demo/testbed.ts";
import { NOBODY } from "../../nobody.ts";

/** A folder for a relay with nobody behind Linear's and GitHub's addresses: only its intake and its disk matter. */
export interface LoneFolder extends RelayFolder {
  /** A config file like the first, for the same relay by way of another data folder. */
  configFor(dataDir: string): Promise<string>;
}

export async function loneFolder(): Promise<LoneFolder> {
  const folder = await makeRelayFolder("lone", NOBODY);
  mkdirSync(folder.layout.root, { mode: 0o700 });
  const config = {
    storage: { minFreeMiB: 0, stopRunsBelowMiB: 0 },
    log: { level: "error" },
    projects: [{ id: "app", repository: { name: "example/app" } }],
  };
  await folder.configure(config);
  return {
    ...folder,
    async configFor(dataDir) {
      const file = join(folder.dir, "other.json");
      await folder.configure({ ...config, dataDir }, file);
      return file;
    },
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
