const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);

/** A path below `linear.apiUrl`, base or `/graphql` address. Throws when it would carry a credential over an open line. */
export function linearAddress(apiUrl: string, path: "/graphql" | "/oauth/token"): URL {
  let url: URL;
  try {
    url = new URL(apiUrl.replace(/\/+$/, "").replace(/\/graphql$/, "") + path);
  } catch (error) {
    throw new Error(
      `linear.apiUrl ${JSON.stringify(apiUrl)} is not a URL; the usual one is https://api.linear.app`,
      { cause: error },
    );
  }
  if (url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname))) return url;
  throw new Error(
    `linear.apiUrl ${JSON.stringify(apiUrl)} would send the credential unencrypted; use https (http only to this machine)`,
  );
}
