import type { FastifyInstance, FastifyReply } from "fastify";
import type { Secret } from "../../lib/secrets/secret.ts";
import { isToken } from "./access.ts";
import { sendPage } from "../dashboard/page.ts";
import { signInPage } from "../dashboard/sign-in.ts";
import { conflict, Problem } from "../problem.ts";
import { SESSION_SECONDS } from "./sessions.ts";
import type { Sessions } from "./sessions.ts";

const COOKIE = "patchrelay_session";
const FORM = "application/x-www-form-urlencoded";
const BODY_BYTES = 4_096;

/** The values of our cookie; a browser may send more than one of a name. */
export function sessionsOf(cookie: string | undefined): readonly string[] {
  if (cookie === undefined) return [];
  return cookie.split(";", 32).flatMap((pair) => {
    const [name, value] = pair.trim().split("=", 2);
    return name === COOKIE && value !== undefined && value !== "" ? [value] : [];
  });
}

/** `POST /session` with the token begins a session, `DELETE /session` ends it. */
export async function session(
  app: FastifyInstance,
  parts: { readonly apiToken: Secret | null; readonly secure: boolean; readonly sessions: Sessions },
): Promise<void> {
  const { apiToken, secure, sessions } = parts;
  const cookie = (value: string, seconds: number): string =>
    `${COOKIE}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;

  // The sign-in page works without a script, so only here a form is understood.
  await app.register(async (scope) => {
    scope.addContentTypeParser(FORM, { parseAs: "string", bodyLimit: BODY_BYTES }, (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(String(body))));
    });
    scope.post(
      "/session",
      { config: { open: true }, bodyLimit: BODY_BYTES, schema: { hide: true } },
      async (request, reply) => {
        if (apiToken === null)
          throw conflict(
            "this relay has no token",
            "set PATCHRELAY_API_TOKEN to sign in from another machine",
          );
        const isForm = request.headers["content-type"]?.toLowerCase().startsWith(FORM) === true;
        const { token } = (request.body ?? {}) as { token?: unknown };
        if (typeof token !== "string" || !isToken(token.trim(), apiToken)) {
          if (isForm) return await sendSignIn(reply, "Wrong token.");
          throw new Problem(401, "unauthorized", "the token in the body is not PATCHRELAY_API_TOKEN");
        }
        reply.header("set-cookie", cookie(sessions.open(), SESSION_SECONDS));
        return isForm ? await reply.redirect("/", 303) : await reply.status(204).send();
      },
    );
  });
  app.delete("/session", { schema: { hide: true } }, async (request, reply) => {
    for (const value of sessionsOf(request.headers.cookie)) sessions.end(value);
    return await reply.header("set-cookie", cookie("", 0)).status(204).send();
  });
}

/** The page that asks for the token, as the answer to whoever needs one. */
export async function sendSignIn(reply: FastifyReply, message: string | null): Promise<FastifyReply> {
  // Under no-referrer browsers send a form with `Origin: null`, which is refused; to others this says no more.
  reply.status(401).header("referrer-policy", "same-origin");
  return await sendPage(reply, signInPage(message));
}
