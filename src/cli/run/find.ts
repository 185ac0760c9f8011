import type { RunDocument } from "../../engines/documents.ts";
import type { Argument, Context } from "../usage/command.ts";
import { quoted } from "../usage/argv.ts";
import { notFound } from "../usage/failure.ts";

/** The argument of every command that is about one run. */
export const ID: Argument = { name: "ID", says: "the run, as `run list` shows it", required: true };

/** The run that was named. Throws Failure (exit 3). */
export async function namedRun(context: Context): Promise<RunDocument> {
  const id = context.argument("ID");
  const views = await context.views();
  const run = await views.run(id);
  if (run === null) {
    throw notFound(`there is no run ${quoted(id)}`, "`patchrelay run list` shows the known ones");
  }
  return run;
}
