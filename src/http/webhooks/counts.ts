/** What the intake counts; called once per request. */
export interface WebhookCounts {
  /** `seconds`: from the verified delivery to its being durable. */
  stored(source: string, answer: "accepted" | "duplicate", seconds: number): void;
  /** `reason`: the code of the refusal. */
  refused(source: string, reason: string): void;
}
