import { GITHUB_SECRET, LINEAR_SECRET } from "../src/demo/webhook-secrets.ts";
import type { Outside } from "../src/demo/testbed.ts";

// Nobody listens at port 9 of loopback: what a relay asks there fails at once.
const NOWHERE = { apiUrl: "http://127.0.0.1:9", webUrl: "http://127.0.0.1:9" };

/** Around a relay of which only what it does by itself matters. Its webhooks are verified by the stand-ins' secrets. */
export const NOBODY: Outside = {
  addresses: { linear: NOWHERE, github: NOWHERE },
  credentials: {
    LINEAR_WEBHOOK_SECRET: LINEAR_SECRET,
    GITHUB_WEBHOOK_SECRET: GITHUB_SECRET,
    LINEAR_OAUTH_CLIENT_ID: "nobody",
    LINEAR_OAUTH_CLIENT_SECRET: "nobody",
    GITHUB_TOKEN: "nobody-token",
  },
};
