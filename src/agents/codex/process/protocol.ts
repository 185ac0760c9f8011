import { z } from "zod";

// What we read of Codex's app-server protocol (0.169.0; `codex app-server generate-ts` prints all of it): only the
// fields that are used, lenient towards the rest, because the protocol grows with almost every release.

const errorInfo = z.union([z.string(), z.record(z.string(), z.unknown())]).nullish();

const turnError = z.object({ message: z.string().default(""), codexErrorInfo: errorInfo });
export type TurnError = z.infer<typeof turnError>;

const item = z.discriminatedUnion("type", [
  z.object({ type: z.literal("userMessage"), id: z.string(), clientId: z.string().nullish() }),
  z.object({
    type: z.literal("agentMessage"),
    id: z.string(),
    text: z.string(),
    phase: z.string().nullish(),
  }),
  z.object({ type: z.literal("reasoning"), id: z.string(), summary: z.array(z.string()).default([]) }),
  z.object({
    type: z.literal("commandExecution"),
    id: z.string(),
    command: z.string(),
    status: z.string(),
    aggregatedOutput: z.string().nullish(),
    exitCode: z.number().nullish(),
    durationMs: z.number().nullish(),
  }),
  z.object({
    type: z.literal("fileChange"),
    id: z.string(),
    status: z.string(),
    changes: z.array(z.object({ path: z.string() })).default([]),
  }),
]);
export type ThreadItem = z.infer<typeof item>;

/** An item we have a use for; null for every other kind, known to Codex or not. */
export function readItem(value: unknown): ThreadItem | null {
  return item.safeParse(value).data ?? null;
}

const turn = z.object({
  id: z.string(),
  status: z.string(),
  error: turnError.nullish(),
  items: z.array(z.unknown()).default([]),
});
export type Turn = z.infer<typeof turn>;

export const threadAnswer = z.object({
  thread: z.object({ id: z.string() }),
  model: z.string().nullish(),
});
export const turnAnswer = z.object({ turn });
export const turnsAnswer = z.object({ data: z.array(turn), nextCursor: z.string().nullish() });

const tokens = z.object({
  totalTokens: z.number().default(0),
  inputTokens: z.number(),
  cachedInputTokens: z.number().default(0),
  outputTokens: z.number(),
});
export type Tokens = z.infer<typeof tokens>;

const rateWindow = z.object({ usedPercent: z.number(), resetsAt: z.number().nullish() }).nullish();
const rateLimits = z.object({ primary: rateWindow, secondary: rateWindow });
export type RateLimits = z.infer<typeof rateLimits>;

const ofTurn = { threadId: z.string(), turnId: z.string() };

/** The notifications that we act on. Any other is only a sign of life. */
const notifications = {
  "turn/completed": z.object({ threadId: z.string(), turn }),
  "item/completed": z.object({ ...ofTurn, item: z.unknown() }),
  "turn/plan/updated": z.object({
    ...ofTurn,
    plan: z.array(z.object({ step: z.string(), status: z.string() })),
  }),
  "thread/tokenUsage/updated": z.object({
    ...ofTurn,
    tokenUsage: z.object({ total: tokens, last: tokens }),
  }),
  error: z.object({ ...ofTurn, willRetry: z.boolean().default(false), error: turnError }),
  warning: z.object({ threadId: z.string().nullish(), message: z.string() }),
  "account/rateLimits/updated": z.object({ rateLimits }),
} as const;

type Name = keyof typeof notifications;

/** A notification in our types. */
export type Notification = {
  [N in Name]: { readonly method: N; readonly params: z.infer<(typeof notifications)[N]> };
}[Name];

/** Null for a notification that we do not act on; `"malformed"` for one of ours in an unexpected form. */
export function readNotification(method: string, params: unknown): Notification | "malformed" | null {
  if (!Object.hasOwn(notifications, method)) return null;
  const parsed = notifications[method as Name].safeParse(params);
  return parsed.success ? ({ method, params: parsed.data } as Notification) : "malformed";
}
