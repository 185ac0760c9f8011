import { layoutOf } from "../../settings/load/layout.ts";
import type { Layout } from "../../settings/load/layout.ts";
import { engineOf } from "../host/registry.ts";
import type { Context } from "../usage/command.ts";
import { Failure } from "../usage/failure.ts";

/** Where the configured database is, whether it is there or not, and what cares for its kind. */
export async function databaseOf(context: Context) {
  const { engine, dataDir } = context.located();
  const { row } = await engineOf(context.host, engine);
  if (row === null) {
    throw new Failure(1, "engine", `engine "${engine}" keeps its data elsewhere`, {
      hint: "maintain it with that engine's tools",
    });
  }
  const layout: Layout = layoutOf(dataDir);
  return { layout, maintenance: await row.maintenance() };
}
