import { GITHUB_CREDENTIALS } from "./github-credentials.ts";
import { LINEAR_CREDENTIALS } from "./linear-credentials.ts";

/** The credentials of every source, by its name. No command is too quick to load this. */
export const SOURCE_CREDENTIALS = { linear: LINEAR_CREDENTIALS, github: GITHUB_CREDENTIALS } as const;
