-- Which process has people watching which session. A hint for the bus, never the truth about the log.

-- name: add_watchers
INSERT INTO watchers (session_id, worker_id) SELECT unnest($2::text[]), $1 ON CONFLICT DO NOTHING;

-- name: remove_watchers
DELETE FROM watchers WHERE worker_id = $1 AND session_id = ANY($2::text[]);

-- name: list_watchers
SELECT w.session_id, w.worker_id FROM watchers w WHERE w.worker_id <> $1;

-- name: load_heads
-- How far the logs of some sessions go.
WITH scope AS MATERIALIZED (SELECT set_config('parley.operator', 'on', true) AS is_on)
SELECT s.session_id, s.head FROM scope CROSS JOIN LATERAL (
    SELECT s.session_id, s.next_seq - 1 AS head FROM sessions s
    WHERE s.session_id = ANY($1::text[]) AND scope.is_on = 'on' OFFSET 0
) s;

-- name: send_frames
SELECT pg_notify(channel, payload) FROM unnest($1::text[], $2::text[]) AS f (channel, payload);

-- name: ask_to_stop
-- A run that goes on in another process should stop. Returns that process; no row: it does not go on.
UPDATE tasks t SET is_stop_asked = true
FROM session_leases l
WHERE t.session_id = $1 AND t.task_id = $2 AND t.state = 'running' AND l.session_id = t.session_id AND l.owner IS NOT NULL
RETURNING l.owner;

-- name: list_to_stop
SELECT t.session_id, t.task_id FROM tasks t JOIN session_leases l ON l.session_id = t.session_id
WHERE t.is_stop_asked AND t.state = 'running' AND l.owner = $1;
