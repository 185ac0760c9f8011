INSERT INTO meta (name, value) VALUES ('discovered_at', '1767603600000');
INSERT INTO deliveries (source, delivery_id, event, action, received_at, state, why, attempts, next_at, start, bytes, crc) VALUES
  ('github', 'd-applied', 'check_run', 'completed', 1767603600000, 'applied', NULL, 0, 0, 0, 13, 1),
  ('linear', 'd-pending', 'Issue', 'update', 1767603601000, 'pending', NULL, 1, 1767603605000, 0, 2, 2745614147),
  ('linear', 'd-bad', 'Issue', NULL, 1767603602000, 'quarantined', 'the body is not a JSON object', 5, 0, 0, 3, 0);
INSERT INTO delivery_bodies (first, count, encoding, bytes, content) SELECT seq, 1, 'plain', 2, x'7b7d' FROM deliveries WHERE delivery_id = 'd-pending';
INSERT INTO delivery_issues (seq, issue) SELECT seq, 'linear:a' FROM deliveries WHERE delivery_id = 'd-applied';
INSERT INTO observations (issue, key, source, delivery, observations, state, journal_seq, created_at) VALUES
  ('linear:a', 'command-1', 'operator', NULL, '[]', 'applied', 1, 1767603600000);
