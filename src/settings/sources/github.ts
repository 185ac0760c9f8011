import * as z from "zod";
import { field, whole, withDefaults } from "../schema/fields.ts";
import { bare, baseUrlForm, emailForm, personNameForm } from "../schema/forms.ts";
import { GITHUB_CREDENTIALS } from "./github-credentials.ts";
import type { SourceSettings, Warning } from "./source.ts";

const group = withDefaults({
  apiUrl: field(
    baseUrlForm,
    "https://api.github.com",
    "Base URL of GitHub's REST API; for Enterprise Server https://HOST/api/v3.",
  ),
  webUrl: field(
    baseUrlForm.nullable(),
    null,
    "Base URL of GitHub's pages and of git (<webUrl>/<owner>/<name>.git); null: https://github.com, or apiUrl's host for Enterprise Server and ghe.com.",
  ),
  author: field(
    z
      .strictObject({
        name: personNameForm.describe("Name beside the address."),
        email: emailForm.describe("Address that GitHub knows as an account's."),
      })
      .nullable(),
    null,
    "Author and committer of the relay's commits; null: its account, with the account's noreply address.",
  ),
});

/** What stands in the group `http`. */
export const GITHUB_HTTP = {
  githubBodyMiB: field(whole(1, 64), 25, "Largest GitHub webhook, inclusive, in MiB."),
};

/** What stands in the group `limits`. */
export const GITHUB_LIMITS = {
  githubWritesPerMinute: field(whole(1, 10_000), 60, "Write requests to GitHub per minute."),
  githubWritesPerHour: field(whole(1, 100_000), 400, "Write requests to GitHub per hour."),
  githubConcurrent: field(whole(1, 100), 20, "Concurrent requests to GitHub."),
};

/** What is derived from `github.apiUrl` and `github.webUrl`. */
interface GitHubEndpoints {
  readonly apiUrl: string;
  /** Base of pages and of git. */
  readonly webUrl: string;
  readonly graphqlUrl: string;
}

/**
 * Enterprise Server has REST at HOST/api/v3 and GraphQL at HOST/api/graphql; everywhere else
 * GraphQL is below the REST base. Without a `webUrl` pages and git are at the host that belongs to the API.
 */
function endpoints(apiUrl: string, webUrl: string | null): GitHubEndpoints {
  const base = bare(apiUrl);
  const server = base.endsWith("/api/v3") ? base.slice(0, -"/api/v3".length) : null;
  return {
    apiUrl: base,
    webUrl: webUrl === null ? (server ?? webUrlOf(base)) : bare(webUrl),
    graphqlUrl: server === null ? `${base}/graphql` : `${server}/api/graphql`,
  };
}

// GitHub Enterprise Cloud with data residency: the API of https://NAME.ghe.com is https://api.NAME.ghe.com.
function webUrlOf(apiUrl: string): string {
  const tenant = /^https:\/\/api\.([^/]+\.ghe\.com)$/.exec(apiUrl)?.[1];
  return tenant === undefined ? "https://github.com" : `https://${tenant}`;
}

function pagesElsewhere({
  github,
  projects,
}: {
  readonly github: GitHubEndpoints;
  readonly projects: readonly { readonly repository: { readonly cloneUrl: string } }[];
}): readonly Warning[] {
  const moved = github.apiUrl !== "https://api.github.com" && github.webUrl === "https://github.com";
  if (!moved || projects.every(({ repository }) => !repository.cloneUrl.startsWith(github.webUrl))) return [];
  const message = `is ${github.webUrl} although github.apiUrl is ${github.apiUrl}: git would go to another host`;
  return [{ path: "github.webUrl", message, hint: "set it to the host of github.apiUrl" }];
}

export const GITHUB = {
  group: group.prefault({}).describe("GitHub, or GitHub Enterprise."),
  projectGroup: null,
  resolve: ({ apiUrl, webUrl, author }: z.output<typeof group>) => ({
    ...endpoints(apiUrl, webUrl),
    author,
  }),
  routing: null,
  cloneUrl: ({ webUrl }: GitHubEndpoints, repository: string) => `${webUrl}/${repository}.git`,
  warnings: pagesElsewhere,
  needsHttps: null,
  credentials: GITHUB_CREDENTIALS,
} as const satisfies SourceSettings;
