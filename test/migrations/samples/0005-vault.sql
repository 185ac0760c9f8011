INSERT INTO vault (owner, name, sealed, written_at) VALUES
  ('linear', 'installation:w', x'01020304', 1767600000000);
