import { existsSync } from "node:fs";
import { layoutOf } from "../../settings/load/layout.ts";
import type { Layout } from "../../settings/load/layout.ts";
import { engineOf } from "../host/registry.ts";
import type { Context } from "../usage/command.ts";
import { Failure, notFound } from "../usage/failure.ts";
import { NOTHING_YET } from "../show/list.ts";

/** Where the configured database is, and what cares for its kind. Throws Failure (exit 3) when there is none yet. */
export async function databaseOf(context: Context) {
  const { engine, dataDir } = context.located();
  const { row } = await engineOf(context.host, engine);
  if (row === null) {
    throw new Failure(1, "engine", `engine "${engine}" keeps its data elsewhere`, {
      hint: "maintain it with that engine's tools",
    });
  }
  const layout: Layout = layoutOf(dataDir);
  if (!existsSync(layout.database)) throw notFound(NOTHING_YET);
  return { layout, maintenance: await row.maintenance() };
}
