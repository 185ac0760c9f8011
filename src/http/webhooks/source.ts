import type { Refusal, RequestHeaders, VerifiedDelivery } from "../../lib/delivery.ts";

/** A sender of webhooks, as HTTP sees it: a tracker or a forge. */
export interface Source {
  /** In its path `/webhooks/<name>`, in counters and log lines. */
  readonly name: string;
  /** For people. */
  readonly label: string;
  /** Whether issues come from there. */
  readonly isTracker: boolean;
  /** Largest body, inclusive. */
  readonly maxBytes: number;
  /** What the routes of its OAuth installation answer, which is not offered yet; null = it has none. */
  readonly installation: string | null;
  /** Turns a request into a verified delivery. */
  open(headers: RequestHeaders, body: Buffer, now: number): VerifiedDelivery | Refusal;
}

/** Where the source's webhooks are taken. */
export function webhookPath({ name }: Pick<Source, "name">): string {
  return `/webhooks/${name}`;
}
