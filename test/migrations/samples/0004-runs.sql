INSERT INTO runs (id, issue, number, project, type, state, fence, outcome, queued_at, started_at, ended_at, input, cached, output, usd, why, progress) VALUES
  ('linear-b.1', 'linear:b', 1, 'app', 'implementation', 'ended', 1, 'published', 1767600000000, 1767600001000, 1767603000000, 100, 20, 50, 0.25, 'done', '{"worktree":"/w/app-1"}');
INSERT INTO run_events (seq, run, at, kind, text) VALUES (2, 'linear-b.1', 1767600002000, 'log', 'a line');
UPDATE sequence SET value = 2 WHERE name = 'stream';
INSERT INTO steers (run, prompt, text) VALUES ('linear-b.1', 'p1', 'use tabs');
INSERT INTO spending (day, runs, tokens, usd) VALUES ('2026-01-05', 1, 150, 0.25);
