import { unreachable } from "../../../lib/assert.ts";
import { ExternalError } from "../../../lib/external.ts";
import { clip } from "../../../lib/text.ts";
import type { LinearClient } from "../client/client.ts";
import { LONGEST_BODY, optionsOf } from "../write/content.ts";
import { carriedOut, isRefusal, orNull, webAddress } from "../write/outcome.ts";
import type { Voice } from "../write/voice.ts";
import { ATTACH, CREATE_COMMENT, FIND_COMMENT, UPDATE_COMMENT } from "./operations.ts";
import type { StoredComment } from "./operations.ts";
import { MARK } from "./own.ts";
import type { OwnComments } from "./own.ts";
import { placeOf } from "./place.ts";
import {
  linkLabel,
  NOTHING_YET,
  planLines,
  readWorkComment,
  statusLine,
  workCommentText,
} from "./work-comment.ts";
import type { WorkComment } from "./work-comment.ts";

const HOW_TO_ANSWER = "Answer with a reply in this thread.";
/** How often a work comment is written again that people delete. */
const MOST_COMMENTS = 5;
/** Work comments whose text is kept in memory, so that an edit is one call; any other is read first. */
const MOST_KEPT = 200;

/**
 * Says in comments what an application says in its agent session: what needs a person's notice in a reply of its own, all
 * else in the line of the work comment.
 */
