/** What is derived from `linear.apiUrl` and `linear.webUrl`. */
export interface LinearEndpoints {
  /** The base, without /graphql and without a slash at the end. */
  readonly apiUrl: string;
  readonly webUrl: string;
  readonly graphqlUrl: string;
  readonly tokenUrl: string;
  readonly revokeUrl: string;
  readonly authorizeUrl: string;
}

/** What is derived from `github.apiUrl` and `github.webUrl`. */
export interface GitHubEndpoints {
  readonly apiUrl: string;
  /** Base of pages and of git. */
  readonly webUrl: string;
  readonly graphqlUrl: string;
}

/** An apiUrl that ends in /graphql means its base: that is the address Linear's documentation shows. */
export function linearEndpoints(apiUrl: string, webUrl: string): LinearEndpoints {
  const base = bare(bare(apiUrl).replace(/\/graphql$/, ""));
  const web = bare(webUrl);
  return {
    apiUrl: base,
    webUrl: web,
    graphqlUrl: `${base}/graphql`,
    tokenUrl: `${base}/oauth/token`,
    revokeUrl: `${base}/oauth/revoke`,
    authorizeUrl: `${web}/oauth/authorize`,
  };
}

/**
 * Enterprise Server has REST at HOST/api/v3 and GraphQL at HOST/api/graphql; everywhere else
 * GraphQL is below the REST base. Without a `webUrl` pages and git are at the host that belongs to the API.
 */
export function githubEndpoints(apiUrl: string, webUrl: string | null): GitHubEndpoints {
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

/** A URL without slashes at its end. */
export function bare(url: string): string {
  return url.replace(/\/+$/, "");
}
