import type { Command } from "../usage/command.ts";
import { quoted } from "../usage/argv.ts";

export const command: Command = {
  arguments: [{ name: "ID", says: "the effect, as `outbox list` shows it", required: true }],
  options: {},
  about: [
    "For an effect that failed too often or was dropped. The relay must be running (exit 4 if it cannot be reached).",
  ],
  examples: [{ says: "after GitHub is back", line: "outbox retry 17" }],
  async run(context) {
    const id = context.argument("ID");
    const accepted = await context.relay().command(`/api/outbox/${encodeURIComponent(id)}/retry`);
    context.answer(accepted, () => [`${quoted(id).slice(1, -1)}: will be tried again`]);
    return 0;
  },
};
