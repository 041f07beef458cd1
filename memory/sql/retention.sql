-- What is past its time. Each statement takes a bounded number of rows.

-- name: list_old_sessions
-- Sessions in which nothing was done for $1 days, that no person has, and nothing waits to be answered, approved, posted or read; the oldest first, at
-- most $2. Where $3 is given those of these agents alone, and where $4 is, those in which something was done in so many days.
WITH scope AS MATERIALIZED (SELECT set_config('parley.operator', 'on', true) AS is_on)
SELECT s.session_id FROM scope CROSS JOIN LATERAL (
    SELECT s.session_id FROM sessions s
    WHERE scope.is_on = 'on' AND s.updated_at < now() - $1::float8 * interval '1 day'
      AND s.updated_at > coalesce(now() - $4::float8 * interval '1 day', '-infinity') AND ($3::text[] IS NULL OR s.agent_id = ANY($3))
      AND NOT EXISTS (SELECT FROM session_leases l WHERE l.session_id = s.session_id AND (l.queued > 0 OR l.mode <> 'agent'))
      AND NOT EXISTS (SELECT FROM outbox o WHERE o.session_id = s.session_id AND o.state IN ('pending', 'posting'))
      AND NOT EXISTS (SELECT FROM jobs j WHERE j.session_id = s.session_id)
      AND NOT EXISTS (SELECT FROM approvals a WHERE a.session_id = s.session_id AND a.state = 'waiting')
    ORDER BY s.updated_at LIMIT $2::int
) s;

-- name: expire_session
-- All of session $1, unless something was done there meanwhile. No row: it stays.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), gate AS MATERIALIZED (
    SELECT scope.session_id FROM scope LEFT JOIN LATERAL (
        SELECT l.queued, l.mode FROM session_leases l WHERE l.session_id = scope.session_id FOR UPDATE OF l
    ) l ON true
    WHERE coalesce(l.queued, 0) = 0 AND coalesce(l.mode, 'agent') = 'agent'
), session AS (
    DELETE FROM sessions s
    WHERE s.session_id = (SELECT gate.session_id FROM gate) AND s.updated_at < now() - $2::float8 * interval '1 day'
    RETURNING s.session_id
), message AS (
    DELETE FROM messages t WHERE t.session_id = (SELECT session.session_id FROM session)
), note AS (
    DELETE FROM run_notes t WHERE t.session_id = (SELECT session.session_id FROM session)
), run AS (
    DELETE FROM runs t WHERE t.session_id = (SELECT session.session_id FROM session)
), turn AS (
    DELETE FROM turns t WHERE t.session_id = (SELECT session.session_id FROM session)
), tool_call AS (
    DELETE FROM tool_calls t WHERE t.session_id = (SELECT session.session_id FROM session)
), handoff AS (
    DELETE FROM handoffs t WHERE t.session_id = (SELECT session.session_id FROM session)
), summary AS (
    DELETE FROM compactions t WHERE t.session_id = (SELECT session.session_id FROM session)
), participant AS (
    DELETE FROM participants t WHERE t.session_id = (SELECT session.session_id FROM session)
), file AS (
    DELETE FROM attachments t WHERE t.session_id = (SELECT session.session_id FROM session)
), opinion AS (
    DELETE FROM feedback t WHERE t.session_id = (SELECT session.session_id FROM session)
), task AS (
    DELETE FROM tasks t WHERE t.session_id = (SELECT session.session_id FROM session)
), lease AS (
    DELETE FROM session_leases t WHERE t.session_id = (SELECT session.session_id FROM session)
), key AS (
    DELETE FROM dedupe t WHERE t.session_id = (SELECT session.session_id FROM session)
), post AS (
    DELETE FROM outbox t WHERE t.session_id = (SELECT session.session_id FROM session)
), job AS (
    DELETE FROM jobs t WHERE t.session_id = (SELECT session.session_id FROM session)
), spent AS (
    DELETE FROM spend t WHERE t.scope = 'session:' || (SELECT session.session_id FROM session)
), ask AS (
    DELETE FROM approvals t WHERE t.session_id = (SELECT session.session_id FROM session)
), mark AS (
    DELETE FROM watermarks t WHERE t.session_id = (SELECT session.session_id FROM session)
)
SELECT session_id FROM session;

-- name: expire_files
-- Files that were sent more than $1 days ago, at most $2; the message still tells their names.
WITH scope AS MATERIALIZED (SELECT set_config('parley.operator', 'on', true) AS is_on), old AS MATERIALIZED (
    SELECT o.* FROM scope CROSS JOIN LATERAL (
        SELECT a.session_id, a.attachment_id FROM attachments a
        WHERE scope.is_on = 'on' AND a.seq IS NOT NULL AND a.at < now() - $1::float8 * interval '1 day'
        ORDER BY a.at LIMIT $2::int
    ) o
)
DELETE FROM attachments a USING old
WHERE (SELECT scope.is_on FROM scope) = 'on' AND a.session_id = old.session_id AND a.attachment_id = old.attachment_id
RETURNING a.attachment_id;

-- name: list_old_memories
-- Facts that were neither changed nor used for $1 days and are not pinned or, where $2, ones that ended so long ago.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.retention', 'on', true) AS is_on, set_config('parley.user_id', chr(31), true) AS nobody
)
SELECT m.user_id, array_agg(m.memory_id) AS memory_ids FROM scope CROSS JOIN LATERAL (
    SELECT m.user_id, m.memory_id FROM user_memories m
    WHERE scope.is_on = 'on' AND m.updated_at < now() - $1::float8 * interval '1 day'
      AND CASE WHEN $2::boolean THEN m.valid_to < now() - $1 * interval '1 day'
               ELSE m.valid_to IS NULL AND NOT m.is_pinned
                    AND (m.last_used_at IS NULL OR m.last_used_at < now() - $1 * interval '1 day') END
    ORDER BY m.updated_at LIMIT $3::int
) m
GROUP BY m.user_id;

-- name: expire_memories
-- Within the scope of the person. A merge can be undone no more when something of what it merged is gone for good.
WITH gone AS (
    DELETE FROM user_memories WHERE user_id = $1 AND memory_id = ANY($2::text[]) RETURNING memory_id, replaced_by
), settled AS (
    DELETE FROM memory_optimizations o
    WHERE o.user_id = $1 AND o.made && ARRAY(SELECT gone.replaced_by FROM gone WHERE gone.replaced_by IS NOT NULL)
)
SELECT memory_id FROM gone;
