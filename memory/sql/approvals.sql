-- Calls of tools that wait for the approval of the person who asked.

-- name: load_approval
-- A call and where it belongs; what it is, is known as long as its run's turns are kept.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT a.* FROM scope CROSS JOIN LATERAL (
    SELECT a.session_id, a.approval_id, a.call_id, a.user_id, a.agent_id, a.title, a.state, a.asked_at, a.expires_at,
           a.decided_at, t.task_id, t.reply_to, s.channel, s.tenant, s.audience, c.name, c.arguments,
           (SELECT m.author_name FROM messages m
            WHERE m.session_id = scope.session_id AND m.position = a.position AND m.role = 'user' AND m.author_id = a.user_id
            ORDER BY m.seq DESC LIMIT 1) AS asker
    FROM approvals a
    JOIN tasks t ON t.session_id = a.session_id AND t.position = a.position
    JOIN sessions s ON s.session_id = a.session_id
    LEFT JOIN tool_calls c ON c.session_id = a.session_id AND c.position = a.position AND c.call_id = a.call_id
    WHERE a.session_id = scope.session_id AND ($2::text IS NULL OR a.approval_id = $2)
    ORDER BY a.asked_at DESC, a.approval_id LIMIT 100
) a;

-- name: list_due_approvals
-- Calls that waited too long, at most $1.
SELECT a.session_id, a.approval_id FROM approvals a
WHERE a.state = 'waiting' AND a.expires_at <= now()
ORDER BY a.expires_at LIMIT $1::int;

-- name: stop_approvals
-- The calls that the run of task $2 waits for will never be made.
UPDATE approvals a SET state = 'stopped', decided_at = now()
FROM tasks t
WHERE a.session_id = $1::text AND t.session_id = a.session_id AND t.task_id = $2::text
  AND a.position = coalesce(t.merged_into, t.position) AND a.state = 'waiting'
RETURNING a.approval_id;
