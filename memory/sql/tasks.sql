-- The task engine. Every step is one statement; a lease row is always locked before anything else of its session.

-- name: accept_message
-- Message, participant, task and dedupe key, or nothing. A key that is there already raises unique_violation.
-- No row: too many people's turns wait. The lease is taken when it is free, nothing waits and this process has room.
-- The message is of whoever $2 is now, or, where they spoke with a linked account ($21), of whoever that is now: it may
-- have been parted since. An erased person raises no_data_found.
-- While a person of the team has the session the message is kept: its task is over at once, with the note $22.
-- $23 is the call about which it says $24; where that cannot be decided any more it raises not_null_violation.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id,
           set_config('parley.user_id', coalesce(parley_current_user(coalesce($21::text, $2::text)), ''), true) AS user_id
), who AS MATERIALIZED (
    SELECT nullif(scope.user_id, '') AS user_id, nullif(coalesce($21, $2), scope.user_id) AS account_id
    FROM scope
), lease AS (
    INSERT INTO session_leases AS l (session_id, owner, epoch, queued)
    SELECT scope.session_id, CASE WHEN $8::boolean THEN $7::text END, 1, 1
    FROM scope, who
    WHERE $9::int IS NULL OR $9 > (
        SELECT count(DISTINCT coalesce(t.user_id, t.task_id)) FROM tasks t
        WHERE t.session_id = scope.session_id AND t.state = 'queued'
          AND (who.user_id IS NULL OR t.user_id IS DISTINCT FROM who.user_id)
    )
    ON CONFLICT (session_id) DO UPDATE SET
        owner = CASE WHEN l.owner IS NULL AND l.queued = 0 AND l.mode <> 'human' AND $8 THEN $7 ELSE l.owner END,
        epoch = l.epoch + CASE WHEN l.owner IS NULL AND l.queued = 0 AND l.mode <> 'human' AND $8 THEN 1 ELSE 0 END,
        ready_at = CASE WHEN l.queued = 0 THEN now() ELSE l.ready_at END,
        queued = l.queued + (l.mode <> 'human')::int
    RETURNING l.session_id, l.epoch, l.owner, l.mode = 'human' AS is_kept,
              coalesce(l.owner = $7 AND l.queued = 1 AND l.mode <> 'human', false) AS is_mine
), session AS (
    INSERT INTO sessions AS s (session_id, channel, tenant, agent_id, audience, next_seq)
    SELECT lease.session_id, $3::text, $4::text, $5::text, $6::text, 3 FROM lease
    ON CONFLICT (session_id) DO UPDATE SET next_seq = s.next_seq + 2, updated_at = now()
    RETURNING s.session_id, s.next_seq - 2 AS seq
), participant AS (
    INSERT INTO participants (session_id, user_id, account_id)
    SELECT session.session_id, who.user_id, who.account_id FROM session, who WHERE who.user_id IS NOT NULL
    ON CONFLICT DO NOTHING
), task AS (
    INSERT INTO tasks (session_id, task_id, user_id, agent_id, state, attempts, reply_to, note, finished_at)
    SELECT session.session_id, $10::text, who.user_id, $5,
           CASE WHEN lease.is_kept THEN 'done' WHEN lease.is_mine THEN 'running' ELSE 'queued' END,
           lease.is_mine::int, $17::jsonb, CASE WHEN lease.is_kept THEN $22::text END, CASE WHEN lease.is_kept THEN now() END
    FROM session, lease, who
    RETURNING position
), message AS (
    INSERT INTO messages (session_id, seq, message_id, role, author_id, account_id, author_name, text, run_id, position,
                          client_id, attachments, files_text)
    SELECT session.session_id, session.seq, $11::text, 'user', who.user_id, who.account_id, $12::text, $13::text, $18::text,
           CASE WHEN NOT lease.is_kept THEN task.position END, $14::text, $19::jsonb, $20::text
    FROM session, task, lease, who
), attached AS (
    UPDATE attachments a SET seq = (SELECT session.seq FROM session), user_id = (SELECT who.user_id FROM who)
    WHERE $19::jsonb IS NOT NULL AND a.session_id = (SELECT session.session_id FROM session)
      AND a.user_id IN ($2, (SELECT who.user_id FROM who))
      AND a.attachment_id IN (SELECT one ->> 'id' FROM jsonb_array_elements($19) one) AND a.seq IS NULL
), adopted AS (
    -- What was said since the last task while the agent was not addressed, or a person of the team answered: this task's
    -- run sees it before its own words.
    UPDATE messages m SET position = (SELECT task.position FROM task)
    WHERE m.session_id = (SELECT lease.session_id FROM lease WHERE NOT lease.is_kept)
      AND m.position IS NULL AND m.role IN ('user', 'human')
      AND m.seq < (SELECT session.seq FROM session)
), note AS (
    INSERT INTO run_notes (session_id, seq, run_id, state)
    SELECT session.session_id, session.seq + 1, $18,
           CASE WHEN lease.is_kept THEN 'done' WHEN lease.is_mine THEN 'thinking' ELSE 'queued' END
    FROM session, lease
), decided AS (
    -- Nothing is approved while the agent is silent: no run would make the call.
    UPDATE approvals a SET state = $24::text, decided_at = now(),
                           decided_position = (SELECT task.position FROM task, lease WHERE NOT lease.is_kept)
    WHERE $23::text IS NOT NULL AND ($24 <> 'approved' OR NOT (SELECT lease.is_kept FROM lease)) AND a.session_id = (SELECT session.session_id FROM session) AND a.approval_id = $23
      AND a.state = 'waiting' AND (a.user_id = (SELECT who.user_id FROM who) OR $24 = 'expired')
    RETURNING 1
), key AS (
    INSERT INTO dedupe (session_id, key, digest, seq, message_id, task_id)
    -- No key, which undoes it all, for a decision about what does not wait, or not for this person.
    SELECT session.session_id, CASE WHEN $23::text IS NULL OR EXISTS (SELECT FROM decided) THEN $15::text END,
           $16::bytea, session.seq, $11, $10
    FROM session
)
SELECT session.seq, task.position, lease.epoch, lease.is_mine, lease.is_kept, now() AS at, who.user_id,
       CASE WHEN lease.owner IS NULL AND NOT lease.is_kept THEN pg_notify('parley_ready', '') END
