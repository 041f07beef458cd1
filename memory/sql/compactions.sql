-- Summaries of older runs. All run inside a session's scope.

-- name: lock_lease
-- Until the transaction ends nothing of the session $1 begins, ends or is erased; where $2 is given only its fence.
SELECT 1 FROM session_leases l
WHERE l.session_id = $1 AND ($2::text IS NULL OR (l.owner = $2 AND l.epoch = $3::bigint))
FOR UPDATE;

-- name: load_words_of_runs
-- What was said in the runs of session $1 after position $2 up to $3, as prompts show it.
SELECT m.seq, m.author_id, concat(m.text, m.files_text) AS text FROM messages m
WHERE m.session_id = $1 AND m.position > $2::bigint AND m.position <= $3::bigint AND m.role IN ('user', 'human')
ORDER BY m.seq;

-- name: save_compaction
-- Unless another one has come in between: $2 is what this one goes on from.
INSERT INTO compactions (session_id, upto, opening, strategy, summary, model, tokens_before, tokens_after, cost_usd)
SELECT $1, $3::bigint, $4::bigint, $5::text, $6::jsonb, $7::text, $8::bigint, $9::bigint, $10::numeric
WHERE (SELECT max(c.upto) FROM compactions c WHERE c.session_id = $1) IS NOT DISTINCT FROM $2::bigint
ON CONFLICT DO NOTHING
RETURNING 1;
