import { FACTORY_STATES } from "../../factory/facts/state.ts";
import {
  flag,
  list,
  number,
  numberOrNull,
  object,
  oneOf,
  orNull,
  reference,
  text,
  textOrNull,
  time,
  timeOrNull,
  whole,
} from "./schema.ts";
import type { Schema } from "./schema.ts";

/** What the API answers with, by the name it has in the OpenAPI document. */
export const DOCUMENTS: readonly (Schema & { readonly $id: string })[] = [
  named("Problem", "An error (RFC 9457).", {
    ...object({ type: text, title: text, status: whole, detail: text }),
    properties: {
      type: { ...text, description: "Stable code of the problem, as a URN." },
      title: text,
      status: whole,
      detail: text,
      hint: { ...text, description: "What to do about it, where there is something." },
    },
  }),
  named("WebhookAnswer", "The delivery is on disk.", {
    ...object({ ok: { const: true } }),
    properties: { ok: { const: true }, accepted: flag, duplicate: flag },
  }),
  named(
    "Delivery",
    "A verified webhook.",
    object({
      seq: whole,
      source: text,
      deliveryId: text,
      event: text,
      action: textOrNull,
      receivedAt: time,
      state: oneOf(["pending", "applied", "ignored", "quarantined"]),
      why: textOrNull,
      issues: list(text),
      attempts: whole,
      bytes: whole,
    }),
  ),
  named(
    "Issue",
    "Where an issue stands and why.",
    object({
      id: text,
      key: text,
      title: text,
      url: textOrNull,
      project: textOrNull,
      repository: textOrNull,
      branch: textOrNull,
      state: oneOf(Object.keys(FACTORY_STATES)),
      since: time,
      rule: text,
      why: text,
      waitsFor: textOrNull,
      until: timeOrNull,
      pullRequest: orNull(object({ number: whole, url: text, head: text, state: text, merged: flag })),
      run: orNull(object({ id: text, type: text, startedAt: timeOrNull })),
      budgets: {
        type: "object",
        additionalProperties: object({ spent: number, limit: numberOrNull }),
      },
      question: orNull(object({ id: text, text, options: list(text), askedAt: time })),
      queue: orNull(object({ position: whole, reason: text })),
      spent: object({ runs: whole, tokens: whole, usd: numberOrNull }),
      worktree: textOrNull,
      createdAt: time,
      updatedAt: time,
      version: whole,
    }),
  ),
  named(
    "Why",
    "Why it does this, or not that.",
    object({
      issue: text,
      at: time,
      state: text,
      rule: text,
      why: text,
      waitsFor: textOrNull,
      until: timeOrNull,
      evidence: list(object({ fact: text, value: text, source: textOrNull, at: timeOrNull })),
    }),
  ),
  named(
    "JournalEntry",
    "What was seen, and what came of it.",
    object({
      seq: whole,
      at: time,
      issue: text,
      observation: object({ kind: text, source: text, delivery: textOrNull, at: time }),
      rule: text,
      why: text,
      from: textOrNull,
      to: text,
      effects: list(object({ kind: text, key: text, state: text })),
    }),
  ),
  named(
    "Run",
    "One attempt by an agent.",
    object({
      id: text,
      issue: text,
      number: whole,
      type: text,
      state: text,
      outcome: textOrNull,
      failureClass: textOrNull,
      startedAt: timeOrNull,
      endedAt: timeOrNull,
      headBefore: textOrNull,
      headAfter: textOrNull,
      thread: textOrNull,
      turn: textOrNull,
      tokens: object({ input: whole, cached: whole, output: whole }),
      usd: numberOrNull,
      why: textOrNull,
    }),
  ),
  named("RunEvent", "A line of a run's log.", object({ seq: whole, run: text, at: time, kind: text, text })),
  named(
    "Effect",
    "One thing asked for, not carried out yet or done.",
    object({
      id: text,
      key: text,
      kind: text,
      issue: text,
      state: oneOf(["pending", "doing", "done", "failed", "dropped"]),
      attempts: whole,
      nextAt: timeOrNull,
      error: textOrNull,
    }),
  ),
  named("Ready", "Whether the relay can do its work, part by part.", {
    ...object({
      ready: flag,
      previousSecrets: object({ linear: timeOrNull, github: timeOrNull }),
      parts: object(
        Object.fromEntries(
          ["database", "inbox", "outbox", "sweep", "agent", "linear", "github"].map((part) => [
            part,
            reference("ReadyPart"),
          ]),
        ),
      ),
    }),
  }),
  named(
    "ReadyPart",
    "One part of the relay.",
    object({ ok: flag, detail: text, ageMs: numberOrNull, pending: numberOrNull }),
  ),
  named(
    "Queue",
    "What waits for a slot.",
    object({
      slots: object({ total: whole, used: whole }),
      items: list(
        object({
          issue: text,
          class: oneOf(["rework", "backlog"]),
          position: whole,
          since: time,
          reason: text,
        }),
      ),
    }),
  ),
  named("Agent", "An agent that can be asked.", object({ name: text, ready: flag, detail: textOrNull })),
  named(
    "Budget",
    "What was spent today (UTC).",
    object({
      day: text,
      usdToday: number,
      usdPerDay: numberOrNull,
      tokensToday: whole,
      runsToday: whole,
    }),
  ),
  named(
    "Accepted",
    "The command is durable. seq is its line in the journal; null = it leaves none.",
    object({ accepted: { const: true }, seq: { type: ["integer", "null"] } }),
  ),
  named(
    "StreamLine",
    "One message of /api/stream; pass the last seq as after to go on from it.",
    object({
      seq: whole,
      kind: oneOf(["journal", "run"]),
      line: { anyOf: [reference("JournalEntry"), reference("RunEvent")] },
    }),
  ),
];

function named($id: string, description: string, schema: Schema): Schema & { readonly $id: string } {
  return { ...schema, $id, description };
}
