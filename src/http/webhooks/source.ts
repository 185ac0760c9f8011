import type { Installing } from "../../trackers/tracker.ts";
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
  /** How it is installed by OAuth; null = it has no such thing. */
  readonly installing: Installing | null;
  /** Has our sign-in there checked again. */
  recheck(): void;
  /** Turns a request into a verified delivery. */
  open(headers: RequestHeaders, body: Buffer, now: number): VerifiedDelivery | Refusal;
}

/** Where the source's webhooks are taken. */
export function webhookPath({ name }: Pick<Source, "name">): string {
  return `/webhooks/${name}`;
}
