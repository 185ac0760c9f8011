-- Attempts by agents: the columns mirror the facts, progress and log belong to the pipeline.

CREATE TABLE runs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  issue TEXT NOT NULL,
  number INTEGER NOT NULL,
  -- Which relay host carries it out.
  host TEXT NOT NULL DEFAULT 'local',
  project TEXT,
  type TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'ended')),
  fence INTEGER NOT NULL,
  outcome TEXT,
  failure_class TEXT,
  queued_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  head_before TEXT,
  head_after TEXT,
  thread TEXT,
  turn TEXT,
  input INTEGER NOT NULL DEFAULT 0,
  cached INTEGER NOT NULL DEFAULT 0,
  output INTEGER NOT NULL DEFAULT 0,
  usd REAL,
  why TEXT,
  progress TEXT NOT NULL DEFAULT '{}',
  UNIQUE (issue, number)
) STRICT;
-- At most one live run per issue, whatever a bug elsewhere asks for.
CREATE UNIQUE INDEX runs_one_active ON runs (issue) WHERE state <> 'ended';
CREATE INDEX runs_running ON runs (project, issue) WHERE state = 'running';
CREATE INDEX runs_by_issue ON runs (issue, seq);

CREATE TABLE run_events (
  seq INTEGER PRIMARY KEY,
  run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX run_events_by_run ON run_events (run, seq);

-- Messages of people on their way to a running agent.
CREATE TABLE steers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  prompt TEXT NOT NULL,
  text TEXT NOT NULL,
  taken INTEGER NOT NULL DEFAULT 0,
  UNIQUE (run, prompt)
) STRICT;
CREATE INDEX steers_waiting ON steers (run, id) WHERE taken = 0;

-- What was spent on each UTC day, over all issues.
CREATE TABLE spending (
  day TEXT PRIMARY KEY,
  runs INTEGER NOT NULL DEFAULT 0,
  tokens INTEGER NOT NULL DEFAULT 0,
  usd REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