FROM session, task, lease, who;

-- name: find_accepted
SELECT d.digest, d.seq, d.message_id, d.task_id FROM dedupe d WHERE d.session_id = $1 AND d.key = $2;

-- name: start_task
-- The head of a claimed session begins: what the same person said meanwhile is merged into it. No row: the lease is
-- lost, or the task was stopped meanwhile.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), gate AS MATERIALIZED (
    SELECT l.session_id FROM scope JOIN session_leases l ON l.session_id = scope.session_id
    WHERE l.owner = $2::text AND l.epoch = $3::bigint
    FOR UPDATE OF l
), head AS (
    UPDATE tasks t SET state = 'running', attempts = t.attempts + 1
    FROM gate
    WHERE t.session_id = gate.session_id AND t.position = $4::bigint AND t.state IN ('queued', 'running')
    RETURNING t.session_id, t.position, t.user_id, t.task_id, t.attempts
), merged AS (
    UPDATE tasks t SET state = 'merged', merged_into = head.position, finished_at = now()
    FROM head
    WHERE t.session_id = head.session_id AND t.user_id = head.user_id AND t.state = 'queued' AND t.position > head.position
    RETURNING t.session_id, t.position, t.task_id
), moved AS (
    UPDATE messages m SET position = $4
    WHERE m.session_id = (SELECT gate.session_id FROM gate) AND m.position IN (SELECT merged.position FROM merged)
), decided AS (
    UPDATE approvals a SET decided_position = $4
    WHERE a.session_id = (SELECT gate.session_id FROM gate) AND a.decided_position IN (SELECT merged.position FROM merged)
), lease AS (
    UPDATE session_leases l SET queued = l.queued - (SELECT count(*) FROM merged)
    FROM head WHERE l.session_id = head.session_id
), session AS (
    UPDATE sessions s SET next_seq = s.next_seq + 1
    WHERE s.session_id = (SELECT head.session_id FROM head)
    RETURNING s.session_id, s.next_seq - 1 AS seq
), note AS (
    INSERT INTO run_notes (session_id, seq, run_id, state)
    SELECT session.session_id, session.seq, $5::text, 'thinking' FROM session
)
SELECT session.seq, head.attempts, now() AS at,
       ARRAY(
           SELECT task_id FROM merged
           UNION
           SELECT t.task_id FROM tasks t WHERE t.session_id = $1 AND t.merged_into = $4 AND t.state = 'merged'
       ) AS merged
