import { createHmac } from "node:crypto";
import type { RequestHeaders } from "../../src/lib/delivery.ts";

/** Headers as an HTTP server would hand them over, doubled ones visible. */
export type TestHeaders = RequestHeaders;

/** `lines`: name and value per line, in the order sent. */
export function headersOf(lines: readonly (readonly [string, string])[]): TestHeaders {
  const values = (name: string): string[] =>
    lines.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return {
    get(name) {
      const all = values(name);
      return all.length > 1 ? "doubled" : (all[0] ?? null);
    },
    count: (name) => values(name).length,
  };
}

/** Linear's signature over these bytes. */
export function signed(secret: string, body: Buffer | string): string {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/** Quick mode as it is set unless said otherwise, where news is looked for. */
export const QUICK = {
  trigger: { label: "patchrelay", word: "@patchrelay", assignment: false },
  polls: true,
} as const;
