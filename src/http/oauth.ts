import type { FastifyInstance } from "fastify";
import { Problem } from "./problem.ts";
import type { Source } from "./webhooks/source.ts";

/** The routes of OAuth installations: there so that their addresses are settled; not offered yet. */
export function oauth(app: FastifyInstance, sources: readonly Source[]): void {
  for (const { name, installation } of sources) {
    if (installation === null) continue;
    const later = (): never => {
      throw new Problem(501, "not_implemented", installation);
    };
    app.get(`/oauth/${name}/start`, { schema: { hide: true } }, later);
    app.get(`/oauth/${name}/callback`, { config: { open: true }, schema: { hide: true } }, later);
  }
}
