import type { IssueDocument } from "../../engines/documents.ts";
import type { Argument, Context } from "../usage/command.ts";
import { quoted } from "../usage/argv.ts";
import { notFound } from "../usage/failure.ts";

/** The argument of every command that is about one issue. */
export const KEY: Argument = { name: "KEY", says: "the issue, e.g. APP-1", required: true };

/** The issue that was named. Throws Failure (exit 3). */
export async function namedIssue(context: Context): Promise<IssueDocument> {
  const key = context.argument("KEY");
  const views = await context.views();
  return (await views.issue(key)) ?? unknownIssue(key);
}

/** Throws the Failure (exit 3) for a key that names nothing. */
export function unknownIssue(key: string): never {
  throw notFound(`there is no issue ${quoted(key)}`, "`patchrelay issue list` shows the known ones");
}
