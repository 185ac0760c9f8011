-- What sources keep beyond the process, such as the tokens of an installation: sealed by them, never readable here.

CREATE TABLE vault (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  sealed BLOB NOT NULL,
  written_at INTEGER NOT NULL,
  PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
