-- What we know: one document of facts per issue, beside it the columns that look-ups and lists need.

CREATE TABLE issues (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL COLLATE NOCASE,
  title TEXT NOT NULL,
  url TEXT,
  workspace TEXT,
  project TEXT,
  repository TEXT COLLATE NOCASE,
  branch TEXT,
  state TEXT NOT NULL,
  since INTEGER NOT NULL,
  rule TEXT NOT NULL,
  why TEXT NOT NULL,
  waits_for TEXT,
  until INTEGER,
  decision TEXT NOT NULL,
  evidence TEXT NOT NULL,
  -- Counts what people see as another state of it; revision counts every write, for compare-and-set.
  version INTEGER NOT NULL,
  revision INTEGER NOT NULL DEFAULT 1,
  sweep_at INTEGER,
  sweeps INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  facts TEXT NOT NULL
) STRICT;
CREATE INDEX issues_by_key ON issues (key, seq);
CREATE INDEX issues_by_state ON issues (state, seq);
CREATE INDEX issues_by_repository ON issues (repository, seq);
CREATE INDEX issues_by_branch ON issues (repository, branch);
CREATE INDEX issues_sweep ON issues (sweep_at) WHERE sweep_at IS NOT NULL;

-- Pull requests of now and before: late news about an old one must still find its issue.
CREATE TABLE pull_requests (
  repository TEXT NOT NULL COLLATE NOCASE,
  number INTEGER NOT NULL,
  repository_id TEXT,
  issue TEXT NOT NULL,
  branch TEXT NOT NULL,
  base TEXT,
  open INTEGER NOT NULL,
  PRIMARY KEY (repository, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX pull_requests_by_id ON pull_requests (repository_id, number) WHERE repository_id IS NOT NULL;
CREATE INDEX pull_requests_by_branch ON pull_requests (repository, branch);
CREATE INDEX pull_requests_by_base ON pull_requests (repository, base) WHERE open = 1;

CREATE TABLE commits (
  seq INTEGER PRIMARY KEY,
  repository TEXT NOT NULL COLLATE NOCASE,
  sha TEXT NOT NULL,
  issue TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (repository, sha, issue)
) STRICT;

CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  issue TEXT NOT NULL,
  kind TEXT NOT NULL,
  source TEXT NOT NULL,
  delivery TEXT,
  observed_at INTEGER NOT NULL,
  rule TEXT NOT NULL,
  why TEXT NOT NULL,
  from_state TEXT,
  to_state TEXT NOT NULL,
  waits_for TEXT,
  until INTEGER,
  effects TEXT NOT NULL,
  evidence TEXT NOT NULL,
  observations TEXT NOT NULL
) STRICT;
CREATE INDEX journal_by_issue ON journal (issue, seq);

CREATE TABLE timers (
  issue TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX timers_due ON timers (at);

CREATE TRIGGER issues_tally_insert AFTER INSERT ON issues BEGIN
  INSERT INTO tally (relation, state, count) VALUES ('issues', NEW.state, 1)
    ON CONFLICT (relation, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER issues_tally_update AFTER UPDATE OF state ON issues WHEN OLD.state <> NEW.state BEGIN
  UPDATE tally SET count = count - 1 WHERE relation = 'issues' AND state = OLD.state;
  INSERT INTO tally (relation, state, count) VALUES ('issues', NEW.state, 1)
    ON CONFLICT (relation, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER issues_tally_delete AFTER DELETE ON issues BEGIN
  UPDATE tally SET count = count - 1 WHERE relation = 'issues' AND state = OLD.state;
END;
