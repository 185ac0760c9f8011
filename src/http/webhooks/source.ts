import type { Refusal, RequestHeaders, VerifiedDelivery } from "../../lib/delivery.ts";

/** Who can turn a request into a verified delivery: a tracker's or a forge's `webhook.ts`. */
interface Source {
  open(headers: RequestHeaders, body: Buffer, now: number): VerifiedDelivery | Refusal;
}
export type SourceName = "linear" | "github";
export type Sources = Readonly<Record<SourceName, Source>>;
