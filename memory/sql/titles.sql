-- name: load_title
-- What a session is called, how far that was read, and how far there is to read.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT s.title, s.summary, s.titled_seq, s.title_epoch, s.next_seq - 1 AS head
FROM scope CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.session_id = scope.session_id OFFSET 0) s;

-- name: save_title
-- Nothing where somebody's words were erased since it was read.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
UPDATE sessions s SET title = $3::text, summary = $4::text, topics = $5::text[], titled_seq = $6::bigint
WHERE s.session_id = (SELECT scope.session_id FROM scope) AND s.title_epoch = $2::bigint;
