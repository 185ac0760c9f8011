import type { ReadyDocument, StatusDocument } from "../../engines/documents.ts";
import { Failure } from "../usage/failure.ts";
import type { Answer, RelayApi } from "./relay.ts";

/** How the relay answers, as `status` tells it. */
export type Condition = Pick<
  StatusDocument,
  "relay" | "url" | "detail" | "ready" | "relayVersion" | "previousSecrets"
>;

const ASK_MS = 2_000;

/** Asks the relay how it is, within 2 s a question. That it is down is an answer, not a failure. */
export async function lookAtRelay(relay: RelayApi): Promise<Condition> {
  const unknown = { url: relay.url, ready: null, relayVersion: null, previousSecrets: null };
  try {
    const answer = await relay.ask("/ready", ASK_MS);
    const ready = readyOf(answer);
    if (ready === null) return { ...unknown, ...strange(answer) };
    return {
      relay: "up",
      url: relay.url,
      detail: null,
      ready,
      relayVersion: await versionOf(relay),
      previousSecrets: ready.previousSecrets,
    };
  } catch (error) {
    if (error instanceof Failure && error.exitCode === 4) {
      return { relay: "down", ...unknown, detail: error.message };
    }
    throw error;
  }
}

function readyOf({ document }: Answer): ReadyDocument | null {
  const whole = typeof document?.["ready"] === "boolean" && typeof document["parts"] === "object";
  return whole ? (document as unknown as ReadyDocument) : null;
}

function strange({ status, document }: Answer): Pick<Condition, "relay" | "detail"> {
  if (status === 401) return { relay: "up", detail: "it needs a token: set PATCHRELAY_API_TOKEN" };
  // A problem of ours: the relay is there, though it could not say how its parts are.
  const type = document?.["type"];
  if (typeof type === "string" && type.startsWith("urn:patchrelay:")) {
    const detail = document?.["detail"];
    return { relay: "up", detail: typeof detail === "string" ? detail : "it does not report its state" };
  }
  return { relay: "down", detail: `something other than patchrelay answers there (${status})` };
}

async function versionOf(relay: RelayApi): Promise<string | null> {
  const { document } = await relay.ask("/openapi.json", ASK_MS);
  const about = document?.["info"];
  const version =
    typeof about === "object" && about !== null ? (about as { version?: unknown }).version : null;
  return typeof version === "string" ? version : null;
}
