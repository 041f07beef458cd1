-- Conversations that wait for a person of the team, or are with one. The lease is locked first, as everywhere.

-- name: change_mode
-- From one of the modes $3 to $2 until $4 seconds from now; where $9 only when its time is over. $5 the run that asked,
-- $6 the operator's name, $7 the reason, $8 the summary. Where people are gone to, they are told. No row: nothing changed.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), known AS MATERIALIZED (
    SELECT s.* FROM scope CROSS JOIN LATERAL (
        SELECT s.session_id FROM sessions s WHERE s.session_id = scope.session_id OFFSET 0
    ) s
), lease AS (
    INSERT INTO session_leases AS l (session_id, mode, mode_until)
    SELECT known.session_id, $2::text, now() + $4::float8 * interval '1 second' FROM known
    WHERE $2 <> 'agent' OR EXISTS (SELECT FROM session_leases e WHERE e.session_id = known.session_id)
    ON CONFLICT (session_id) DO UPDATE SET mode = excluded.mode, mode_until = excluded.mode_until
    WHERE l.mode = ANY($3::text[]) AND (NOT $9::boolean OR l.mode_until <= now())
    RETURNING l.session_id
), session AS (
    UPDATE sessions s SET next_seq = s.next_seq + 1, updated_at = now()
    WHERE s.session_id = (SELECT lease.session_id FROM lease)
    RETURNING s.session_id, s.channel, s.next_seq - 1 AS seq
), note AS (
    INSERT INTO handoffs (session_id, seq, mode, run_id, name, reason, summary)
    SELECT session.session_id, session.seq, $2, $5::text, $6::text, $7::text, $8::text FROM session
), posted AS (
    INSERT INTO outbox (session_id, seq, post_key, channel, reply_to)
    SELECT session.session_id, session.seq, session.session_id || ':' || session.seq, session.channel,
           jsonb_build_object('beside', last.reply_to)
    FROM session CROSS JOIN LATERAL (
        SELECT t.reply_to FROM tasks t WHERE t.session_id = session.session_id AND t.reply_to IS NOT NULL
        ORDER BY t.session_id DESC, t.position DESC LIMIT 1
    ) last
    RETURNING 1
)
SELECT session.seq, now() AS at, (SELECT count(*) FROM posted) AS posted FROM session;

-- name: say_as_operator
-- What a person of the team says in a conversation that is theirs; it stays so for another $2 seconds. A key that is
-- there already raises unique_violation. No row: it is not with a person.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), lease AS (
    UPDATE session_leases l SET mode_until = now() + $2::float8 * interval '1 second'
    FROM scope WHERE l.session_id = scope.session_id AND l.mode = 'human'
    RETURNING l.session_id
), session AS (
    UPDATE sessions s SET next_seq = s.next_seq + 1, updated_at = now()
    WHERE s.session_id = (SELECT lease.session_id FROM lease)
    RETURNING s.session_id, s.channel, s.next_seq - 1 AS seq
), message AS (
    INSERT INTO messages (session_id, seq, message_id, role, author_name, text)
    SELECT session.session_id, session.seq, $3::text, 'human', $4::text, $5::text FROM session
), key AS (
    INSERT INTO dedupe (session_id, key, digest, seq, message_id, task_id)
    SELECT session.session_id, $6::text, $7::bytea, session.seq, $3, '' FROM session
), posted AS (
    INSERT INTO outbox (session_id, seq, post_key, channel, reply_to)
    SELECT session.session_id, session.seq, $3, session.channel, jsonb_build_object('beside', last.reply_to)
    FROM session CROSS JOIN LATERAL (
        SELECT t.reply_to FROM tasks t WHERE t.session_id = session.session_id AND t.reply_to IS NOT NULL
        ORDER BY t.session_id DESC, t.position DESC LIMIT 1
    ) last
    RETURNING 1
)
SELECT session.seq, now() AS at, (SELECT count(*) FROM posted) AS posted FROM session;

-- name: list_handoffs
-- For operators: what waits for a person or is with one (only mode $1 where it is given), that which goes back first.
WITH scope AS MATERIALIZED (SELECT set_config('parley.operator', 'on', true) AS is_on)
SELECT h.* FROM scope CROSS JOIN LATERAL (
    SELECT s.session_id, s.channel, s.agent_id, s.title, l.mode, last.name, asked.reason, asked.summary,
           last.at AS since_at, l.mode_until AS until_at
    FROM session_leases l JOIN sessions s ON s.session_id = l.session_id
    CROSS JOIN LATERAL (
        SELECT n.name, n.at FROM handoffs n WHERE n.session_id = l.session_id
        ORDER BY n.session_id DESC, n.seq DESC LIMIT 1
    ) last
    LEFT JOIN LATERAL (
        SELECT n.reason, n.summary FROM handoffs n WHERE n.session_id = l.session_id AND n.mode = 'waiting' AND n.seq > coalesce((
            SELECT max(b.seq) FROM handoffs b WHERE b.session_id = l.session_id AND b.mode = 'agent'
        ), 0)
        ORDER BY n.session_id DESC, n.seq DESC LIMIT 1
    ) asked ON true
    WHERE scope.is_on = 'on' AND l.mode <> 'agent' AND ($1::text IS NULL OR l.mode = $1)
    ORDER BY l.mode_until, l.session_id LIMIT $2::int
) h;

-- name: list_overdue_handoffs
SELECT l.session_id FROM session_leases l WHERE l.mode <> 'agent' AND l.mode_until <= now()
ORDER BY l.mode_until LIMIT $1::int;

-- name: list_unfinished_tasks
SELECT t.task_id FROM tasks t WHERE t.session_id = $1 AND t.state IN ('queued', 'running') ORDER BY t.position DESC;

-- name: find_place
-- The channel of a session, and whether an answer of the agent's has, or had, a place to be posted to. No row: there is
-- no such session.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT s.channel, EXISTS (
    SELECT FROM tasks t WHERE t.session_id = s.session_id AND t.reply_to IS NOT NULL
) AS has_place
FROM scope CROSS JOIN LATERAL (
    SELECT s.session_id, s.channel FROM sessions s WHERE s.session_id = scope.session_id OFFSET 0
) s;
