import { escapeHidden } from "../../lib/text.ts";
import type { Command } from "../usage/command.ts";
import { databaseOf } from "./database.ts";

export const command: Command = {
  arguments: [],
  options: {},
  about: [
    "Reads the whole database and changes nothing: SQLite's own check, then the invariants of docs/reliability.md, by number. Exits 1 if it finds anything.",
  ],
  examples: [{ says: "after the machine crashed", line: "db check" }],
  async run(context) {
    const { layout, maintenance } = await databaseOf(context);
    const findings = maintenance.check(layout.database, context.host.clock.now());
    const ok = findings.length === 0;
    context.answer({ ok, findings }, () =>
      ok
        ? [`${layout.database} is sound.`]
        : [
            ...findings.map(({ invariant, detail }) => escapeHidden(`${invariant}: ${detail}`)),
            `${findings.length} ${findings.length === 1 ? "finding" : "findings"}. Keep the file, and restore a backup (made by \`patchrelay db backup\`) if the relay refuses it.`,
          ],
    );
    return ok ? 0 : 1;
  },
};
