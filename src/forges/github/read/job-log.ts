import { z } from "zod";
import type { Clock } from "../../../lib/clock.ts";
import { ExternalError, withDeadline } from "../../../lib/external.ts";
import type { Client } from "../client/client.ts";
import type { Transport } from "../client/transport.ts";
import { networkFault } from "../client/transport.ts";

const KEPT_BYTES = 256 * 1024;
const MAX_BYTES = 64 * 1024 * 1024;

export interface JobLogParts {
  readonly client: Client;
  readonly transport: Transport;
  readonly apiUrl: string;
  readonly clock: Clock;
  readonly totalMs: number;
}

/**
 * The end (256 KiB) of a job's log. GitHub answers with a redirect to its storage, good for a minute; it is
 * followed once, without our credential, and only to where logs can be (`mayFollow`).
 */
export async function readJobLog(
  parts: JobLogParts,
  repository: string,
  job: string,
  signal: AbortSignal,
): Promise<string> {
  const what = `the log of job ${job}`;
  const answer = await parts.client.call(
    {
      repository,
      route: "GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs",
      parameters: { job_id: Number(job) },
      schema: z.unknown(),
      redirect: true,
    },
    signal,
  );
  const location = answer.headers["location"];
  if (answer.status !== 302 || location === undefined)
    throw new ExternalError("unavailable", `${what}: GitHub gave no location for it`);
  const url = mayFollow(location, parts.apiUrl);
  if (url === null) throw new ExternalError("refused", `${what}: GitHub gave a location we do not follow`);
  return await withDeadline(parts.clock, signal, parts.totalMs, what, async (until) => {
    const request = { method: "GET", headers: { "user-agent": "patchrelay" }, body: null };
    const stored = await parts.transport.exchange(url, request, until);
    if (stored.status !== 200) {
      stored.body.destroy();
      throw new ExternalError("unavailable", `${what}: its storage answered ${stored.status}`);
    }
    return await tailOf(stored.body as AsyncIterable<Buffer>, url, until);
  });
}

async function tailOf(body: AsyncIterable<Buffer>, url: URL, signal: AbortSignal): Promise<string> {
  let tail: Buffer = Buffer.alloc(0);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      tail = Buffer.concat([tail, chunk]);
      if (tail.length > 2 * KEPT_BYTES) tail = tail.subarray(tail.length - KEPT_BYTES);
      if (bytes > MAX_BYTES) break;
    }
  } catch (error) {
    throw networkFault(error, url, signal);
  }
  return tail.subarray(Math.max(0, tail.length - KEPT_BYTES)).toString("utf8");
}

/**
 * Where a redirect of the API may lead: the API's own origin, or a host with a public kind of name over
 * HTTPS. An address in numbers could be this network's own.
 */
export function mayFollow(location: string, apiUrl: string): URL | null {
  if (!URL.canParse(location)) return null;
  const url = new URL(location);
  if (url.username !== "" || url.password !== "") return null;
  if (url.origin === new URL(apiUrl).origin) return url;
  const named =
    /\.[a-z][a-z0-9-]*$/i.test(url.hostname) && !/\.(local|localhost|internal|home|lan)$/i.test(url.hostname);
  return url.protocol === "https:" && url.port === "" && named ? url : null;
}
