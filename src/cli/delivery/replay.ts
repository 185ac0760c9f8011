import type { Command } from "../usage/command.ts";
import { quoted } from "../usage/argv.ts";
import { Failure, wrongUsage } from "../usage/failure.ts";
import { ID } from "./find.ts";

export const command: Command = {
  arguments: [ID],
  options: {},
  about: [
    "Harmless to repeat: facts that are known already change nothing. The relay must be running (exit 4 when it cannot be reached).",
  ],
  examples: [
    { says: "after the cause of its quarantine is mended", line: "delivery replay github:72d3162e" },
  ],
  async run(context) {
    const id = context.argument("ID");
    try {
      const accepted = await context.relay().command(`/api/deliveries/${encodeURIComponent(id)}/replay`);
      context.answer(accepted, () => [`${quoted(id).slice(1, -1)}: is applied once more`]);
      return 0;
    } catch (error) {
      // The API answers a conflict for an id that two sources have; here that is a wrong argument.
      const ambiguous =
        error instanceof Failure && error.status === 409 && error.message.startsWith("more than one");
      throw ambiguous ? wrongUsage(error.message, error.hint) : error;
    }
  },
};
