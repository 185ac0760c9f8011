INSERT INTO meta (name, value) VALUES ('discovered_at', '1767603600000');
INSERT INTO deliveries (source, delivery_id, event, action, received_at, state, why, attempts, next_at, bytes, sha256) VALUES
  ('github', 'd-applied', 'check_run', 'completed', 1767603600000, 'applied', NULL, 0, 0, 13, x'b117a29eab391c46a6c2bd5a0fe8b1d90c4eee9c9b9d6b25bd2a2eff7b0c0f4f'),
  ('linear', 'd-pending', 'Issue', 'update', 1767603601000, 'pending', NULL, 1, 1767603605000, 2, x'44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a'),
  ('linear', 'd-bad', 'Issue', NULL, 1767603602000, 'quarantined', 'the body is not a JSON object', 5, 0, 3, x'00');
INSERT INTO bodies (seq, encoding, body) SELECT seq, 'plain', x'7b7d' FROM deliveries WHERE delivery_id = 'd-pending';
INSERT INTO delivery_issues (seq, issue) SELECT seq, 'linear:a' FROM deliveries WHERE delivery_id = 'd-applied';
INSERT INTO observations (issue, key, source, delivery, observations, state, journal_seq, created_at) VALUES
  ('linear:a', 'command-1', 'operator', NULL, '[]', 'applied', 1, 1767603600000);
