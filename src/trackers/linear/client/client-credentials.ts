import { askToken, SCOPES } from "./application.ts";
import type { Application, TokenParts } from "./application.ts";
import type { Auth } from "./auth.ts";
import { renewing } from "./renewing.ts";

/** Acts as an application in the one workspace that it belongs to: tokens of 30 days by client credentials. */
export function clientCredentials(application: Application, parts: TokenParts): Auth {
  const { clock, log } = parts;
  return renewing(
    async (signal) => {
      const scope = SCOPES.join(",");
      const { text, seconds } = await askToken(application, "client_credentials", { scope }, parts, signal);
      log.debug("obtained a Linear access token", { seconds });
      const now = clock.now();
      return { text, obtainedAt: now, expiresAt: now + seconds * 1_000 };
    },
    null,
    parts,
  );
}
