/** Whom git names as the committer of what the relay commits. No account has this address: GitHub shows no user for it. */
export const COMMITTER = { name: "patchrelay", email: "patchrelay@users.noreply.invalid" } as const;
