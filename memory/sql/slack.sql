-- Slack's inbox, the messages that nobody asked the agent about, and where its answers stand.

-- name: slack_receive
-- Deliveries in the order they came: $1 an array of {event_id, twin_key, lane, kind, payload, verdict, reason}, the last
-- two where they are known at once, $2 the reason for twins, $3 who takes in at most $4 of them: those before which
-- nothing of their lane waits. No row for one that was here before. The twin of one that was here is written down
-- without its payload.
WITH told AS (
    SELECT r.*, row_number() OVER (PARTITION BY r.lane, r.verdict IS NULL ORDER BY r.n) AS place
    FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (
        event_id text, twin_key text, lane text, kind text, payload jsonb, verdict text, reason text
    )) WITH ORDINALITY AS r(event_id, twin_key, lane, kind, payload, verdict, reason, n)
), head AS (
    SELECT t.*, t.verdict IS NULL AND t.place = 1 AND (  -- one look into the index for each, never a join
        SELECT i.inbox_id FROM slack_inbox i WHERE i.lane = t.lane AND i.verdict IS NULL LIMIT 1
    ) IS NULL AS is_free FROM told t
), taken AS (
    SELECT h.*, h.is_free AND count(*) FILTER (WHERE h.is_free) OVER (ORDER BY h.n) <= $4::bigint AS is_mine FROM head h
), first AS (
    INSERT INTO slack_inbox (event_id, twin_key, lane, kind, payload, verdict, reason, decided_at, owner, run_at, attempts)
    SELECT t.event_id, t.twin_key, t.lane, t.kind, t.payload, t.verdict, t.reason,
           CASE WHEN t.verdict IS NOT NULL THEN now() END,
           CASE WHEN t.is_mine THEN $3::text END,
           CASE WHEN t.is_mine THEN now() + interval '20 seconds' ELSE now() END,
           t.is_mine::int
    FROM taken t ORDER BY t.n
    ON CONFLICT DO NOTHING
    RETURNING event_id, inbox_id, owner IS NOT NULL AS is_mine
), twin AS (
    INSERT INTO slack_inbox (event_id, lane, kind, verdict, reason, decided_at)
    SELECT t.event_id, t.lane, t.kind, 'ignored', $2::text, now() FROM taken t
    WHERE NOT EXISTS (SELECT FROM first f WHERE f.event_id = t.event_id)
    ON CONFLICT DO NOTHING
)
SELECT event_id, inbox_id, is_mine FROM first;

-- name: slack_claim
-- At most $2 deliveries that have waited longest at the head of their lanes. Others do not see them for a while. Nobody
-- has to wait for the disk: what is forgotten by a crash of the server is done again.
WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE slack_inbox i SET owner = $1::text, attempts = i.attempts + 1, run_at = now() + interval '20 seconds'
FROM (
    SELECT d.inbox_id FROM soon CROSS JOIN slack_inbox d
    WHERE d.verdict IS NULL AND d.run_at <= now()
      AND (
          SELECT e.inbox_id FROM slack_inbox e
          WHERE e.lane = d.lane AND e.verdict IS NULL AND e.inbox_id < d.inbox_id LIMIT 1
      ) IS NULL
    ORDER BY d.run_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED
) due
WHERE i.inbox_id = due.inbox_id
RETURNING i.inbox_id, i.payload, i.attempts;

-- name: slack_decide
-- A delivery is taken in: $1 its id, $2 verdict, $3 reason, $4 session, $5 who asks. Returns the next of its lane, which
-- is then theirs. Nobody has to wait for the disk: what a crash of the server forgets is done again, harmlessly.
WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)), decided AS (
    UPDATE slack_inbox SET verdict = $2::text, reason = $3::text, session_id = $4::text, payload = NULL, owner = NULL,
                           decided_at = now()
    FROM soon WHERE inbox_id = $1::bigint AND verdict IS NULL
    RETURNING lane
), next AS (
    SELECT n.inbox_id FROM decided JOIN slack_inbox n ON n.lane = decided.lane
    WHERE n.verdict IS NULL AND n.inbox_id > $1 AND n.run_at <= now()
    ORDER BY n.lane, n.inbox_id LIMIT 1 FOR UPDATE OF n SKIP LOCKED
)
UPDATE slack_inbox i SET owner = $5::text, attempts = i.attempts + 1, run_at = now() + interval '20 seconds'
FROM next WHERE i.inbox_id = next.inbox_id
RETURNING i.inbox_id, i.payload, i.attempts;