FROM session, head;

-- name: finish_task
-- The end of a run, behind the fence. The answer, when there is one ($6), stands before the final notes ($10: the runs
-- that end with it, this one first). No row: the lease is lost and nothing was written.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), gate AS MATERIALIZED (
    SELECT l.session_id FROM scope JOIN session_leases l ON l.session_id = scope.session_id
    WHERE l.owner = $2::text AND l.epoch = $3::bigint
    FOR UPDATE OF l
), task AS (
    UPDATE tasks t SET state = $5::text, note = $12::text, finished_at = now()
    FROM gate WHERE t.session_id = gate.session_id AND t.position = $4::bigint AND t.state = 'running'
    RETURNING t.session_id, t.position, t.user_id, t.agent_id, t.reply_to
), session AS (
    UPDATE sessions s SET next_seq = s.next_seq + cardinality($10::text[]) + ($6::text IS NOT NULL)::int, updated_at = now()
    WHERE s.session_id = (SELECT task.session_id FROM task)
    RETURNING s.session_id, s.channel, s.next_seq - cardinality($10::text[]) - ($6::text IS NOT NULL)::int AS seq
), message AS (
    INSERT INTO messages (session_id, seq, message_id, role, author_name, text, run_id, position)
    SELECT session.session_id, session.seq, $6::text, $7::text, $8::text, $9::text, ($10::text[])[1], $4
    FROM session WHERE $6::text IS NOT NULL
), notes AS (
    INSERT INTO run_notes (session_id, seq, run_id, state, label)
    SELECT session.session_id, session.seq + ($6::text IS NOT NULL)::int + r.n - 1, r.run_id, $11::text, $12
    FROM session, unnest($10::text[]) WITH ORDINALITY AS r (run_id, n)
), run AS (
    INSERT INTO runs (session_id, position, run_id, user_id, agent_id, model, state, stop_reason, error, input_tokens,
                      output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, context_tokens, context_bytes)
    SELECT task.session_id, task.position, ($10::text[])[1], task.user_id, task.agent_id, r.model, $11, r.stop_reason, r.error,
           r.input_tokens, r.output_tokens, r.cache_read_tokens, r.cache_write_tokens, r.cost_usd,
           coalesce(r.context_tokens, 0), coalesce(r.context_bytes, 0)
    FROM task, jsonb_to_record($13::jsonb) AS r (
        model text, stop_reason text, error text, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
        cache_write_tokens bigint, cost_usd numeric, context_tokens bigint, context_bytes bigint)
), turn AS (
    INSERT INTO turns (session_id, position, n, content, stop_reason, input_tokens, output_tokens, cache_read_tokens,
                       cache_write_tokens, cost_usd)
    SELECT task.session_id, task.position, r.n, r.content, r.stop_reason, r.input_tokens, r.output_tokens,
           r.cache_read_tokens, r.cache_write_tokens, r.cost_usd
    FROM task, jsonb_to_recordset($14::jsonb) AS r (
        n int, content jsonb, stop_reason text, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
        cache_write_tokens bigint, cost_usd numeric)
    ON CONFLICT DO NOTHING
), tool_call AS (
    -- A result that is there stays: a later attempt has read only what stands of it in prompts.
    INSERT INTO tool_calls AS c (session_id, position, n, k, call_id, name, arguments, result, is_error, excerpt)
    SELECT task.session_id, task.position, r.n, r.k, r.call_id, r.name, r.arguments, r.result, r.is_error, r.excerpt
    FROM task, jsonb_to_recordset($15::jsonb) AS r (
        n int, k int, call_id text, name text, arguments jsonb, result text, is_error boolean, excerpt text)
    ON CONFLICT (session_id, position, n, k) DO UPDATE SET
        result = coalesce(c.result, excluded.result),
        is_error = CASE WHEN c.result IS NULL THEN excluded.is_error ELSE c.is_error END,
        excerpt = coalesce(excluded.excerpt, c.excerpt)
), posted AS (
    INSERT INTO outbox (session_id, seq, post_key, channel, reply_to)
    SELECT task.session_id, session.seq, $6::text, session.channel, task.reply_to
    FROM task, session WHERE task.reply_to IS NOT NULL AND $6::text IS NOT NULL
    RETURNING 1
), asked AS (
    -- A microsecond apart, so that they stay in the order in which the question names them.
    INSERT INTO approvals (session_id, approval_id, position, seq, call_id, user_id, agent_id, title, asked_at, expires_at)
    SELECT task.session_id, r.approval_id, task.position, session.seq, r.call_id, task.user_id, task.agent_id, r.title,
           now() + r.n * interval '1 microsecond', now() + r.expires_s * interval '1 second'
    FROM task, session, ROWS FROM (jsonb_to_recordset($19::jsonb) AS (
        approval_id text, call_id text, title text, expires_s float8
    )) WITH ORDINALITY AS r(approval_id, call_id, title, expires_s, n)
    WHERE task.user_id IS NOT NULL AND $6 IS NOT NULL
), job AS (
    -- Words that keep coming put the work off, but not for more than five times as long.
    INSERT INTO jobs AS j (kind, session_id, user_id, agent_id, run_at)
    SELECT 'extract', task.session_id, task.user_id, task.agent_id, now() + $16::float8 * interval '1 second'
    FROM task WHERE $16::float8 IS NOT NULL AND task.user_id IS NOT NULL
    ON CONFLICT (kind, session_id, user_id) DO UPDATE SET
        run_at = least(excluded.run_at, least(j.asked_at, now()) + $16::float8 * interval '5 seconds'),
        asked_at = least(j.asked_at, now()), agent_id = excluded.agent_id, version = j.version + 1
), title AS (
    INSERT INTO jobs AS j (kind, session_id, user_id, agent_id, run_at)
    SELECT 'title', task.session_id, '', task.agent_id, now() + $18::float8 * interval '1 second'
    FROM task WHERE $18::float8 IS NOT NULL
    ON CONFLICT (kind, session_id, user_id) DO UPDATE SET
        run_at = least(excluded.run_at, least(j.asked_at, now()) + $18::float8 * interval '5 seconds'),
        asked_at = least(j.asked_at, now()), agent_id = excluded.agent_id, version = j.version + 1
), unread AS (
    -- Where nothing was ever read of this speaker, reading begins here: not with what was said before it was allowed.
    INSERT INTO watermarks (session_id, user_id, seq)
    SELECT task.session_id, task.user_id, coalesce((
        SELECT min(m.seq) FROM messages m
        WHERE m.session_id = task.session_id AND m.position = task.position AND m.author_id = task.user_id), 1) - 1
    FROM task WHERE $16 IS NOT NULL AND task.user_id IS NOT NULL
    ON CONFLICT DO NOTHING
), next AS (
    SELECT t.position, t.task_id, t.user_id, t.agent_id, t.run_at, t.run_at <= now() AS is_due
    FROM gate JOIN tasks t ON t.session_id = gate.session_id
    WHERE t.state = 'queued'
    ORDER BY t.session_id, t.position LIMIT 1
), lease AS (
    UPDATE session_leases l SET
        queued = l.queued - 1,
        owner = CASE WHEN $17::boolean AND (SELECT is_due FROM next) THEN l.owner END,
        ready_at = greatest((SELECT run_at FROM next), now())
    FROM task WHERE l.session_id = task.session_id
    RETURNING l.owner, l.queued
)
SELECT session.seq, now() AS at, lease.owner IS NOT NULL AS is_kept, lease.queued,
       next.position AS next_position, next.task_id AS next_task_id, next.user_id AS next_user_id,
       next.agent_id AS next_agent_id, (SELECT count(*) FROM posted) AS posted,
       CASE WHEN lease.owner IS NULL AND lease.queued > 0 THEN pg_notify('parley_ready', '') END
