-- The newest delegation, and the newest resume or retry, are kept also when they were taken away since.
UPDATE issues SET facts = json_set(facts, '$.grants', json_object(
  'delegation',
  CASE WHEN facts ->> '$.delegation.value.granted' THEN json_object(
    'value', json_object('by', facts -> '$.delegation.value.by'),
    'at', facts -> '$.delegation.at',
    'read', facts -> '$.delegation.read'
  ) END,
  'command',
  CASE WHEN facts ->> '$.commanded.value.granted' THEN json_object(
    'value', json_object('by', facts -> '$.commanded.value.by'),
    'at', facts -> '$.commanded.at',
    'read', facts -> '$.commanded.read'
  ) END
));
