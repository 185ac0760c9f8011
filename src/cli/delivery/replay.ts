import type { Command } from "../usage/command.ts";
import { quoted } from "../usage/argv.ts";
import { Failure, wrongUsage } from "../usage/failure.ts";
import { ID } from "./find.ts";

export const command: Command = {
  arguments: [ID],
  options: {},
  about: [
    "Safe to repeat: facts that are already known change nothing. The relay must be running (exit 4 if it cannot be reached).",
  ],
  examples: [{ says: "after fixing what quarantined it", line: "delivery replay github:72d3162e" }],
  async run(context) {
    const id = context.argument("ID");
    try {
      const accepted = await context.relay().command(`/api/deliveries/${encodeURIComponent(id)}/replay`);
      context.answer(accepted, () => [`${quoted(id).slice(1, -1)}: will be applied again`]);
      return 0;
    } catch (error) {
      // The API answers a conflict for an id that two sources have; here that is a wrong argument.
      const ambiguous =
        error instanceof Failure && error.status === 409 && error.message.startsWith("more than one");
      throw ambiguous ? wrongUsage(error.message, error.hint) : error;
    }
  },
};
