import { ExternalError } from "../../../lib/external.ts";

/**
 * What a session of quick mode is: a piece of work on an issue, and where it is talked about. Its id says all of that, so
 * that nothing has to be kept: `label:` the issue and the history entry that gave it to us, talked about in a thread of our
 * own; `thread:` the issue and the root of the thread in which the word was written.
 */
export interface Place {
  readonly issue: string;
  /** Root of the thread; null = our own comment is. */
  readonly root: string | null;
}

const SESSION = /^(label|thread):([0-9A-Za-z-]{1,100}):([0-9A-Za-z-]{1,100})$/;

/** The session of an issue that was given to us. `since`: the history entry, or `created`. */
export function givenSession(issue: string, since: string): string {
  return `label:${issue}:${since}`;
}

/** The session of a thread in which we were asked. */
export function threadSession(issue: string, root: string): string {
  return `thread:${issue}:${root}`;
}

/** Where a session is talked about. Throws ExternalError `refused` for one that is not of quick mode. */
export function placeOf(session: string): Place {
  const [, kind, issue, id] = SESSION.exec(session) ?? [];
  if (kind === undefined || issue === undefined || id === undefined) {
    throw new ExternalError(
      "refused",
      "this session is one of an application's, and the key is a person's: it cannot be written to",
    );
  }
  return { issue, root: kind === "thread" ? id : null };
}
