import { join, resolve } from "node:path";
import { iso } from "../../lib/clock.ts";
import type { Command } from "../usage/command.ts";
import { bytes } from "../show/numbers.ts";
import { databaseOf } from "./database.ts";

export const command: Command = {
  arguments: [
    { name: "FILE", says: "where to; default: a new file in backups/ in the data folder", required: false },
  ],
  options: {},
  about: [
    "A complete, consistent copy, also while the relay runs. An existing file is never overwritten, and missing folders are not created, in case a disk is not mounted.",
  ],
  examples: [
    { says: "before an upgrade", line: "db backup" },
    { says: "to another disk", line: "db backup /mnt/backup/patchrelay.db" },
  ],
  async run(context) {
    const { layout, maintenance } = await databaseOf(context);
    const given = context.optional("FILE");
    const name = `patchrelay-${iso(context.host.clock.now()).replace(/[:.]/g, "-")}.db`;
    const file = given === null ? join(layout.backups, name) : resolve(context.host.cwd, given);
    const written = await maintenance.backup(layout.database, file);
    context.answer({ file, bytes: written.bytes }, () => [`${file}  ${bytes(written.bytes)}`]);
    return 0;
  },
};
