import { ExternalError } from "../../../lib/external.ts";
import { clip } from "../../../lib/text.ts";

/** Throws ExternalError `refused` where Linear says that it did not do it. */
export function carriedOut(success: boolean, what: string): void {
  if (!success) throw new ExternalError("refused", `Linear (${what}): it answered without success`);
}

/** Whether Linear would not do it: that may be because it is done already. */
export function isRefusal(error: unknown): boolean {
  return error instanceof ExternalError && (error.kind === "refused" || error.kind === "conflict");
}

/** The answer, or null when Linear says that there is no such thing. */
export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ExternalError && error.kind === "not_found") return null;
    throw error;
  }
}

/** Throws ExternalError `refused` unless people can follow it. */
export function webAddress(url: string): void {
  if (/^https?:\/\//i.test(url)) return;
  throw new ExternalError("refused", `${JSON.stringify(clip(url, 100))} is not a web address to link to`);
}