-- name: slack_put_back
UPDATE slack_inbox SET owner = NULL, run_at = now() + $3::float8 * interval '1 second'
WHERE inbox_id = $1 AND owner = $2 AND verdict IS NULL;

-- name: slack_hold
-- $2 is still at work on these deliveries: nobody else takes them for another while.
WITH soon AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE slack_inbox SET run_at = now() + interval '20 seconds'
FROM soon WHERE inbox_id = ANY($1::bigint[]) AND owner = $2::text AND verdict IS NULL;

-- name: slack_release
-- What a process that leaves had taken is free at once.
UPDATE slack_inbox SET owner = NULL, run_at = now() WHERE owner = $1 AND verdict IS NULL;

-- name: slack_recover
-- What a process that died had taken is free again.
UPDATE slack_inbox i SET owner = NULL, run_at = now()
WHERE i.verdict IS NULL AND i.owner IS NOT NULL AND NOT EXISTS (SELECT FROM workers w WHERE w.worker_id = i.owner);

-- name: slack_next_in
SELECT extract(epoch FROM min(run_at) - now())::float8 FROM slack_inbox WHERE verdict IS NULL;

-- name: slack_forget
-- Decisions older than $1 days.
WITH old AS (
    SELECT inbox_id FROM slack_inbox WHERE decided_at < now() - $1::float8 * interval '1 day'
    ORDER BY decided_at LIMIT 1000
)
DELETE FROM slack_inbox i USING old WHERE i.inbox_id = old.inbox_id RETURNING 1;

-- name: slack_list_decisions
-- The newest decisions, for operators.
SELECT event_id, kind, verdict, reason, session_id, received_at FROM slack_inbox
WHERE verdict IS NOT NULL ORDER BY inbox_id DESC LIMIT $1;

-- name: slack_thread_state
-- How a thread stands: whether the agent was called into it, who said the last thing and whether it was for the agent,
-- and how often bots (authors without an account) spoke since a person did.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT EXISTS (SELECT FROM tasks t WHERE t.session_id = scope.session_id) AS is_engaged,
       last.role, last.author_id, last.is_kept,
       (SELECT count(*) FROM messages b
        WHERE b.session_id = scope.session_id AND b.role = 'user' AND b.author_id IS NULL AND b.seq > coalesce((
            SELECT max(p.seq) FROM messages p
            WHERE p.session_id = scope.session_id AND p.role = 'user' AND p.author_id IS NOT NULL
        ), 0)) AS bot_hops,
       ARRAY(
           SELECT DISTINCT n.author_name FROM (
               SELECT m.author_name FROM messages m
               WHERE m.session_id = scope.session_id AND m.role = 'user' AND m.author_id IS DISTINCT FROM $2::text
               ORDER BY m.session_id DESC, m.seq DESC LIMIT 50
           ) n
       ) AS names
FROM scope LEFT JOIN LATERAL (
    SELECT m.role, m.author_id, m.position IS NULL AS is_kept FROM messages m
    WHERE m.session_id = scope.session_id
    ORDER BY m.session_id DESC, m.seq DESC LIMIT 1
) last ON true;

-- name: slack_keep_message
-- A message without a task. No row: it is there already.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id,
           set_config('parley.user_id', coalesce(parley_current_user(coalesce($11::text, $2::text)), ''), true) AS user_id
), who AS MATERIALIZED (
    SELECT nullif(scope.user_id, '') AS user_id, nullif(coalesce($11, $2), scope.user_id) AS account_id
    FROM scope
), session AS (
    INSERT INTO sessions AS s (session_id, channel, tenant, agent_id, audience, next_seq)
    SELECT scope.session_id, 'slack', $3::text, $4::text, $5::text, 2 FROM scope
    WHERE NOT EXISTS (SELECT FROM dedupe d WHERE d.session_id = $1 AND d.key = $9::text)
    ON CONFLICT (session_id) DO UPDATE SET next_seq = s.next_seq + 1, updated_at = now()
    RETURNING s.session_id, s.next_seq - 1 AS seq
), participant AS (
    INSERT INTO participants (session_id, user_id, account_id)
    SELECT session.session_id, who.user_id, who.account_id FROM session, who WHERE who.user_id IS NOT NULL
    ON CONFLICT DO NOTHING
), message AS (
    INSERT INTO messages (session_id, seq, message_id, role, author_id, account_id, author_name, text)
    SELECT session.session_id, session.seq, $6::text, 'user', who.user_id, who.account_id, $7::text, $8::text
    FROM session, who
), key AS (
    INSERT INTO dedupe (session_id, key, digest, seq, message_id, task_id)
    SELECT session.session_id, $9, $10::bytea, session.seq, $6, '' FROM session
)
SELECT session.seq FROM session;

