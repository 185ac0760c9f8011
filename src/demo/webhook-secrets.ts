// Apart from the stand-ins, so that what only signs or verifies does not load them.

export const LINEAR_SECRET = "stand-in-linear-webhook-secret";
export const GITHUB_SECRET = "stand-in-github-webhook-secret";
