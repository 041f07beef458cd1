-- The task engine. Every step is one statement; a lease row is always locked before anything else of its session.

-- name: accept_messages
-- Of each of these messages, each for another session: message, participant, task and dedupe key, or nothing and no row,
-- where its key is there already or too many people's turns wait. A key that comes to be there meanwhile raises
-- unique_violation. The lease is taken when it is free, nothing waits and this process has room. A message is of
-- whoever its user_id is now, or, where they spoke with a linked account, of whoever that is now: it may have been parted
-- since. An erased person raises no_data_found. While a person of the team has the session the message is kept: its task
-- is over at once, with the note `kept`. `approval_id` is the call about which it says `verdict`; where that cannot be
-- decided any more it raises not_null_violation.
WITH given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($2::text::jsonb) AS given (
        session_id text, user_id text, account_id text, channel text, tenant text, agent_id text, audience text,
        may_take boolean, max_waiting int, task_id text, run_id text, message_id text, author_name text, text text,
        client_id text, dedupe_key text, digest text, reply_to jsonb, attachments jsonb, files_text text, kept text,
        approval_id text, verdict text)
), scope AS MATERIALIZED (
    SELECT set_config('parley.session_ids', array_agg(session_id)::text, true)::text[] AS session_ids,
           CASE WHEN count(*) > 1 THEN set_config('lock_timeout', $3::text, true) END
    FROM given
), said AS MATERIALIZED (
    SELECT given.*, parley_current_user(coalesce(given.account_id, given.user_id)) AS author_id
    FROM scope JOIN given ON given.session_id = ANY (scope.session_ids)
    WHERE NOT EXISTS (SELECT FROM dedupe d WHERE d.session_id = given.session_id AND d.key = given.dedupe_key)
    ORDER BY given.session_id
), lease AS (
    INSERT INTO session_leases AS l (session_id, owner, epoch, queued)
    SELECT said.session_id, CASE WHEN said.may_take THEN $1::text END, 1, 1
    FROM said
    WHERE said.max_waiting IS NULL OR said.max_waiting > (
        SELECT count(DISTINCT coalesce(t.user_id, t.task_id)) FROM tasks t
        WHERE t.session_id = said.session_id AND t.state = 'queued'
          AND (said.author_id IS NULL OR t.user_id IS DISTINCT FROM said.author_id)
    )
    ON CONFLICT (session_id) DO UPDATE SET
        owner = CASE WHEN l.queued = 0 AND l.mode <> 'human' THEN coalesce(l.owner, excluded.owner) ELSE l.owner END,
        epoch = l.epoch + (l.owner IS NULL AND l.queued = 0 AND l.mode <> 'human' AND excluded.owner IS NOT NULL)::int,
        ready_at = CASE WHEN l.queued = 0 THEN now() ELSE l.ready_at END,
        queued = l.queued + (l.mode <> 'human')::int
    RETURNING l.session_id, l.epoch, l.owner, l.mode = 'human' AS is_kept,
              coalesce(l.owner = $1 AND l.queued = 1 AND l.mode <> 'human', false) AS is_mine
), session AS (
    INSERT INTO sessions AS s (session_id, channel, tenant, agent_id, audience, next_seq)
    SELECT session_id, said.channel, said.tenant, said.agent_id, said.audience, 3 FROM lease JOIN said USING (session_id)
    ON CONFLICT (session_id) DO UPDATE SET next_seq = s.next_seq + 2, updated_at = now()
    RETURNING s.session_id, s.next_seq - 2 AS seq
), task AS (
    INSERT INTO tasks (session_id, task_id, user_id, agent_id, state, attempts, reply_to, note, finished_at)
    SELECT session_id, said.task_id, said.author_id, said.agent_id,
           CASE WHEN lease.is_kept THEN 'done' WHEN lease.is_mine THEN 'running' ELSE 'queued' END,
           lease.is_mine::int, said.reply_to, CASE WHEN lease.is_kept THEN said.kept END, CASE WHEN lease.is_kept THEN now() END
    FROM lease JOIN said USING (session_id)
    RETURNING session_id, position, state
), accepted AS MATERIALIZED (
    SELECT said.*, session.seq, task.position, task.state = 'running' AS is_mine, task.state = 'done' AS is_kept
    FROM task JOIN session USING (session_id) JOIN said USING (session_id)
), participant AS (
    INSERT INTO participants (session_id, user_id, account_id)
    SELECT session_id, author_id, nullif(coalesce(account_id, user_id), author_id) FROM accepted WHERE author_id IS NOT NULL
    ON CONFLICT DO NOTHING
), message AS (
    INSERT INTO messages (session_id, seq, message_id, role, author_id, account_id, author_name, text, run_id, position,
                          client_id, attachments, files_text)
    SELECT session_id, seq, message_id, 'user', author_id, nullif(coalesce(account_id, user_id), author_id),
           author_name, text, run_id, CASE WHEN NOT is_kept THEN position END, client_id, attachments, files_text
    FROM accepted
), attached AS (
    UPDATE attachments a SET seq = accepted.seq, user_id = accepted.author_id
    FROM accepted
    WHERE a.session_id = ANY (ARRAY(SELECT session_id FROM accepted WHERE attachments IS NOT NULL))
      AND a.session_id = accepted.session_id AND a.user_id IN (accepted.user_id, accepted.author_id) AND a.seq IS NULL
      AND a.attachment_id IN (SELECT one ->> 'id' FROM jsonb_array_elements(accepted.attachments) one)
), adopted AS (
    -- What was said since the last task while the agent was not addressed, or a person of the team answered: this task's
    -- run sees it before its own words.
    UPDATE messages m SET position = accepted.position
    FROM accepted
    WHERE m.session_id = ANY (ARRAY(SELECT session_id FROM accepted WHERE NOT is_kept)) AND m.session_id = accepted.session_id
      AND m.position IS NULL AND m.role IN ('user', 'human') AND m.seq < accepted.seq
), note AS (
    INSERT INTO run_notes (session_id, seq, run_id, state)
    SELECT session_id, seq + 1, run_id, CASE WHEN is_kept THEN 'done' WHEN is_mine THEN 'thinking' ELSE 'queued' END FROM accepted
), decided AS (
    -- Nothing is approved while the agent is silent: no run would make the call.
    UPDATE approvals a SET state = accepted.verdict, decided_at = now(),
                           decided_position = CASE WHEN NOT accepted.is_kept THEN accepted.position END
    FROM accepted
    WHERE a.session_id = accepted.session_id AND a.approval_id = accepted.approval_id AND a.state = 'waiting'
      AND (accepted.verdict <> 'approved' OR NOT accepted.is_kept)
      AND (a.user_id = accepted.author_id OR accepted.verdict = 'expired')
    RETURNING a.session_id
), key AS (
    -- No key, which undoes it all, for a decision about what does not wait, or not for this person.
    INSERT INTO dedupe (session_id, key, digest, seq, message_id, task_id)
    SELECT session_id, CASE WHEN approval_id IS NULL OR session_id IN (SELECT decided.session_id FROM decided) THEN dedupe_key END,
           decode(digest, 'hex'), seq, message_id, task_id
    FROM accepted
)
SELECT session_id, seq, position, epoch, accepted.is_mine, accepted.is_kept, now() AS at, author_id AS user_id,
       CASE WHEN owner IS NULL AND NOT accepted.is_kept THEN pg_notify('parley_ready', '') END
