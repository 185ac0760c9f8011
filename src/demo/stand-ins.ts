import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { systemRandomness } from "../lib/ids.ts";
import { startGitHubWorld, type GitHubWorld } from "../../world/github/world.ts";
import { startLinearWorld, type LinearWorld, type LinearWorldParts } from "../../world/linear/world.ts";
import { GITHUB_SECRET, LINEAR_SECRET } from "./webhook-secrets.ts";

/** Linear and GitHub on loopback, and what a relay needs to know to be started on them. */
export interface StandIns {
  readonly linear: LinearWorld;
  readonly github: GitHubWorld;
  /** The groups of a config file that name their addresses. */
  readonly addresses: Readonly<Record<"linear" | "github", Readonly<Record<"apiUrl" | "webUrl", string>>>>;
  /** The credentials, as the environment of a relay holds them. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Sends their webhooks to the relay at `url` from now on; null = to nobody. */
  sendWebhooks(url: string | null): void;
  close(): Promise<void>;
}

/** Who and what is there in Linear, and by whose clock. */
export type StandInsParts = Omit<LinearWorldParts, "randomness" | "webhook"> & { readonly clock: Clock };

/** Starts both. `dir`: an existing folder, for the git repositories. */
export async function startStandIns(dir: string, parts: StandInsParts): Promise<StandIns> {
  const linear = await startLinearWorld({ ...parts, randomness: systemRandomness });
  try {
    const repositories = join(dir, "github");
    await mkdir(repositories);
    const { clock } = parts;
    const github = await startGitHubWorld({ clock, randomness: systemRandomness, dir: repositories });
    return {
      linear,
      github,
      addresses: {
        linear: { apiUrl: linear.url, webUrl: linear.url },
        github: { apiUrl: github.url, webUrl: github.webUrl },
      },
      credentials: {
        LINEAR_WEBHOOK_SECRET: LINEAR_SECRET,
        GITHUB_WEBHOOK_SECRET: GITHUB_SECRET,
        LINEAR_OAUTH_CLIENT_ID: linear.oauth.clientId,
        LINEAR_OAUTH_CLIENT_SECRET: linear.oauth.clientSecret,
        GITHUB_APP_ID: String(github.credentials.appId),
        GITHUB_APP_PRIVATE_KEY: github.credentials.privateKey.reveal(),
      },
      sendWebhooks(url) {
        linear.setWebhook(url === null ? null : { url: `${url}/webhooks/linear`, secret: LINEAR_SECRET });
        github.setWebhook(url === null ? null : { url: `${url}/webhooks/github`, secret: GITHUB_SECRET });
      },
      async close() {
        await github.close();
        await linear.close();
      },
    };
  } catch (error) {
    await linear.close();
    throw error;
  }
}