-- name: slack_list_versions
-- A message by its key, and what it was asked again as (its key and more behind a colon), the oldest first: who wrote it,
-- what it says, how the task stands that answers it (none: it was kept), and whether its answer is not wanted any more.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT d.key, d.seq, d.task_id, m.author_id, m.text, t.state, head.task_id AS run_task_id, head.state AS run_state,
       EXISTS (
           SELECT FROM slack_posts p WHERE p.session_id = d.session_id AND p.question = d.key AND p.part < 0
       ) AS is_withdrawn
FROM scope JOIN dedupe d ON d.session_id = scope.session_id AND (d.key = $2::text OR starts_with(d.key, $2 || ':'))
CROSS JOIN LATERAL (
    SELECT m.author_id, m.text FROM messages m WHERE m.session_id = scope.session_id AND m.seq = d.seq OFFSET 0
) m
LEFT JOIN tasks t ON t.task_id = d.task_id
LEFT JOIN tasks head ON head.session_id = t.session_id AND head.position = coalesce(t.merged_into, t.position)
ORDER BY d.seq;

-- name: slack_find_author
-- Whose a message is now.
SELECT m.author_id FROM messages m WHERE m.session_id = $1 AND m.seq = $2;

-- name: slack_rewrite_message
-- A message says something else now: what was summed up of its old words goes, and the new ones are read for facts. A
-- title that is made of the old words just now is not kept. The session's scope is set, and its lease locked.
WITH message AS (
    UPDATE messages m SET text = $3::text WHERE m.session_id = $1::text AND m.seq = $2::bigint
    RETURNING m.author_id, m.position
), summary AS (
    DELETE FROM compactions c USING message WHERE c.session_id = $1 AND c.upto >= message.position
), title AS (
    UPDATE sessions s SET title_epoch = s.title_epoch + 1,
        title = CASE WHEN s.titled_seq < $2 THEN s.title END, summary = CASE WHEN s.titled_seq < $2 THEN s.summary END,
        topics = CASE WHEN s.titled_seq < $2 THEN s.topics ELSE '{}' END,
        titled_seq = CASE WHEN s.titled_seq < $2 THEN s.titled_seq ELSE 0 END
    FROM message WHERE s.session_id = $1
)
UPDATE watermarks w SET seq = least(w.seq, $2 - 1) FROM message WHERE w.session_id = $1 AND w.user_id = message.author_id;

-- name: slack_list_drawn
-- Within the scope of the person $1: the memories that were drawn from message $3 of session $2.
SELECT m.memory_id FROM user_memories m WHERE m.user_id = $1 AND m.source_session_id = $2 AND m.source_seq = $3;

-- name: slack_list_displaced
-- Within the scope of the person $1: what gave way to one of the memories $2, and who takes the place of that one: nobody
-- where it is live (`is_free`), or was ended by words that put nothing there.
WITH RECURSIVE gone AS MATERIALIZED (
    SELECT m.memory_id, m.replaced_by, m.valid_to IS NULL AS is_free
    FROM user_memories m WHERE m.user_id = $1::text AND m.memory_id = ANY($2::text[])
), heir AS (
    SELECT gone.memory_id, gone.replaced_by, gone.is_free FROM gone
    UNION
    SELECT heir.memory_id, gone.replaced_by, gone.is_free FROM heir JOIN gone ON gone.memory_id = heir.replaced_by
)
SELECT m.memory_id, heir.replaced_by, heir.is_free
FROM user_memories m JOIN heir ON heir.memory_id = m.replaced_by
WHERE m.user_id = $1 AND m.memory_id <> ALL($2) AND coalesce(heir.replaced_by, '') <> ALL($2)
ORDER BY m.valid_from DESC;

-- name: slack_restore_displaced
-- It is as if what took the place of $2 had never been said: $3 took it, or nobody where $4, unless the same or another
-- fact in its slot is live.
UPDATE user_memories m SET replaced_by = $3, valid_to = CASE WHEN $4::bool AND NOT EXISTS (
    SELECT FROM user_memories o
    WHERE o.user_id = $1 AND o.valid_to IS NULL AND (o.hash = m.hash OR o.slot = m.slot)
) THEN NULL ELSE m.valid_to END
WHERE m.user_id = $1 AND m.memory_id = $2;

