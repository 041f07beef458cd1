-- What is read of a session. Every statement names the session first and sets it as its scope.

-- name: load_context
-- One run's reading: who asks, what people said that it answers, the last $4 runs before it, and the asker's memories
-- that may be in the block: those that answer what was said, the $5 newest (0: no memories at all) and those of the profile;
-- in a thread that others read only what may be used there, and a private one is such a thread too as soon as somebody
-- else, or nobody in particular, has written there. The turns of an earlier attempt at the same run come along,
-- and the newest summary of older runs, which stands for them.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id,
           set_config('parley.user_id', coalesce($2::text, ''), true) AS user_id
)
SELECT asker.user, prompt.messages AS prompt, past.runs, past.messages, past.turns, past.calls,
       memory.rows AS memories, memory.size AS memory_size, memory.counts AS memory_counts,
       earlier.upto, earlier.opening, earlier.summary, earlier.words AS opening_words,
       (SELECT jsonb_agg(jsonb_build_array(a.approval_id, c.name, c.arguments, a.state) ORDER BY a.asked_at, a.approval_id)
        FROM approvals a
        JOIN tool_calls c ON c.session_id = a.session_id AND c.position = a.position AND c.call_id = a.call_id
        WHERE a.session_id = scope.session_id AND a.decided_position = $3) AS decided
FROM scope
CROSS JOIN LATERAL (
    SELECT CASE WHEN scope.user_id <> '' THEN (SELECT to_jsonb(u) FROM users u WHERE u.user_id = scope.user_id) END AS user,
           (SELECT s.audience = 'private' FROM sessions s WHERE s.session_id = scope.session_id)
           AND NOT EXISTS (SELECT FROM participants p WHERE p.session_id = scope.session_id AND p.user_id <> scope.user_id)
           AND NOT EXISTS (
               SELECT FROM messages m WHERE m.session_id = scope.session_id AND m.role = 'user' AND m.author_id IS NULL
           ) AS is_private
) asker
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(m.seq, m.message_id, m.author_id, m.author_name, concat(m.text, m.files_text), m.at, m.role) ORDER BY m.seq) AS messages,
           string_agg(m.text, ' ') FILTER (WHERE m.role = 'user') AS words
    FROM messages m WHERE m.session_id = scope.session_id AND m.position = $3::bigint AND m.role IN ('user', 'human')
) prompt
LEFT JOIN LATERAL (
    SELECT c.upto, c.opening, c.summary, opening.words
    FROM (
        SELECT c.upto, c.opening, c.summary FROM compactions c
        WHERE c.session_id = scope.session_id AND c.upto < $3
        ORDER BY c.session_id DESC, c.upto DESC LIMIT 1
    ) c
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_array(m.seq, m.message_id, m.author_id, m.author_name, concat(m.text, m.files_text), m.at,
                                            m.role)
                         ORDER BY m.seq) AS words
        FROM messages m WHERE m.session_id = scope.session_id AND m.position = c.opening AND m.role IN ('user', 'human')
    ) opening
) earlier ON true
CROSS JOIN LATERAL (
    SELECT min(r.position) AS first,
           jsonb_agg(jsonb_build_array(r.position, r.run_id, r.model, r.context_tokens, r.context_bytes) ORDER BY r.position) AS runs
    FROM (
        SELECT position, run_id, model, context_tokens, context_bytes FROM runs
        WHERE session_id = scope.session_id AND position < $3 AND position > coalesce(earlier.upto, -9223372036854775808)
        ORDER BY session_id DESC, position DESC LIMIT $4::int
    ) r
) span
CROSS JOIN LATERAL (
    SELECT span.runs,
        (SELECT jsonb_agg(jsonb_build_array(m.position, m.seq, m.message_id, m.role, m.author_id, m.author_name,
                                            concat(m.text, m.files_text), m.at)
                          ORDER BY m.seq)
         FROM messages m
         WHERE m.session_id = scope.session_id AND m.position >= span.first AND m.position < $3) AS messages,
        (SELECT jsonb_agg(jsonb_build_array(t.position, t.n, t.content, t.stop_reason, t.input_tokens, t.output_tokens,
                                            t.cache_read_tokens, t.cache_write_tokens, t.cost_usd)
                          ORDER BY t.position, t.n)
         FROM turns t
         WHERE t.session_id = scope.session_id AND t.position >= coalesce(span.first, $3) AND t.position <= $3) AS turns,
        (SELECT jsonb_agg(jsonb_build_array(c.position, c.n, c.call_id, c.name, c.arguments, coalesce(c.excerpt, c.result),
                                            c.is_error)
                          ORDER BY c.position, c.n, c.k)
         FROM tool_calls c
         WHERE c.session_id = scope.session_id AND c.position >= coalesce(span.first, $3) AND c.position <= $3) AS calls
) past
CROSS JOIN LATERAL (
    WITH asked AS MATERIALIZED (
        SELECT scope.user_id, prompt.words AS text, asker.is_private WHERE $5::int > 0 AND scope.user_id <> ''
    ),
    -- include: memory_candidates 40
    , chosen AS MATERIALIZED (
        SELECT memory_id FROM best
        UNION
        SELECT other.memory_id FROM allowed CROSS JOIN LATERAL (
            (SELECT m.memory_id FROM user_memories m
             WHERE m.user_id = allowed.user_id AND m.visibility = allowed.visibility AND m.valid_to IS NULL
             ORDER BY m.updated_at DESC LIMIT $5)
            UNION ALL
            (SELECT m.memory_id FROM user_memories m
             WHERE m.user_id = allowed.user_id AND m.visibility = allowed.visibility AND m.valid_to IS NULL
               AND (m.is_pinned OR m.slot IS NOT NULL)
             ORDER BY m.updated_at DESC LIMIT 20)
        ) other
    )
    SELECT (SELECT total.size FROM total) AS size, (SELECT jsonb_object_agg(word, n) FROM counts) AS counts,
           jsonb_agg(jsonb_build_object(
               'memory_id', m.memory_id, 'memory', m.memory, 'topics', m.topics, 'slot', m.slot, 'visibility', m.visibility,
               'agent_id', m.agent_id, 'is_pinned', m.is_pinned, 'valid_from', m.valid_from, 'created_at', m.created_at,
               'updated_at', m.updated_at, 'length', length(m.words),
               'found', array(SELECT u.lexeme FROM unnest(m.words) u JOIN terms ON terms.word = u.lexeme))) AS rows
    FROM chosen CROSS JOIN asked CROSS JOIN LATERAL (
        SELECT * FROM user_memories m
        WHERE m.user_id = asked.user_id AND m.memory_id = chosen.memory_id AND m.valid_to IS NULL OFFSET 0
    ) m
) memory;

