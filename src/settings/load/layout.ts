import { join } from "node:path";

/** Where things are in the data directory; absolute paths. */
export interface Layout {
  readonly root: string;
  readonly database: string;
  /** Held by the one process that may write. */
  readonly lock: string;
  /** Bare mirrors of the repositories. */
  readonly mirrors: string;
  readonly worktrees: string;
  /** One home per agent. */
  readonly agents: string;
  readonly logs: string;
  readonly backups: string;
}

/** The layout below `dataDir`; makes nothing. */
export function layoutOf(dataDir: string): Layout {
  return {
    root: dataDir,
    database: join(dataDir, "patchrelay.db"),
    lock: join(dataDir, "patchrelay.lock"),
    mirrors: join(dataDir, "mirrors"),
    worktrees: join(dataDir, "worktrees"),
    agents: join(dataDir, "agents"),
    logs: join(dataDir, "logs"),
    backups: join(dataDir, "backups"),
  };
}
