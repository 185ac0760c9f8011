INSERT INTO outbox (issue, key, kind, lane, class, head, state, attempts, next_at, error, created_at, settled_at, payload) VALUES
  ('linear:a', 't1', 'tell', 'tracker', 'tracker', 0, 'done', 1, 0, NULL, 1767603600000, 1767603601000, '{"kind":"tell","key":"t1","issue":"linear:a","session":"s","activity":{"type":"thought","body":"x"}}'),
  ('linear:a', 't2', 'tell', 'tracker', 'tracker', 1, 'pending', 2, 1767603700000, 'no answer', 1767603600000, NULL, '{"kind":"tell","key":"t2","issue":"linear:a","session":"s","activity":{"type":"thought","body":"y"}}');