-- name: load_log
-- Durable events after $2, at most $3, in order.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT entry.* FROM scope CROSS JOIN LATERAL (
    (SELECT m.seq, m.at, m.run_id, m.message_id, m.role, m.author_id, m.author_name, m.text, m.client_id, m.attachments,
            (SELECT jsonb_agg(jsonb_build_array(a.approval_id, a.call_id, a.title, a.user_id) ORDER BY a.asked_at, a.approval_id)
             FROM approvals a WHERE a.session_id = m.session_id AND a.seq = m.seq AND a.state = 'waiting') AS asks,
            NULL::text AS state, NULL::text AS label, NULL::text AS mode
     FROM messages m WHERE m.session_id = scope.session_id AND m.seq > $2::bigint
     ORDER BY m.session_id, m.seq LIMIT $3::int)
    UNION ALL
    (SELECT n.seq, n.at, n.run_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, n.state, n.label, NULL
     FROM run_notes n WHERE n.session_id = scope.session_id AND n.seq > $2
     ORDER BY n.session_id, n.seq LIMIT $3)
    UNION ALL
    (SELECT h.seq, h.at, h.run_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, h.name, h.mode
     FROM handoffs h WHERE h.session_id = scope.session_id AND h.seq > $2
     ORDER BY h.session_id, h.seq LIMIT $3)
) entry
ORDER BY entry.seq LIMIT $3;

-- name: load_messages_before
-- Messages with seq < $2, newest first, at most $3.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT entry.* FROM scope CROSS JOIN LATERAL (
    SELECT m.seq, m.at, m.run_id, m.message_id, m.role, m.author_id, m.author_name, m.text, m.client_id, m.attachments,
           (SELECT jsonb_agg(jsonb_build_array(a.approval_id, a.call_id, a.title, a.user_id) ORDER BY a.asked_at, a.approval_id)
            FROM approvals a WHERE a.session_id = m.session_id AND a.seq = m.seq AND a.state = 'waiting') AS asks,
           NULL::text AS state, NULL::text AS label
    FROM messages m WHERE m.session_id = scope.session_id AND m.seq < $2::bigint
    ORDER BY m.session_id DESC, m.seq DESC LIMIT $3::int
) entry
ORDER BY entry.seq DESC;

