import type { FastifyInstance } from "fastify";
import { Problem } from "./problem.ts";
import type { Source } from "./webhooks/source.ts";

/** The routes of OAuth installations: there so that their addresses are settled; not offered yet. */
export function oauth(app: FastifyInstance, sources: readonly Source[]): void {
  for (const { name, label, installation } of sources) {
    if (installation === null) continue;
    const later = (): never => {
      throw new Problem(501, "not_implemented", installation);
    };
    app.get(`/oauth/${name}/start`, { schema: { hide: true } }, later);
    app.get<{ Querystring: Readonly<Record<string, unknown>> }>(
      `/oauth/${name}/callback`,
      { config: { open: true }, schema: { hide: true } },
      (request) => {
        const { error } = request.query;
        if (error !== undefined) throw refused(label, error);
        return later();
      },
    );
  }
}

/** A person or the source itself said no; the code is passed on only in the form that OAuth gives it. */
function refused(label: string, error: unknown): Problem {
  const code = typeof error === "string" && /^\w{1,64}$/.test(error) ? ` (${error})` : "";
  return new Problem(
    400,
    "access_not_granted",
    `${label} did not grant access${code}; nothing has changed here`,
  );
}