FROM session, lease LEFT JOIN next ON true;

-- name: put_back_task
-- The running task waits again: for its retry ($5 seconds from now), or at once when a process leaves ($7: the attempt
-- does not count). The session waits with it. No row: the lease is lost.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), gate AS MATERIALIZED (
    SELECT l.session_id FROM scope JOIN session_leases l ON l.session_id = scope.session_id
    WHERE l.owner = $2::text AND l.epoch = $3::bigint
    FOR UPDATE OF l
), task AS (
    UPDATE tasks t SET state = 'queued', run_at = now() + $5::float8 * interval '1 second', note = $6::text,
                       attempts = t.attempts - $7::boolean::int
    FROM gate WHERE t.session_id = gate.session_id AND t.position = $4::bigint AND t.state = 'running'
    RETURNING t.session_id, t.run_at
), lease AS (
    UPDATE session_leases l SET owner = NULL, ready_at = task.run_at
    FROM task WHERE l.session_id = task.session_id
), session AS (
    UPDATE sessions s SET next_seq = s.next_seq + 1
    WHERE s.session_id = (SELECT task.session_id FROM task)
    RETURNING s.session_id, s.next_seq - 1 AS seq
), note AS (
    INSERT INTO run_notes (session_id, seq, run_id, state, label)
    SELECT session.session_id, session.seq, $8::text, 'queued', $6 FROM session
)
SELECT session.seq, now() AS at, pg_notify('parley_ready', '') FROM session;

