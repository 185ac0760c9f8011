import { z } from "zod";
import { clip } from "../../../lib/text.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { ExternalFault } from "../../../lib/external.ts";

const ERRORS = z.array(
  z.object({
    message: z.string().catch(""),
    extensions: z
      .object({
        type: z.string().nullish().catch(null),
        code: z.string().nullish().catch(null),
        userPresentableMessage: z.string().nullish().catch(null),
      })
      .nullish()
      .catch(null),
  }),
);

/** Fault kinds by Linear's `extensions.code` and `extensions.type`, letters only: Linear spells them in more than one way. */
const KINDS: ReadonlyMap<string, ExternalFault> = new Map([
  ["ratelimited", "rate_limited"],
  ["authenticationerror", "unauthorized"],
  ["inputerror", "refused"],
  ["invalidinput", "refused"],
  ["forbidden", "refused"],
  ["usererror", "refused"],
  ["featurenotaccessible", "refused"],
  ["usagelimitexceeded", "refused"],
  ["graphqlerror", "refused"],
  ["graphqlvalidationfailed", "refused"],
  ["graphqlparsefailed", "refused"],
  ["internalerror", "unavailable"],
  ["internalservererror", "unavailable"],
  ["networkerror", "unavailable"],
  ["locktimeout", "unavailable"],
  ["bootstraperror", "unavailable"],
]);

/** What an answer amounts to: the `data` of a whole success, or the fault to throw. */
export type Verdict =
  | { readonly data: unknown }
  | { readonly fault: ExternalFault; readonly message: string };

/** Judges an answer by its status *and* its `errors`; partial data beside errors is a fault. */
export function judge(status: number, body: string): Verdict {
  if (status >= 300 && status < 400) {
    return fault("unavailable", `HTTP ${status}: redirects are not followed; check linear.apiUrl`);
  }
  const answer = parsed(body);
  if (answer === null) {
    return fault(
      byStatus(status) ?? "unavailable",
      `HTTP ${status} with a body that is not a GraphQL answer: ${excerpt(body)}`,
    );
  }
  const errors = ERRORS.safeParse(answer["errors"] ?? []);
  if (!errors.success)
    return fault(byStatus(status) ?? "unavailable", `HTTP ${status} with unreadable errors`);
  if (errors.data.length > 0) {
    const faults = errors.data.map((error) => faultOf(error, status));
    return (
      faults.find((one) => one.fault === "rate_limited") ??
      faults.find((one) => one.fault === "unauthorized") ??
      faults[0] ??
      fault("unavailable", `HTTP ${status}`)
    );
  }
  if (status !== 200)
    return fault(byStatus(status) ?? "unavailable", `HTTP ${status} without a reason: ${excerpt(body)}`);
  if (typeof answer["data"] !== "object" || answer["data"] === null) {
    return fault("unavailable", "HTTP 200 with neither data nor errors");
  }
  return { data: answer["data"] };
}

/** The error of a fault; `what` names the operation. */
export function externalError(
  what: string,
  verdict: { readonly fault: ExternalFault; readonly message: string },
  retryAt: number | null,
): ExternalError {
  return new ExternalError(verdict.fault, `Linear (${what}): ${verdict.message}`, { retryAt });
}

function faultOf(
  error: z.infer<typeof ERRORS>[number],
  status: number,
): { fault: ExternalFault; message: string } {
  const told = error.extensions?.userPresentableMessage ?? "";
  const message = told === "" || told === error.message ? error.message : `${error.message} (${told})`;
  const kind =
    kindOf(error.extensions?.code) ??
    kindOf(error.extensions?.type) ??
    byStatus(status) ??
    (status === 400 ? "refused" : "unavailable");
  // Linear has no code of its own for "there is no such thing": it is an input error with this message.
  const missing = kind === "refused" && /^entity not found\b/i.test(error.message);
  return fault(missing ? "not_found" : kind, message);
}

function kindOf(name: string | null | undefined): ExternalFault | undefined {
  return name === null || name === undefined
    ? undefined
    : KINDS.get(name.toLowerCase().replaceAll(/[^a-z]/g, ""));
}

function byStatus(status: number): ExternalFault | undefined {
  if (status === 401) return "unauthorized";
  if (status === 403) return "refused";
  if (status === 429) return "rate_limited";
  return status >= 500 ? "unavailable" : undefined;
}

function fault(kind: ExternalFault, message: string): { fault: ExternalFault; message: string } {
  return { fault: kind, message: clip(message, 400) };
}

function parsed(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    // Proxies answer in HTML; the caller says so with an excerpt.
    return null;
  }
}

function excerpt(body: string): string {
  return JSON.stringify(clip(body.replaceAll(/\s+/g, " ").trim(), 120));
}
