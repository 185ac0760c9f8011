/** A webhook whose signature held. Only a source's `open` makes one: an unverified body cannot be passed on by mistake. */
export interface VerifiedDelivery {
  readonly verified: true;
  readonly source: string;
  /** The sender's delivery id, 1–200 printable characters. */
  readonly deliveryId: string;
  readonly event: string;
  /** Read from the body where the source parses it before answering (Linear); else null until it is applied. */
  readonly action: string | null;
  readonly body: Buffer;
  /** Set when the body is no JSON object: kept, but never interpreted. */
  readonly quarantine: string | null;
}

/** Why a request was refused, as the HTTP answer tells it. */
export interface Refusal {
  readonly verified: false;
  readonly status: 400 | 401 | 415;
  /** Stable code, e.g. `bad_signature`, `stale_timestamp`, `missing_header`. */
  readonly code: string;
  readonly detail: string;
}

/** A request's headers as Node gives them, with doubled ones visible. */
export interface RequestHeaders {
  /** The value if the header is there exactly once; null if absent; `"doubled"` marks more than one. */
  get(name: string): string | null;
  count(name: string): number;
}