-- name: release_lease
-- A claimed session whose head could not be started goes back.
WITH lease AS (
    UPDATE session_leases SET owner = NULL, ready_at = now()
    WHERE session_id = $1 AND owner = $2 AND epoch = $3
    RETURNING 1
)
SELECT pg_notify('parley_ready', '') FROM lease;

-- name: stop_waiting_task
-- A task that has not begun will not begin, nor one that waits for its next attempt, with all that it answers ($2 may be
-- any of them). What people said stays in the history. One row for each run that ends. No row: it runs or is over.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), gate AS MATERIALIZED (
    SELECT l.session_id FROM scope JOIN session_leases l ON l.session_id = scope.session_id
    FOR UPDATE OF l
), task AS (
    UPDATE tasks t SET state = 'stopped', finished_at = now()
    FROM gate JOIN tasks asked ON asked.session_id = gate.session_id AND asked.task_id = $2::text
    WHERE t.session_id = gate.session_id AND t.position = coalesce(asked.merged_into, asked.position) AND t.state = 'queued'
    RETURNING t.session_id, t.position, t.task_id, t.user_id, t.agent_id
), run AS (
    INSERT INTO runs (session_id, position, run_id, user_id, agent_id, model, state, stop_reason, input_tokens, output_tokens,
                      cache_read_tokens, cache_write_tokens, cost_usd)
    SELECT session_id, position, 'run_' || substr(task_id, 6), user_id, agent_id, '', 'stopped', '', 0, 0, 0, 0, 0 FROM task
), ended AS MATERIALIZED (
    SELECT e.task_id, row_number() OVER (ORDER BY e.position) - 1 AS n FROM (
        SELECT position, task_id FROM task
        UNION ALL
        SELECT m.position, m.task_id
        FROM task JOIN tasks m ON m.session_id = task.session_id AND m.merged_into = task.position
    ) e
), next AS (
    SELECT t.run_at FROM task JOIN tasks t ON t.session_id = task.session_id
    WHERE t.state = 'queued' AND t.position <> task.position
    ORDER BY t.session_id, t.position LIMIT 1
), lease AS (
    -- With nothing left in it a lease is free: its owner, who was about to begin, would take the next message for begun.
    UPDATE session_leases l SET queued = l.queued - 1, owner = CASE WHEN l.queued > 1 THEN l.owner END,
                                ready_at = coalesce((SELECT run_at FROM next), now())
    FROM task WHERE l.session_id = task.session_id
), session AS (
    UPDATE sessions s SET next_seq = s.next_seq + (SELECT count(*) FROM ended)
    WHERE s.session_id = (SELECT task.session_id FROM task)
    RETURNING s.session_id, s.next_seq - (SELECT count(*) FROM ended) AS seq
), note AS (
    INSERT INTO run_notes (session_id, seq, run_id, state)
    SELECT session.session_id, session.seq + ended.n, 'run_' || substr(ended.task_id, 6), 'stopped' FROM session, ended
)
SELECT session.seq + ended.n AS seq, ended.task_id, now() AS at FROM session, ended ORDER BY ended.n;

