/** What one check of `doctor` found. */
export interface Finding {
  readonly check: string;
  readonly state: "ok" | "warn" | "fail" | "skipped";
  readonly says: string;
  /** What to do; null = nothing. */
  readonly todo: string | null;
}

/** All is well. */
export function ok(check: string, says: string): Finding {
  return { check, state: "ok", says, todo: null };
}

/** It works, but probably not as meant. */
export function warn(check: string, says: string, todo: string | null): Finding {
  return { check, state: "warn", says, todo };
}

/** The relay will not work like this. */
export function fail(check: string, says: string, todo: string | null): Finding {
  return { check, state: "fail", says, todo };
}

/** Could not be looked at, or was not to be. */
export function skipped(check: string, says: string): Finding {
  return { check, state: "skipped", says, todo: null };
}
