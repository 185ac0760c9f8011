import type { IncomingMessage } from "node:http";
import type { RequestHeaders } from "../../lib/delivery.ts";

/**
 * A request's headers with doubled ones visible: Node's own `headers` keeps the first of some names and joins
 * others. Looks things up in the raw list, so that nothing is built for a request that is refused.
 */
export function requestHeaders(request: Pick<IncomingMessage, "rawHeaders">): RequestHeaders {
  const raw = request.rawHeaders;
  return {
    get(name) {
      let value: string | null = null;
      for (let at = 0; at < raw.length; at += 2) {
        if (!sameName(raw[at], name)) continue;
        if (value !== null) return "doubled";
        value = raw[at + 1] ?? "";
      }
      return value;
    },
    count(name) {
      let count = 0;
      for (let at = 0; at < raw.length; at += 2) if (sameName(raw[at], name)) count += 1;
      return count;
    },
  };
}

function sameName(given: string | undefined, name: string): boolean {
  return given !== undefined && given.length === name.length && given.toLowerCase() === name;
}
