-- What was asked for and is not yet carried out, and how it ended.

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  issue TEXT NOT NULL,
  key TEXT NOT NULL,
  kind TEXT NOT NULL,
  lane TEXT NOT NULL,
  -- Which worker takes it: start waits for a slot, each of the others has slots of its own.
  class TEXT NOT NULL CHECK (class IN ('start', 'control', 'acknowledgement', 'tracker', 'reading', 'work')),
  -- 1 = first of its issue's lane, so it may go; the rest of the lane waits with 0.
  head INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'doing', 'done', 'failed', 'dropped')),
  attempts INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  -- For start_run, steer_run and stop_run: which run; for start_run: where it stands in the queue.
  run INTEGER,
  priority INTEGER NOT NULL DEFAULT 0,
  project TEXT,
  created_at INTEGER NOT NULL,
  settled_at INTEGER,
  payload TEXT NOT NULL,
  UNIQUE (issue, key)
) STRICT;
CREATE INDEX outbox_due ON outbox (class, next_at, id) WHERE state = 'pending' AND head = 1;
CREATE INDEX outbox_queue ON outbox (priority, id) WHERE state = 'pending' AND head = 1 AND class = 'start';
-- 'doing' sorts before 'pending': the first entry of a lane tells whether anything of it is under way.
CREATE INDEX outbox_lane ON outbox (issue, lane, state, id) WHERE state IN ('pending', 'doing');
CREATE INDEX outbox_heads ON outbox (issue, lane) WHERE state = 'pending' AND head = 1;
-- As long as one is open, the rest of its lane waits.
CREATE INDEX outbox_acknowledging ON outbox (issue, lane) WHERE class = 'acknowledgement' AND state IN ('pending', 'doing');
CREATE INDEX outbox_doing ON outbox (id) WHERE state = 'doing';
CREATE INDEX outbox_waiting ON outbox (created_at) WHERE state = 'pending';
CREATE INDEX outbox_run ON outbox (issue, run, kind) WHERE run IS NOT NULL;
CREATE INDEX outbox_by_state ON outbox (state, id);
CREATE INDEX outbox_by_issue ON outbox (issue, id);
-- Each sweep leaves readings behind; they are found without walking past all that was said and done.
CREATE INDEX outbox_readings ON outbox (id) WHERE class = 'reading' AND settled_at IS NOT NULL;

CREATE TRIGGER outbox_tally_insert AFTER INSERT ON outbox BEGIN
  INSERT INTO tally (relation, state, count) VALUES ('outbox', NEW.state, 1)
    ON CONFLICT (relation, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER outbox_tally_update AFTER UPDATE OF state ON outbox WHEN OLD.state <> NEW.state BEGIN
  UPDATE tally SET count = count - 1 WHERE relation = 'outbox' AND state = OLD.state;
  INSERT INTO tally (relation, state, count) VALUES ('outbox', NEW.state, 1)
    ON CONFLICT (relation, state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER outbox_tally_delete AFTER DELETE ON outbox BEGIN
  UPDATE tally SET count = count - 1 WHERE relation = 'outbox' AND state = OLD.state;
END;