-- name: load_session
-- A session as somebody may see it: $2 is the user who asks, none for an operator. `is_member` says whether they take part.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT s.* FROM scope CROSS JOIN LATERAL (
    SELECT s.session_id, s.channel, s.tenant, s.agent_id, s.audience, s.next_seq - 1 AS head, s.title, s.summary, s.topics, s.created_at, s.updated_at,
           coalesce((SELECT l.mode FROM session_leases l WHERE l.session_id = s.session_id), 'agent') AS mode,
           EXISTS (SELECT FROM participants p WHERE p.session_id = s.session_id AND p.user_id = $2::text) AS is_member
    FROM sessions s WHERE s.session_id = scope.session_id OFFSET 0
) s;

-- name: list_sessions_of_user
-- The person's sessions on a channel of a tenant, newest first.
WITH scope AS MATERIALIZED (SELECT set_config('parley.user_id', $1::text, true) AS user_id)
SELECT s.* FROM scope CROSS JOIN LATERAL (
    SELECT s.session_id, s.channel, s.tenant, s.agent_id, s.audience, s.next_seq - 1 AS head, s.title, s.summary, s.topics, s.created_at, s.updated_at,
           coalesce((SELECT l.mode FROM session_leases l WHERE l.session_id = s.session_id), 'agent') AS mode,
           p.seen_seq, true AS is_member
    FROM participants p JOIN sessions s ON s.session_id = p.session_id
    WHERE p.user_id = scope.user_id AND s.channel = $2::text AND s.tenant = $3::text
    ORDER BY s.updated_at DESC LIMIT $4::int
) s;

-- name: list_sessions
-- For operators: all sessions by their last change, newest first, those before $1 and in mode $3 when that is given.
WITH scope AS MATERIALIZED (SELECT set_config('parley.operator', 'on', true) AS is_on)
SELECT s.* FROM scope CROSS JOIN LATERAL (
    SELECT s.session_id, s.channel, s.tenant, s.agent_id, s.audience, s.next_seq - 1 AS head, s.title, s.summary, s.topics, s.created_at, s.updated_at,
           coalesce((SELECT l.mode FROM session_leases l WHERE l.session_id = s.session_id), 'agent') AS mode,
           false AS is_member
    FROM sessions s WHERE scope.is_on = 'on' AND ($1::timestamptz IS NULL OR s.updated_at < $1)
      AND ($3::text IS NULL OR s.session_id IN (SELECT l.session_id FROM session_leases l WHERE l.mode = $3))
    ORDER BY s.updated_at DESC LIMIT $2::int
) s;

-- name: join_session
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
INSERT INTO participants (session_id, user_id) SELECT scope.session_id, $2::text FROM scope ON CONFLICT DO NOTHING;

-- name: mark_seen
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
UPDATE participants p SET seen_seq = greatest(p.seen_seq, $3::bigint)
WHERE p.session_id = (SELECT scope.session_id FROM scope) AND p.user_id = $2::text;

-- name: list_runs
-- Runs of a session before position $2 (none: from the newest), newest first.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT r.* FROM scope CROSS JOIN LATERAL (
    SELECT r.* FROM runs r
    WHERE r.session_id = scope.session_id AND ($2::bigint IS NULL OR r.position < $2)
    ORDER BY r.session_id DESC, r.position DESC LIMIT $3::int
) r;

-- name: load_turns
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT t.n, t.content, t.stop_reason, t.input_tokens, t.output_tokens, t.cache_read_tokens, t.cache_write_tokens, t.cost_usd,
       (SELECT jsonb_agg(jsonb_build_array(c.call_id, c.name, c.arguments, c.result, c.is_error) ORDER BY c.k)
        FROM tool_calls c WHERE c.session_id = scope.session_id AND c.position = t.position AND c.n = t.n) AS calls
FROM scope CROSS JOIN LATERAL (
    SELECT * FROM turns t WHERE t.session_id = scope.session_id AND t.position = $2::bigint OFFSET 0
) t
ORDER BY t.n;

-- name: load_result
-- What the call $2 of the session gave back, whole; the newest of that id.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT c.result FROM scope CROSS JOIN LATERAL (
    SELECT c.result FROM tool_calls c
    WHERE c.session_id = scope.session_id AND c.call_id = $2::text AND c.result IS NOT NULL
    ORDER BY c.position DESC, c.n DESC, c.k DESC LIMIT 1
) c;
