/** A bug in the relay, not a fault of the world: it stops the one issue it concerns, never the process. */
export class Bug extends Error {
  override readonly name = "Bug";
}

/** Throws a Bug when `condition` does not hold; `story` says what was expected and what was found. */
export function assert(condition: unknown, story: string): asserts condition {
  if (!condition) throw new Bug(story);
}

/** The end of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new Bug(`unexpected value ${JSON.stringify(value)}`);
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
