import type { ReadAuthority, TicketReading } from "../../../factory/facts/observation.ts";
import { readActor } from "../events/actors.ts";
import type { CommentAnswer } from "./operations.ts";
import type { OwnComments } from "./own.ts";
import { threadSession } from "./place.ts";
import { askedWith, isStop } from "./trigger.ts";
import type { Trigger } from "./trigger.ts";

type Session = TicketReading["sessions"][number];
type Spoken = Pick<CommentAnswer, "id" | "body" | "createdAt" | "user">;

/** What people say to us in an issue's comments. */
export interface Said {
  readonly sessions: readonly Session[];
  readonly prompts: readonly TicketReading["prompts"][number][];
  readonly stops: readonly ReadAuthority[];
}

/**
 * What is meant for us: all that people write in a thread whose root is ours, and in a thread from the first comment on that
 * begins with the word. Our own comments are nobody's word, though the same account wrote them. `given`: the sessions of the
 * issue's label or assignment.
 */
export function saidIn(
  issue: string,
  comments: readonly CommentAnswer[],
  given: readonly Session[],
  own: OwnComments,
  trigger: Trigger,
): Said {
  const sessions: Session[] = [];
  const prompts: TicketReading["prompts"][number][] = [];
  const stops: ReadAuthority[] = [];
  for (const { root, spoken } of threadsOf(comments)) {
    const isOurs = own.isOurs(root);
    let session = isOurs ? givenAt(given, root.createdAt) : null;
    let isOpen = isOurs;
    for (const comment of spoken.filter((one) => isPersons(one, own))) {
      const asked = askedWith(trigger, comment.body);
      if (!isOpen && asked === null) continue;
      const { id, createdAt: at } = comment;
      const by = readActor(comment.user, null);
      if (!isOpen) {
        isOpen = true;
        session = threadSession(issue, root.id);
        sessions.push({ id: session, at, by, automatic: false, staleAt: null });
      }
      const text = asked ?? comment.body;
      if (isStop(text)) stops.push({ granted: false, at, cause: "stopped", by, session });
      else if (text.trim() !== "") prompts.push({ id, session, at, by, text });
    }
  }
  return { sessions, prompts, stops };
}

/** Whether a member of the workspace wrote it, and not the relay in their name. */
export function isPersons(comment: Pick<CommentAnswer, "id" | "body" | "user">, own: OwnComments): boolean {
  return comment.user !== null && !comment.user.app && !own.isOurs(comment);
}

/** Each thread with its root and what was written there, oldest first. A root may be known from its replies alone. */
function threadsOf(
  comments: readonly CommentAnswer[],
): readonly { readonly root: Spoken; readonly spoken: readonly Spoken[] }[] {
  const threads = new Map<string, { root: Spoken; spoken: Map<string, Spoken> }>();
  for (const comment of comments) {
    const root = comment.parent ?? comment;
    const thread = threads.get(root.id) ?? { root, spoken: new Map([[root.id, root]]) };
    thread.spoken.set(comment.id, comment);
    threads.set(root.id, thread);
  }
  return [...threads.values()].map(({ root, spoken }) => ({
    root,
    spoken: [...spoken.values()].toSorted((a, b) => a.createdAt - b.createdAt),
  }));
}

/** The session that a comment of ours at the root belongs to: the newest there was when it was written. */
function givenAt(given: readonly Session[], at: number): string | null {
  const before = given.filter((session) => session.at <= at);
  return (before.toSorted((a, b) => a.at - b.at).at(-1) ?? given[0])?.id ?? null;
}
