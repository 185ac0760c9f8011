import type { SourceName } from "./source.ts";

/** What the intake counts; called once per request. */
export interface WebhookCounts {
  /** `seconds`: from the verified delivery to its being durable. */
  stored(source: SourceName, answer: "accepted" | "duplicate", seconds: number): void;
  /** `reason`: the code of the refusal. */
  refused(source: SourceName, reason: string): void;
}
