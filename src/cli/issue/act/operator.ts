import type { Argument, Command, Context, Example } from "../../usage/command.ts";
import { quoted } from "../../usage/argv.ts";
import { KEY } from "../find.ts";

/** What the commands of an operator differ in. */
export interface OperatorCommand {
  /** The last part of POST /api/issues/:key/… */
  readonly name: string;
  /** Told when the relay has taken it. */
  readonly done: string;
  readonly text?: Argument;
  readonly options?: Command["options"];
  readonly about: readonly string[];
  readonly examples: readonly Example[];
  /** The body of the request; absent = none. */
  readonly body?: (context: Context) => Readonly<Record<string, string>>;
}

/**
 * An operator's command: told to the running relay, which makes it durable and answers with its line of the
 * journal. What follows from it is the factory's business and shows in `issue show`.
 */
export function operatorCommand(spec: OperatorCommand): Command {
  return {
    arguments: spec.text === undefined ? [KEY] : [KEY, spec.text],
    options: spec.options ?? {},
    about: [...spec.about, "The relay must be running (exit 4 if it cannot be reached)."],
    examples: spec.examples,
    async run(context) {
      const key = context.argument("KEY");
      const accepted = await context
        .relay()
        .command(`/api/issues/${encodeURIComponent(key)}/${spec.name}`, spec.body?.(context));
      context.answer(accepted, () => [`${quoted(key).slice(1, -1)}: ${spec.done}`]);
      return 0;
    },
  };
}