-- name: slack_list_running
-- The tasks of sessions that begin with $1, of one person where $2 is given, that run or wait. Where $3 is given only those
-- that are answered in that thread, or answer along what is.
SELECT t.session_id, t.task_id FROM tasks t
WHERE t.state IN ('queued', 'running') AND starts_with(t.session_id, $1) AND ($2::text IS NULL OR t.user_id = $2)
  AND ($3::text IS NULL OR t.reply_to ->> 'thread_ts' = $3 OR EXISTS (
      SELECT FROM tasks m
      WHERE m.session_id = t.session_id AND m.position > t.position AND m.merged_into = t.position
        AND m.reply_to ->> 'thread_ts' = $3
  ));

-- name: slack_begin_part
-- A message of an answer is about to be made, a preview ('draft') by worker $8. No row: somebody else began it.
INSERT INTO slack_posts (session_id, question, part, installation, conversation, state, post_key, owner)
VALUES ($1, $2, $3, $4, $5, $6::text, $7, CASE WHEN $6 = 'draft' THEN $8::text END)
ON CONFLICT DO NOTHING RETURNING 1;

-- name: slack_take_part
-- What was only a preview is posted whole now. No row: the preview's message is there by now.
UPDATE slack_posts SET state = CASE WHEN state = 'withdrawn' THEN state ELSE 'posting' END, post_key = $4
WHERE session_id = $1 AND question = $2 AND part = $3 AND ts IS NULL
RETURNING 1;

-- name: slack_show_part
-- A preview's message is there. No row: the answer was posted without it, or is not wanted any more.
UPDATE slack_posts p SET ts = $4::text
WHERE p.session_id = $1 AND p.question = $2 AND p.part = $3 AND p.state = 'draft' AND p.ts IS NULL AND NOT EXISTS (
    SELECT FROM slack_posts w WHERE w.session_id = $1 AND w.question = $2 AND w.part < 0
)
RETURNING 1;

-- name: slack_release_parts
-- Worker $3 writes nothing more into the preview of an answer.
UPDATE slack_posts SET owner = NULL WHERE session_id = $1 AND question = $2 AND owner = $3;

-- name: slack_set_part
UPDATE slack_posts SET ts = coalesce($4::text, ts), state = CASE WHEN state = 'withdrawn' THEN state ELSE $5::text END,
                       post_key = coalesce($6::text, post_key)
WHERE session_id = $1 AND question = $2 AND part = $3;

-- name: slack_drop_part
DELETE FROM slack_posts WHERE session_id = $1 AND question = $2 AND part = $3;

-- name: slack_load_parts
-- The messages of an answer. `is_held`: another worker that lives may still write into it, or one that died while it
-- made it a moment ago, and the call may be on its way.
SELECT p.part, p.ts, p.state, p.owner IS DISTINCT FROM $3::text AND p.owner IS NOT NULL AND (
    EXISTS (SELECT FROM workers w WHERE w.worker_id = p.owner)
    OR (p.ts IS NULL AND p.state = 'draft' AND p.at > now() - interval '5 seconds')
) AS is_held
FROM slack_posts p WHERE p.session_id = $1 AND p.question = $2 ORDER BY p.part;

-- name: slack_withdraw
-- The answer to a question is not wanted any more: nothing of it is to be posted. Returns what stands of it.
WITH mark AS (
    INSERT INTO slack_posts (session_id, question, part, installation, conversation, state)
    VALUES ($1, $2, -1, $3, $4, 'withdrawn') ON CONFLICT DO NOTHING
)
SELECT part, ts, state, false AS is_held FROM slack_posts WHERE session_id = $1 AND question = $2 ORDER BY part;

-- name: slack_known_posts
SELECT ts FROM slack_posts WHERE installation = $1 AND conversation = $2 AND ts = ANY($3::text[]);

-- name: slack_find_session
-- The session of a posted message.
SELECT session_id FROM slack_posts WHERE installation = $1 AND conversation = $2 AND ts = $3 LIMIT 1;

-- name: slack_add_feedback
INSERT INTO slack_feedback AS f (session_id, post_key, rater, is_good) VALUES ($1, $2, $3, $4)
ON CONFLICT (session_id, post_key, rater) DO UPDATE SET is_good = excluded.is_good, at = now();
