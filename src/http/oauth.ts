import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Clock } from "../lib/clock.ts";
import { ExternalError, withDeadline } from "../lib/external.ts";
import { html } from "../lib/html.ts";
import type { Log } from "../lib/log.ts";
import { clip } from "../lib/text.ts";
import type { Installing, TrackerIdentity } from "../trackers/tracker.ts";
import { page, sendPage } from "./dashboard/page.ts";
import { Problem } from "./problem.ts";
import type { Source } from "./webhooks/source.ts";

/** Exchanging a code and asking who we are, ms. */
const FINISH_MS = 30_000;
/** What OAuth allows in a code or a state; ours and Linear's are far shorter. */
const ONE_WORD = /^[\x21-\x7e]{1,512}$/;

interface Parts {
  readonly sources: readonly Source[];
  /** The address that the relay has for the outside, without a slash at the end; asked when a consent begins. */
  readonly baseUrl: () => string;
  readonly stopping: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The two addresses of an installation by OAuth. `start` is guarded: only who may command the relay gets an address with a
 * state. `callback` is open, since Linear sends the admin's browser there, and takes nothing but a state that was given out.
 */
export function oauth(app: FastifyInstance, { sources, baseUrl, stopping, clock, log }: Parts): void {
  for (const source of sources) {
    const { name, label, installing } = source;
    if (installing === null) continue;
    app.get(
      `/oauth/${name}/start`,
      { config: { page: true }, schema: { hide: true } },
      async (request, reply) => {
        refuseCrossSite(request);
        const callbackUrl = `${baseUrl()}/oauth/${name}/callback`;
        const authorizeUrl = await saying(label, () =>
          withDeadline(clock, stopping, FINISH_MS, label, (until) => installing.begin(callbackUrl, until)),
        );
        if (request.headers.accept?.includes("application/json") === true)
          return { authorizeUrl, callbackUrl };
        return await reply.redirect(authorizeUrl, 303);
      },
    );
    app.get<{ Querystring: Readonly<Record<string, unknown>> }>(
      `/oauth/${name}/callback`,
      { config: { open: true, page: true }, schema: { hide: true } },
      async (request, reply) => {
        const us = await saying(label, () =>
          withDeadline(clock, stopping, FINISH_MS, label, (until) =>
            finished(installing, { name, label }, request.query, until),
          ),
        );
        log.info("connected", { source: name, workspace: us.workspaceName });
        source.recheck();
        return await sendPage(reply, donePage(label, us));
      },
    );
  }
}

async function finished(
  installing: Installing,
  { name, label }: Pick<Source, "name" | "label">,
  { state, code, error }: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<TrackerIdentity> {
  if (typeof state !== "string" || !ONE_WORD.test(state)) {
    throw new Problem(
      400,
      "bad_consent",
      "this is not the return from a consent: it carries no single state",
      {
        hint: `run \`patchrelay ${name} connect\`, or open /oauth/${name}/start`,
      },
    );
  }
  if (error !== undefined) {
    await installing.decline(state);
    throw refused(label, error);
  }
  if (typeof code !== "string" || !ONE_WORD.test(code)) {
    throw new Problem(400, "bad_consent", "this is not the return from a consent: it carries no single code");
  }
  return await installing.finish(state, code, signal);
}

// A page of another site could otherwise begin consents from a browser on the relay's own machine.
function refuseCrossSite(request: FastifyRequest): void {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined && !["same-origin", "none"].includes(site.toLowerCase())) {
    throw new Problem(403, "foreign_origin", "this request comes from a page of another site", {
      hint: "type the address yourself",
    });
  }
}

async function saying<T>(label: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ExternalError)) throw error;
    if (error.kind === "refused") throw new Problem(400, "consent_refused", error.message);
    if (error.kind === "unauthorized") throw new Problem(502, "consent_failed", error.message);
    throw new Problem(503, "consent_failed", `${label} cannot be asked now: ${error.message}`, {
      hint: "nothing was changed; try again later",
    });
  }
}

/** A person or the source itself said no; the code is passed on only in the form that OAuth gives it. */
function refused(label: string, error: unknown): Problem {
  const code = typeof error === "string" && /^\w{1,64}$/.test(error) ? ` (${error})` : "";
  return new Problem(400, "access_not_granted", `${label} did not grant access${code}; nothing was changed`);
}

function donePage(label: string, { name, workspaceName }: TrackerIdentity) {
  return page(
    `${label} is connected`,
    null,
    html`<section class="card">
      <h1>${label} is connected</h1>
      <p>
        ${clip(name, 100)} now works in ${clip(workspaceName, 100)}. Delegate an issue to it, or mention it in
        one.
      </p>
      <p class="faint">You can close this page.</p>
    </section>`,
  );
}
