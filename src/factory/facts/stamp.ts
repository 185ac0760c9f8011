/** A value with the source's time of it. `read` marks an answer to our own question, which wins a tie. */
export interface Stamped<T> {
  readonly value: T;
  readonly at: number;
  readonly read: boolean;
}

/**
 * The later of what is kept and what comes in, by the source's own time. At the same time an answer to our
 * own question wins over news; between two pieces of news the choice is arbitrary but always the same, so
 * that the order of arrival makes no difference.
 */
export function later<T>(kept: Stamped<T> | null, value: T, at: number, read: boolean): Stamped<T> {
  if (kept === null || at > kept.at) return { value, at, read };
  if (at < kept.at) return kept;
  if (read !== kept.read) return read ? { value, at, read } : kept;
  if (read) return { value, at, read };
  return JSON.stringify(value) > JSON.stringify(kept.value) ? { value, at, read } : kept;
}

/** The forge tells whole seconds: what it dates so happened at some time of that second, at the latest at its end. */
export function endOfSecond(at: number): number {
  return at % 1_000 === 0 ? at + 999 : at;
}
