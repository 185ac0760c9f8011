import type { FastifyInstance } from "fastify";
import { Problem } from "./problem.ts";

/** The routes of Linear's installation: named here so that their addresses are settled; not offered yet. */
export function oauth(app: FastifyInstance): void {
  const later = (): never => {
    throw new Problem(
      501,
      "not_implemented",
      "OAuth installation comes with a later version; set LINEAR_API_KEY",
    );
  };
  app.get("/oauth/linear/start", { schema: { hide: true } }, later);
  app.get("/oauth/linear/callback", { config: { open: true }, schema: { hide: true } }, later);
}