export function commentVoice(client: LinearClient, own: OwnComments): Voice {
  const kept = new Map<string, StoredComment>();
  const keep = (session: string, comment: StoredComment): StoredComment => {
    kept.delete(session);
    const oldest = kept.size >= MOST_KEPT ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(session, comment);
    return comment;
  };

  const write = async (
    session: string,
    id: string,
    body: string,
    parentId: string | null,
    signal: AbortSignal,
  ): Promise<StoredComment> => {
    const { issue } = placeOf(session);
    const input = { id, issueId: issue, body, ...(parentId === null ? {} : { parentId }) };
    const { commentCreate } = await client.call(CREATE_COMMENT, { input }, signal);
    carriedOut(commentCreate.success, CREATE_COMMENT.name);
    return commentCreate.comment;
  };

  /** Writes a comment; where what it answers was deleted, beside that rather than not at all. */
  const beside: typeof write = async (session, id, body, parentId, signal) => {
    try {
      return await write(session, id, body, parentId, signal);
    } catch (error) {
      if (parentId === null || !isGone(error)) throw error;
      return await write(session, id, body, null, signal);
    }
  };

  /** The session's work comment as it stands; where there is none, one is written now that shows `first`. */
  const present = async (
    session: string,
    first: WorkComment,
    signal: AbortSignal,
  ): Promise<StoredComment> => {
    const known = kept.get(session);
    if (known !== undefined) return known;
    let problem: unknown = null;
    for (let number = 0; number < MOST_COMMENTS; number += 1) {
      const id = own.idFor(`work:${session}:${number}`);
      const there = (await orNull(client.call(FIND_COMMENT, { id }, signal)))?.comment;
      if (there !== undefined) return keep(session, there);
      try {
        return keep(
          session,
          await beside(session, id, workCommentText(first), placeOf(session).root, signal),
        );
      } catch (error) {
        // Whoever deletes a comment leaves its id taken.
        if (!isRefusal(error)) throw error;
        problem = error;
      }
    }
    throw problem;
  };

  const edit = async (
    session: string,
    change: (shown: WorkComment) => WorkComment,
    signal: AbortSignal,
    need: "wanted" | "fleeting" = "wanted",
  ): Promise<void> => {
    const before = await present(session, change(NOTHING_YET), signal);
    const next = change(readWorkComment(before.body));
    const text = workCommentText(next);
    if (text === workCommentText(readWorkComment(before.body))) return;
    // Until it is answered, nobody knows what stands there.
    kept.delete(session);
    try {
      const input = { body: text };
      const update = need === "fleeting" ? { ...UPDATE_COMMENT, kind: need } : UPDATE_COMMENT;
      const { commentUpdate } = await client.call(update, { id: before.id, input }, signal);
      carriedOut(commentUpdate.success, UPDATE_COMMENT.name);
      keep(session, commentUpdate.comment);
    } catch (error) {
      if (!isGone(error)) throw error;
      // A person has deleted it; what it showed is shown again.
      await present(session, next, signal);
    }
  };

  const setStatus = async (
    session: string,
    text: string,
    signal: AbortSignal,
    need?: "wanted" | "fleeting",
  ): Promise<void> => {
    await edit(session, (shown) => ({ ...shown, status: statusLine(text) }), signal, need);
  };

  const reply = async (session: string, key: string, text: string, signal: AbortSignal): Promise<void> => {
    const id = own.idFor(key);
    const body = `${MARK} ${text}`;
    const { root } = placeOf(session);
    try {
      if (root !== null) {
        await beside(session, id, body, root, signal);
        return;
      }
      const shown = await present(session, NOTHING_YET, signal);
      try {
        await write(session, id, body, shown.id, signal);
      } catch (error) {
        if (!isGone(error)) throw error;
        kept.delete(session);
        const again = await present(session, readWorkComment(shown.body), signal);
        await write(session, id, body, again.id, signal);
      }
    } catch (error) {
      // Linear refuses an id that it has; whether that is what a refusal means is asked of Linear.
      if (!isRefusal(error)) throw error;
      if ((await orNull(client.call(FIND_COMMENT, { id }, signal))) === null) throw error;
    }
  };

  return {
    async tell(session, key, activity, signal, need) {
      switch (activity.type) {
        case "thought":
          // What is to stay is for a person, such as that a pull request waits for them to merge it.
          if (activity.ephemeral === true) return await setStatus(session, activity.body, signal, need);
          await reply(session, key, clip(activity.body, LONGEST_BODY), signal);
          await setStatus(session, "Waiting: see below.", signal);
          return;
        case "action": {
          const { action, parameter, result } = activity;
          const done = result === undefined ? "" : ` → ${result}`;
          await setStatus(session, `${action} ${parameter}${done}`, signal, need);
          return;
        }
        case "elicitation": {
          const options = optionsOf(activity).map((option) => `- ${option}`);
          const list = options.length === 0 ? "" : `\n\n${options.join("\n")}`;
          const question = `${clip(activity.body, LONGEST_BODY)}${list}\n\n${HOW_TO_ANSWER}`;
          await reply(session, key, question, signal);
          await setStatus(session, "Waiting for an answer to the question below.", signal);
          return;
        }
        case "response":
          await reply(session, key, clip(activity.body, LONGEST_BODY), signal);
          await setStatus(session, "See the report below.", signal);
          return;
        case "error":
          await reply(session, key, clip(activity.body, LONGEST_BODY), signal);
          await setStatus(session, "Cannot go on: see below.", signal);
          return;
        default:
          unreachable(activity);
      }
    },
    async showPlan(session, items, signal) {
      await edit(session, (shown) => ({ ...shown, plan: planLines(items) }), signal);
    },
    async link(session, label, url, signal) {
      webAddress(url);
      const input = { issueId: placeOf(session).issue, title: clip(label, 200), url };
      const { attachmentCreate } = await client.call(ATTACH, { input }, signal);
      carriedOut(attachmentCreate.success, ATTACH.name);
      const isThere = ({ links }: WorkComment): boolean => links.some((link) => link.url === url);
      await edit(
        session,
        (shown) =>
          isThere(shown) ? shown : { ...shown, links: [...shown.links, { label: linkLabel(label), url }] },
        signal,
      );
    },
  };
}

function isGone(error: unknown): boolean {
  return error instanceof ExternalError && error.kind === "not_found";
}
