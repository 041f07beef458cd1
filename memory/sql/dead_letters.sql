-- Tasks whose processing always failed. The list holds ids; what was said is read in the scope of its session.

-- name: list_dead_letters
-- The newest first, at most $1 (none: all).
SELECT t.task_id, t.session_id, t.user_id, t.agent_id, t.attempts, t.created_at, t.finished_at AS died_at, t.note
FROM tasks t WHERE t.state = 'dead'
ORDER BY t.finished_at DESC, t.position DESC LIMIT $1::int;

-- name: load_dead_letter
-- One of them, with what it was to answer and why it failed; within the scope of its session. No row: it is not dead.
SELECT t.task_id, t.session_id, t.user_id, t.agent_id, t.attempts, t.created_at, t.finished_at AS died_at, t.note,
       r.error, r.model,
       (SELECT jsonb_agg(jsonb_build_array(m.author_name, m.text, m.at) ORDER BY m.seq) FROM messages m
        WHERE m.session_id = t.session_id AND m.position = t.position AND m.role = 'user') AS messages
FROM tasks t LEFT JOIN runs r ON r.session_id = t.session_id AND r.position = t.position
WHERE t.session_id = $1 AND t.task_id = $2 AND t.state = 'dead';

-- name: replay_dead_letter
-- A dead task waits again at its old place, before what came later; within the scope of its session. The row of its
-- failed run makes room for that of the next; what people saw of it stays in the log, and what its tools did stays with
-- the task and is not done again. No row: it is not dead.
WITH gate AS MATERIALIZED (
    SELECT l.session_id FROM session_leases l WHERE l.session_id = $1::text FOR UPDATE OF l
), task AS (
    UPDATE tasks t SET state = 'queued', attempts = 0, run_at = now(), note = NULL, finished_at = NULL, is_stop_asked = false
    FROM gate WHERE t.session_id = gate.session_id AND t.task_id = $2::text AND t.state = 'dead'
    RETURNING t.session_id, t.position
), run AS (
    DELETE FROM runs r USING task WHERE r.session_id = task.session_id AND r.position = task.position
), earlier AS (
    SELECT t.run_at FROM task JOIN tasks t ON t.session_id = task.session_id
    WHERE t.state = 'queued' AND t.position < task.position
    ORDER BY t.session_id, t.position LIMIT 1
), lease AS (
    UPDATE session_leases l SET queued = l.queued + 1, ready_at = greatest((SELECT run_at FROM earlier), now())
    FROM task WHERE l.session_id = task.session_id
), session AS (
    UPDATE sessions s SET next_seq = s.next_seq + 1, updated_at = now()
    FROM task WHERE s.session_id = task.session_id
    RETURNING s.session_id, s.next_seq - 1 AS seq
), note AS (
    INSERT INTO run_notes (session_id, seq, run_id, state)
    SELECT session.session_id, session.seq, $3::text, 'queued' FROM session
)
SELECT session.seq, pg_notify('parley_ready', '') FROM session;
