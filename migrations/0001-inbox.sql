-- What came in: verified webhooks with their bodies, and observations that still wait for their turn.

CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Journal lines and run events share one growing number, so that a stream can be resumed by it.
CREATE TABLE sequence (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sequence (name, value) VALUES ('stream', 0);

-- Rows per state, kept by triggers: counting a million rows on each scrape would block the event loop. Deliveries
-- that are pending are few and are counted: a page written for the tally would cost every webhook.
CREATE TABLE tally (
  relation TEXT NOT NULL,
  state TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (relation, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  seq INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  event TEXT NOT NULL,
  action TEXT,
  received_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'applied', 'ignored', 'quarantined')),
  why TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL DEFAULT 0,
  -- Where its body lies in its group, and what it adds up to.
  start INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  -- This way round it also finds an id whose source nobody named; each further index costs every webhook.
  UNIQUE (delivery_id, source)
) STRICT;
CREATE INDEX deliveries_by_state ON deliveries (state, seq, next_at);
-- Only what has failed once is in it.
CREATE INDEX deliveries_again ON deliveries (next_at) WHERE state = 'pending' AND next_at > 0;

-- Bodies of deliveries first, first + 1, … that were committed together: webhooks repeat most of one another.
CREATE TABLE delivery_bodies (
  first INTEGER PRIMARY KEY,
  count INTEGER NOT NULL,
  encoding TEXT NOT NULL CHECK (encoding IN ('plain', 'brotli')),
  bytes INTEGER NOT NULL,
  content BLOB NOT NULL
) STRICT;

CREATE TABLE delivery_issues (
  seq INTEGER NOT NULL REFERENCES deliveries (seq) ON DELETE CASCADE,
  issue TEXT NOT NULL,
  PRIMARY KEY (seq, issue)
) STRICT, WITHOUT ROWID;

-- Observations that must be known by their key later, or whose advance failed and is tried again.
CREATE TABLE observations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  issue TEXT NOT NULL,
  key TEXT,
  source TEXT NOT NULL,
  delivery TEXT,
  observations TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'applied', 'quarantined')),
  journal_seq INTEGER,
  why TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX observations_key ON observations (issue, key) WHERE key IS NOT NULL;
CREATE INDEX observations_quarantined ON observations (id) WHERE state = 'quarantined';
CREATE INDEX observations_due ON observations (next_at, id) WHERE state = 'pending';

CREATE TRIGGER deliveries_tally_insert AFTER INSERT ON deliveries WHEN NEW.state <> 'pending' BEGIN
  INSERT INTO tally (relation, state, count) VALUES ('deliveries', NEW.state, 1)
    ON CONFLICT (relation, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER deliveries_tally_left AFTER UPDATE OF state ON deliveries
WHEN OLD.state <> NEW.state AND OLD.state <> 'pending' BEGIN
  UPDATE tally SET count = count - 1 WHERE relation = 'deliveries' AND state = OLD.state;
END;
CREATE TRIGGER deliveries_tally_came AFTER UPDATE OF state ON deliveries
WHEN OLD.state <> NEW.state AND NEW.state <> 'pending' BEGIN
  INSERT INTO tally (relation, state, count) VALUES ('deliveries', NEW.state, 1)
    ON CONFLICT (relation, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER deliveries_tally_delete AFTER DELETE ON deliveries WHEN OLD.state <> 'pending' BEGIN
  UPDATE tally SET count = count - 1 WHERE relation = 'deliveries' AND state = OLD.state;
END;