FROM accepted JOIN lease USING (session_id);

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

-- name: finish_tasks
-- The ends of these runs, each of another session, behind the fence. An answer, when there is one (message_id), stands
-- before the final notes (run_ids: the runs that end with it, its own first). No row: that lease is lost and nothing was
-- written of its run.
WITH given AS MATERIALIZED (
    SELECT *, jsonb_array_length(run_ids) + (message_id IS NOT NULL)::int AS entries
    FROM jsonb_to_recordset($2::text::jsonb) AS given (
        session_id text, epoch bigint, position bigint, state text, run_state text, note text, may_keep boolean,
        message_id text, role text, author_name text, text text, run_ids jsonb, run jsonb, turns jsonb, calls jsonb, asks jsonb,
        extract_after_s float8, is_unread boolean, title_after_s float8)
), scope AS MATERIALIZED (
    SELECT set_config('parley.session_ids', array_agg(session_id)::text, true)::text[] AS session_ids,
           CASE WHEN count(*) > 1 THEN set_config('lock_timeout', $3::text, true) END
    FROM given
), gate AS MATERIALIZED (
    SELECT given.*
    FROM scope JOIN session_leases l ON l.session_id = ANY (scope.session_ids) JOIN given ON given.session_id = l.session_id
    WHERE l.owner IS NOT DISTINCT FROM $1::text AND l.epoch = given.epoch  -- by the sessions, not by all that this worker owns
    ORDER BY l.session_id
    FOR UPDATE OF l
), task AS (
    UPDATE tasks t SET state = gate.state, note = gate.note, finished_at = now()
    FROM gate WHERE t.session_id = gate.session_id AND t.position = gate.position AND t.state = 'running'
    RETURNING t.session_id, t.user_id, t.agent_id, t.reply_to
), session AS (
    UPDATE sessions s SET next_seq = s.next_seq + gate.entries, updated_at = now()
    FROM gate
    WHERE s.session_id = ANY (ARRAY(SELECT task.session_id FROM task)) AND s.session_id = gate.session_id
    RETURNING s.session_id, s.channel, s.next_seq - gate.entries AS seq
), ended AS MATERIALIZED (
    SELECT gate.*, task.user_id, task.agent_id, task.reply_to, session.channel, session.seq
    FROM session JOIN task USING (session_id) JOIN gate USING (session_id)
), message AS (
    INSERT INTO messages (session_id, seq, message_id, role, author_name, text, run_id, position)
    SELECT session_id, seq, message_id, role, author_name, text, run_ids ->> 0, position
    FROM ended WHERE message_id IS NOT NULL
), notes AS (
    INSERT INTO run_notes (session_id, seq, run_id, state, label)
    SELECT session_id, seq + (message_id IS NOT NULL)::int + r.n - 1, r.run_id, run_state, note
    FROM ended, jsonb_array_elements_text(run_ids) WITH ORDINALITY AS r (run_id, n)
), run AS (
    INSERT INTO runs (session_id, position, run_id, user_id, agent_id, model, state, stop_reason, error, input_tokens,
                      output_tokens, cache_read_tokens, cache_write_tokens, cost_usd, context_tokens, context_bytes)
    SELECT session_id, position, run_ids ->> 0, user_id, agent_id, r.model, run_state, r.stop_reason, r.error,
           r.input_tokens, r.output_tokens, r.cache_read_tokens, r.cache_write_tokens, r.cost_usd,
           coalesce(r.context_tokens, 0), coalesce(r.context_bytes, 0)
    FROM ended, jsonb_to_record(run) AS r (
        model text, stop_reason text, error text, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
        cache_write_tokens bigint, cost_usd numeric, context_tokens bigint, context_bytes bigint)
), turn AS (
    INSERT INTO turns (session_id, position, n, content, stop_reason, input_tokens, output_tokens, cache_read_tokens,
                       cache_write_tokens, cost_usd)
    SELECT session_id, position, r.n, r.content, r.stop_reason, r.input_tokens, r.output_tokens, r.cache_read_tokens,
           r.cache_write_tokens, r.cost_usd
    FROM ended, jsonb_to_recordset(turns) AS r (
        n int, content jsonb, stop_reason text, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
        cache_write_tokens bigint, cost_usd numeric)
    ON CONFLICT DO NOTHING
), tool_call AS (
    -- A result that is there stays: a later attempt has read only what stands of it in prompts.
    INSERT INTO tool_calls AS c (session_id, position, n, k, call_id, name, arguments, result, is_error, excerpt)
    SELECT session_id, position, r.n, r.k, r.call_id, r.name, r.arguments, r.result, r.is_error, r.excerpt
    FROM ended, jsonb_to_recordset(calls) AS r (
        n int, k int, call_id text, name text, arguments jsonb, result text, is_error boolean, excerpt text)
    ON CONFLICT (session_id, position, n, k) DO UPDATE SET
        result = coalesce(c.result, excluded.result),
        is_error = CASE WHEN c.result IS NULL THEN excluded.is_error ELSE c.is_error END,
        excerpt = coalesce(excluded.excerpt, c.excerpt)
), posted AS (
    INSERT INTO outbox (session_id, seq, post_key, channel, reply_to)
    SELECT session_id, seq, message_id, channel, reply_to FROM ended WHERE reply_to IS NOT NULL AND message_id IS NOT NULL
), asked AS (
    -- A microsecond apart, so that they stay in the order in which the question names them.
    INSERT INTO approvals (session_id, approval_id, position, seq, call_id, user_id, agent_id, title, asked_at, expires_at)
    SELECT session_id, r.approval_id, position, seq, r.call_id, user_id, agent_id, r.title,
           now() + r.n * interval '1 microsecond', now() + r.expires_s * interval '1 second'
    FROM ended, ROWS FROM (jsonb_to_recordset(asks) AS (
        approval_id text, call_id text, title text, expires_s float8
    )) WITH ORDINALITY AS r(approval_id, call_id, title, expires_s, n)
    WHERE user_id IS NOT NULL AND message_id IS NOT NULL
), job AS (
    -- Words that keep coming put the work off, but not for more than five times as long.
    INSERT INTO jobs AS j (kind, session_id, user_id, agent_id, run_at)
    SELECT work.kind, session_id, work.user_id, agent_id, now() + work.after_s * interval '1 second'
    FROM ended, LATERAL (VALUES ('extract', user_id, extract_after_s), ('title', '', title_after_s)) AS work (kind, user_id, after_s)
    WHERE work.after_s IS NOT NULL AND work.user_id IS NOT NULL
    ON CONFLICT (kind, session_id, user_id) DO UPDATE SET
        run_at = least(excluded.run_at, least(j.asked_at, now()) + (excluded.run_at - now()) * 5),
        asked_at = least(j.asked_at, now()), agent_id = excluded.agent_id, version = j.version + 1
), unread AS (
    -- Where nothing was ever read of this speaker, reading begins here: not with what was said before it was allowed.
    INSERT INTO watermarks (session_id, user_id, seq)
    SELECT session_id, user_id, coalesce((
        SELECT min(m.seq) FROM messages m
        WHERE m.session_id = ended.session_id AND m.position = ended.position AND m.author_id = ended.user_id), 1) - 1
    FROM ended WHERE extract_after_s IS NOT NULL AND user_id IS NOT NULL
    ON CONFLICT DO NOTHING
), passed AS (
    -- What was said while nothing was to be learned is not read later. Words before it that still wait for another agent
    -- stay: that reading leaves out by itself what was not said to an agent that learns.
    UPDATE watermarks w SET seq = greatest(w.seq, (
        SELECT max(m.seq) FROM messages m
        WHERE m.session_id = ended.session_id AND m.position = ended.position AND m.author_id = ended.user_id))
    FROM ended
    WHERE w.session_id = ANY (ARRAY(SELECT session_id FROM ended WHERE is_unread)) AND w.session_id = ended.session_id
      AND w.user_id = ended.user_id AND NOT EXISTS (
          SELECT FROM jobs j
          WHERE j.kind = 'extract' AND j.session_id = w.session_id AND j.user_id = w.user_id AND j.agent_id <> ended.agent_id)
), next AS (
    SELECT t.* FROM gate, LATERAL (
        SELECT t.session_id, t.position, t.task_id, t.user_id, t.agent_id, t.run_at, t.run_at <= now() AS is_due FROM tasks t
        WHERE t.session_id = gate.session_id AND t.state = 'queued'
        ORDER BY t.session_id, t.position LIMIT 1
    ) t
), lease AS (
    UPDATE session_leases l SET
        queued = l.queued - 1,
        owner = CASE WHEN ended.may_keep AND next.is_due THEN l.owner END,
        ready_at = greatest(next.run_at, now())
    FROM ended LEFT JOIN next USING (session_id)
    WHERE l.session_id = ended.session_id
    RETURNING l.session_id, l.owner, l.queued, ended.seq, ended.reply_to IS NOT NULL AND ended.message_id IS NOT NULL AS is_posted
)
SELECT session_id, lease.seq, now() AS at, lease.owner IS NOT NULL AS is_kept, lease.queued, lease.is_posted,
       next.position AS next_position, next.task_id AS next_task_id, next.user_id AS next_user_id,
       next.agent_id AS next_agent_id,
       CASE WHEN lease.owner IS NULL AND lease.queued > 0 THEN pg_notify('parley_ready', '') END
FROM lease LEFT JOIN next USING (session_id);

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
-- What came of the calls of turn $6. $7: its content, where some of the arguments are not to be kept.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id
), gate AS MATERIALIZED (
    SELECT l.session_id FROM scope JOIN session_leases l ON l.session_id = scope.session_id
    WHERE l.owner = $2::text AND l.epoch = $3::bigint
    FOR UPDATE OF l
), tool_call AS (
    UPDATE tool_calls c SET result = coalesce(c.result, r.result), excerpt = coalesce(r.excerpt, c.excerpt),
                            is_error = CASE WHEN c.result IS NULL THEN r.is_error ELSE c.is_error END,
                            arguments = CASE WHEN $7::jsonb IS NULL THEN c.arguments ELSE r.arguments END
    FROM jsonb_to_recordset($5::jsonb) AS r (n int, k int, arguments jsonb, result text, is_error boolean, excerpt text)
    WHERE c.session_id = (SELECT gate.session_id FROM gate) AND c.position = $4::bigint AND c.n = r.n AND c.k = r.k
), turn AS (
    UPDATE turns t SET content = $7
    WHERE $7 IS NOT NULL AND t.session_id = (SELECT gate.session_id FROM gate) AND t.position = $4 AND t.n = $6::int
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