-- name: record_calls
-- A turn and the calls it asks for, before any of them runs; people see the state `tool`.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), gate AS MATERIALIZED (
    SELECT l.session_id FROM scope JOIN session_leases l ON l.session_id = scope.session_id
    WHERE l.owner = $2::text AND l.epoch = $3::bigint
    FOR UPDATE OF l
), session AS (
    UPDATE sessions s SET next_seq = s.next_seq + 1
    WHERE s.session_id = (SELECT gate.session_id FROM gate)
    RETURNING s.session_id, s.next_seq - 1 AS seq
), note AS (
    INSERT INTO run_notes (session_id, seq, run_id, state, label)
    SELECT session.session_id, session.seq, $5::text, 'tool', $6::text FROM session
), turn AS (
    INSERT INTO turns (session_id, position, n, content, stop_reason, input_tokens, output_tokens, cache_read_tokens,
                       cache_write_tokens, cost_usd)
    SELECT gate.session_id, $4::bigint, r.n, r.content, r.stop_reason, r.input_tokens, r.output_tokens,
           r.cache_read_tokens, r.cache_write_tokens, r.cost_usd
    FROM gate, jsonb_to_recordset($7::jsonb) AS r (
        n int, content jsonb, stop_reason text, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
        cache_write_tokens bigint, cost_usd numeric)
), tool_call AS (
    INSERT INTO tool_calls (session_id, position, n, k, call_id, name, arguments, is_error)
    SELECT gate.session_id, $4, r.n, r.k, r.call_id, r.name, r.arguments, false
    FROM gate, jsonb_to_recordset($8::jsonb) AS r (n int, k int, call_id text, name text, arguments jsonb)
)
SELECT session.seq, now() AS at FROM session;

-- name: record_results
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), gate AS MATERIALIZED (
    SELECT l.session_id FROM scope JOIN session_leases l ON l.session_id = scope.session_id
    WHERE l.owner = $2::text AND l.epoch = $3::bigint
    FOR UPDATE OF l
), tool_call AS (
    UPDATE tool_calls c SET result = coalesce(c.result, r.result), excerpt = coalesce(r.excerpt, c.excerpt),
                            is_error = CASE WHEN c.result IS NULL THEN r.is_error ELSE c.is_error END
    FROM jsonb_to_recordset($5::jsonb) AS r (n int, k int, result text, is_error boolean, excerpt text)
    WHERE c.session_id = (SELECT gate.session_id FROM gate) AND c.position = $4::bigint AND c.n = r.n AND c.k = r.k
)
SELECT 1 FROM gate;

-- name: claim_tasks
-- Up to $2 free sessions, those that wait longest first. In a free session nothing runs: a task that says so was left
-- there by a worker that began it just when it was declared dead.
WITH ready AS MATERIALIZED (
    SELECT session_id FROM session_leases
    WHERE owner IS NULL AND queued > 0 AND ready_at <= now()
    ORDER BY ready_at LIMIT $2::int
    FOR UPDATE SKIP LOCKED
), lease AS (
    UPDATE session_leases l SET owner = $1::text, epoch = l.epoch + 1
    FROM ready WHERE l.session_id = ready.session_id
    RETURNING l.session_id, l.epoch
)
SELECT lease.session_id, lease.epoch, head.position, head.task_id, head.user_id, head.agent_id
FROM lease LEFT JOIN LATERAL (
    SELECT t.position, t.task_id, t.user_id, t.agent_id FROM tasks t
    WHERE t.session_id = lease.session_id AND t.state IN ('queued', 'running')
    ORDER BY t.position LIMIT 1
) head ON true;

-- name: next_ready_in
-- Seconds until the next free session is due; none when nothing waits.
SELECT extract(epoch FROM min(ready_at) - now())::float8 FROM session_leases WHERE owner IS NULL AND queued > 0;

-- name: load_task
SELECT t.task_id, t.session_id, t.user_id, t.state, t.attempts, t.created_at, t.finished_at, t.note,
       t.position, coalesce(t.merged_into, t.position) AS run_position, m.task_id AS run_task_id, m.state AS run_state
FROM tasks t JOIN tasks m ON m.session_id = t.session_id AND m.position = coalesce(t.merged_into, t.position)
WHERE t.task_id = $1;

-- name: load_answer
-- The answer of a run and what it cost.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT m.text, r.input_tokens, r.output_tokens, r.cache_read_tokens, r.cache_write_tokens, r.cost_usd
FROM scope
LEFT JOIN LATERAL (
    SELECT * FROM runs r WHERE r.session_id = scope.session_id AND r.position = $2::bigint OFFSET 0
) r ON true
LEFT JOIN LATERAL (
    SELECT m.text FROM messages m
    WHERE m.session_id = scope.session_id AND m.position = $2 AND m.role = 'assistant'
    ORDER BY m.seq DESC LIMIT 1
) m ON true;
