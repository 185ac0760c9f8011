/** The database was written by a newer patchrelay. Nothing was touched. */
export class DatabaseNewer extends Error {
  override readonly name = "DatabaseNewer";
  constructor(file: string, found: number, known: number) {
    super(
      `${file} is at schema ${found}, this program knows schemas up to ${known}. ` +
        "Nothing was changed. Start the patchrelay version that wrote it, or a newer one.",
    );
  }
}

/** The database was made by another build of the same version, or by another program. Nothing was touched. */
export class DatabaseForeign extends Error {
  override readonly name = "DatabaseForeign";
  /** `finding` says what does not fit, as a sentence without its end. */
  constructor(file: string, finding: string) {
    super(
      `${file} was made by another build of patchrelay and does not fit this one: ${finding}. Nothing was changed. ` +
        "Start the build that made it, or move the data folder aside: the relay makes a new one at its next start.",
    );
  }
}

/** The database cannot be trusted, or is not where it was. Nothing was overwritten; `backup` is the newest copy that was found. */
export class DatabaseDamaged extends Error {
  override readonly name = "DatabaseDamaged";
  readonly backup: string | null;
  /** `finding` goes on after the name of the file: "is damaged: …", "is missing, …". */
  constructor(file: string, finding: string, backup: string | null) {
    const restore =
      backup === null
        ? `There is no backup beside it (backups/). Keep ${file} and its -wal file, and restore a copy made by \`patchrelay db backup\` to ${file}.`
        : `Newest backup: ${backup}. To restore it: stop the relay, move ${file}, ${file}-wal and ${file}-shm aside, ` +
          `then copy ${backup} to ${file} and start again.`;
    super(`${file} ${finding}. Nothing was overwritten. ${restore}`);
    this.backup = backup;
  }
}

/** Another process holds this data folder. `pid` is null when it has not written its name yet. */
export class AlreadyRunning extends Error {
  override readonly name = "AlreadyRunning";
  readonly pid: number | null;
  constructor(lockFile: string, pid: number | null, since: string | null) {
    const who =
      pid === null ? "another process" : `process ${pid}${since === null ? "" : ` (since ${since})`}`;
    super(
      `${who} already runs on this data folder (it holds ${lockFile}). Stop it first, or set another dataDir.`,
    );
    this.pid = pid;
  }
}

/** There is no database to read yet. */
export class NoDatabase extends Error {
  override readonly name = "NoDatabase";
  constructor(file: string) {
    super(`there is no database at ${file}: the relay has not run with this data folder yet`);
  }
}

/** The storage as a whole takes no writes: its files are gone, or the disk has failed to keep one. */
export class StorageFault extends Error {
  override readonly name = "StorageFault";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
