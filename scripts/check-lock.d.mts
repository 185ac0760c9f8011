/** Sentences that say what a lock file (parsed, version 3) lacks of what its packages and the manifest ask for. */
export function findLockGaps(
  lock: { readonly packages?: Readonly<Record<string, unknown>> },
  manifest: Readonly<Record<string, unknown>>,
): readonly string[];
