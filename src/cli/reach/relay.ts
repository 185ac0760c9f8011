import { ExternalError, withDeadline } from "../../lib/external.ts";
import type { Secret } from "../../lib/secrets/secret.ts";
import type { Location } from "../../settings/load/locate.ts";
import { Failure } from "../usage/failure.ts";
import type { FailureCode } from "../usage/failure.ts";
import type { Host } from "../host/host.ts";
import { relayUrl } from "./address.ts";

/** The running relay's HTTP interface. */
export interface RelayApi {
  /** Null = there is no knowing where it listens. */
  readonly url: string | null;
  token(): Promise<Secret | null>;
  /** Answers of any status; throws Failure (exit 4) when there is none within `deadlineMs`. */
  ask(path: string, deadlineMs: number): Promise<Answer>;
  /** Sends a command; throws Failure with the relay's own reason when it refuses. */
  command(path: string, body?: unknown): Promise<unknown>;
}

export interface Answer {
  readonly status: number;
  /** Null when the answer is no JSON object. */
  readonly document: Readonly<Record<string, unknown>> | null;
}

const COMMAND_MS = 15_000;

/** Makes the client; connects to nothing yet. */
export function createRelayApi(host: Host, located: Extract<Location, { ok: true }>): RelayApi {
  const url = relayUrl(host, located);
  const token = async (): Promise<Secret | null> => {
    const { apiToken } = await import("./token.ts");
    return apiToken(host);
  };

  const send = async (path: string, deadlineMs: number, request: RequestInit): Promise<Answer> => {
    if (url === null)
      throw unreachable("it is not running (http.port is 0 and there is no record of its URL)");
    const given = await token();
    const authorization = given === null ? {} : { authorization: `Bearer ${given.reveal()}` };
    const headers = {
      ...(request.headers as Record<string, string>),
      ...authorization,
      accept: "application/json",
    };
    try {
      return await withDeadline(host.clock, new AbortController().signal, deadlineMs, url, async (signal) => {
        const response = await fetch(url + path, { ...request, headers, redirect: "error", signal });
        return { status: response.status, document: parsed(await response.text()) };
      });
    } catch (error) {
      throw unreachable(reasonOf(error, url));
    }
  };

  return {
    url,
    token,
    ask: async (path, deadlineMs) => await send(path, deadlineMs, {}),
    async command(path, body) {
      const answer = await send(path, COMMAND_MS, {
        method: "POST",
        headers: {
          "idempotency-key": (await host.randomness()).uuid(),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (answer.status >= 200 && answer.status < 300 && answer.document !== null) return answer.document;
      throw refusal(answer, url ?? "the relay");
    },
  };
}

const EXIT_OF: Readonly<Record<number, FailureCode>> = { 400: 2, 404: 3 };

/** What the relay said no with, as a failure of ours. */
export function refusal({ status, document }: Answer, url: string): Failure {
  const { detail, hint, type } = document ?? {};
  if (typeof detail !== "string") {
    const hint = "does another program use http.port? See `patchrelay status`";
    return new Failure(1, "strange_answer", `${url} answered ${status} without saying why`, { hint, status });
  }
  const code = typeof type === "string" ? (type.split(":").at(-1) ?? "refused") : "refused";
  const own = status === 401 ? "set PATCHRELAY_API_TOKEN to the relay's token" : null;
  return new Failure(EXIT_OF[status] ?? 1, code, detail, {
    hint: own ?? (typeof hint === "string" ? hint : null),
    status,
  });
}

function unreachable(reason: string): Failure {
  return new Failure(4, "relay_not_reachable", `The relay cannot be reached: ${reason}`, {
    hint: "start it with `patchrelay serve`; looking (issue show, issue list …) works without it",
  });
}

function reasonOf(error: unknown, url: string): string {
  if (!(error instanceof Error)) return `${url}: ${String(error)}`;
  if (error instanceof ExternalError) return error.message;
  const cause = error.cause as { readonly code?: unknown; readonly message?: unknown } | undefined;
  if (cause?.code === "ECONNREFUSED") return `nothing listens on ${url}`;
  const detail = [cause?.code, cause?.message].find((text) => typeof text === "string" && text !== "");
  return `${url}: ${typeof detail === "string" ? detail : error.message}`;
}

function parsed(text: string): Answer["document"] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Answer["document"])
      : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
