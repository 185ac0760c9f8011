import type { SessionAnswer } from "./operations.ts";

/**
 * The comment whose mention opened the session; null for a delegation. Where Linear does not name it, it is the last that the
 * opener had written in the thread by then. Another's comment is never taken for it.
 */
export function openingOf({ comment, sourceComment, creator, createdAt }: SessionAnswer): Opening | null {
  if (sourceComment !== null)
    return sourceComment.user === null ? null : { ...sourceComment, user: sourceComment.user };
  if (comment === null || creator === null) return null;
  const reply = comment.children.nodes
    .filter((one) => one.user?.id === creator.id && one.createdAt <= createdAt)
    .toSorted((a, b) => a.createdAt - b.createdAt)
    .at(-1);
  if (reply !== undefined) return { id: reply.id, body: reply.body, user: creator };
  return comment.user?.id === creator.id ? { ...comment, user: creator } : null;
}

interface Opening {
  readonly id: string;
  readonly body: string;
  readonly user: NonNullable<SessionAnswer["creator"]>;
}
