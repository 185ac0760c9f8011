INSERT INTO issues (id, key, title, url, workspace, project, repository, branch, state, since, rule, why, waits_for, until, decision, evidence, version, sweep_at, created_at, updated_at, facts) VALUES
  ('linear:a', 'APP-1', 'A title', 'https://linear.example/APP-1', 'w', 'app', 'example/app', 'patchrelay/app-1', 'awaiting_review', 1767603600000, 'review', 'Waiting for a review.', 'a review', NULL,
   '{"state":"awaiting_review","step":{"kind":"wait"},"rule":"review","refusal":null,"why":"Waiting for a review.","waitsFor":"a review","until":null}', '[]', 3, 1767603900000, 1767600000000, 1767603600000,
   '{"v":5,"id":"linear:a","createdAt":1767600000000,"ticket":{"workspace":null,"core":null,"status":null,"blockers":null,"removed":null,"ownEnd":null,"delegated":null},"delegation":null,"stopped":null,"commanded":null,"paused":null,"closed":null,"sessions":{},"conversations":{},"prompts":{},"questions":{},"project":null,"pullRequest":null,"past":[],"runs":[],"budgetReset":null,"triedAfterRun":0,"merges":[],"cancellations":[],"reruns":[], "updates": []}');
INSERT INTO pull_requests (repository, number, repository_id, issue, branch, base, open) VALUES ('example/app', 7, '42', 'linear:a', 'patchrelay/app-1', 'main', 1);
INSERT INTO commits (repository, sha, issue, at) VALUES ('example/app', 'abc', 'linear:a', 1767603600000);
INSERT INTO journal (seq, at, issue, kind, source, delivery, observed_at, rule, why, from_state, to_state, waits_for, until, effects, evidence, observations) VALUES
  (1, 1767603600000, 'linear:a', 'review_changed', 'github', 'd-applied', 1767603600000, 'review', 'Waiting for a review.', 'pr_open', 'awaiting_review', 'a review', NULL, '[{"kind":"tell","key":"t1"}]', '[]', '[]');
UPDATE sequence SET value = 1 WHERE name = 'stream';
INSERT INTO timers (issue, at, reason) VALUES ('linear:a', 1767690000000, 'a review');
