import { z } from "zod";
import { parseTime } from "../../../lib/clock.ts";
import { clip } from "../../../lib/text.ts";

/** Longest text of a person that is kept; longer ones are cut and end in an ellipsis. Characters. */
const LONGEST_TEXT = 64_000;

/**
 * The shapes we rely on, and nothing else: unknown fields and values of Linear's pass by, absent and null are the
 * same, times become Unix milliseconds. Used for webhook bodies and for answers alike.
 */
export const id = z.string().regex(/^[A-Za-z0-9-]{1,100}$/, "expected an id");
export const name = z.string().transform((text) => clip(text, 500));
export const prose = z.string().transform((text) => clip(text, LONGEST_TEXT));
export const time = z.string().transform((text, context) => {
  const at = parseTime(text);
  if (at !== null) return at;
  context.addIssue({ code: "custom", message: "expected an ISO 8601 time" });
  return z.NEVER;
});

/** `shape`, or null when it is absent or null. */
export function maybe<S extends z.ZodType>(shape: S): z.ZodType<z.output<S> | null> {
  return z
    .unknown()
    .optional()
    .transform((value, context): z.output<S> | null => {
      if (value === undefined || value === null) return null;
      const found = shape.safeParse(value);
      if (found.success) return found.data;
      for (const issue of found.error.issues) {
        context.addIssue({ code: "custom", message: issue.message, path: issue.path });
      }
      return z.NEVER;
    });
}

const webhookUser = z.object({ id, name });
const webhookTeam = z.object({ key: name });

const sessionComment = z.object({ id, body: prose, userId: maybe(id) });

/** `AgentSessionEvent`. */
export const sessionEvent = z.object({
  appUserId: id,
  agentSession: z.object({
    id,
    createdAt: time,
    issueId: maybe(id),
    creator: maybe(webhookUser),
    comment: maybe(sessionComment),
    sourceCommentId: maybe(id),
    sourceMetadata: maybe(z.object({ type: maybe(z.string()) })),
  }),
  previousComments: maybe(z.array(z.unknown())),
  agentActivity: maybe(
    z.object({
      id,
      createdAt: time,
      userId: id,
      user: maybe(webhookUser),
      signal: maybe(z.string()),
      sourceCommentId: maybe(id),
      content: z.object({ type: z.string(), body: maybe(prose) }),
    }),
  ),
});
export type SessionEvent = z.output<typeof sessionEvent>;

/** `AppUserNotification`. */
export const notificationEvent = z.object({
  appUserId: id,
  notification: z.object({ createdAt: time, issueId: id, actorId: maybe(id), actor: maybe(webhookUser) }),
});

const entityActor = z.object({ id: maybe(id), type: maybe(z.string()), name: maybe(name) });

/** What every entity event carries around its `data`. */
const entityEnvelope = z.object({
  createdAt: time,
  organizationId: maybe(id),
  actor: maybe(entityActor),
});
export type EntityActor = z.output<typeof entityActor>;

/** An `Issue` event. `updatedFrom` has the earlier values of what changed, and only that. */
export const issueEvent = entityEnvelope.extend({
  data: z.object({
    id,
    identifier: maybe(name),
    title: maybe(name),
    description: maybe(prose),
    url: maybe(name),
    team: maybe(webhookTeam),
    project: maybe(z.object({ name })),
    projectId: maybe(id),
    labels: maybe(z.array(z.object({ name })).max(500)),
    creatorId: maybe(id),
    delegateId: maybe(id),
    state: maybe(z.object({ id, name, type: z.string() })),
    trashed: maybe(z.boolean()),
    archivedAt: maybe(time),
    completedAt: maybe(time),
    canceledAt: maybe(time),
    updatedAt: maybe(time),
  }),
  // `has` tells an absent key from a null one, which `maybe` would make the same.
  updatedFrom: maybe(
    z.looseObject({}).transform((from) => {
      const delegateId = from["delegateId"];
      return {
        hasDelegate: Object.hasOwn(from, "delegateId"),
        delegateId: typeof delegateId === "string" ? delegateId : null,
        hasState: Object.hasOwn(from, "stateId"),
      };
    }),
  ),
});
export type IssueEvent = z.output<typeof issueEvent>;

/** A `Comment` event, as far as a reason for ignoring it needs. */
export const commentEvent = entityEnvelope.extend({ data: z.object({ userId: maybe(id) }) });

/** `body` in the shape we rely on; throws an error that names the first place where it is otherwise. */
export function parsed<S extends z.ZodType>(shape: S, body: unknown): z.output<S> {
  const found = shape.safeParse(body);
  if (found.success) return found.data;
  const [first] = found.error.issues;
  throw new Error(
    `the body is not what Linear documents at ${first?.path.join(".") ?? ""}: ${first?.message ?? ""}`,
  );
}
