-- Answers to post on channels where the gateway has to go to the people. The text stands in messages.

-- name: take_post
-- The oldest answer to post that is due; it is 'posting' from before the first try, so that a crash leaves a trace.
-- Only the first open one of its session: one that waits for its next try must not be overtaken by a later answer.
UPDATE outbox o SET state = 'posting', attempts = o.attempts + 1, owner = $1, run_at = now() + $2::float8 * interval '1 second'
FROM (
    SELECT d.session_id, d.seq, d.state FROM outbox d
    WHERE d.state IN ('pending', 'posting') AND d.run_at <= now() AND d.channel = ANY($3::text[]) AND NOT EXISTS (
        SELECT FROM outbox e WHERE e.session_id = d.session_id AND e.seq < d.seq AND e.state IN ('pending', 'posting')
    )
    ORDER BY d.run_at LIMIT 1 FOR UPDATE OF d SKIP LOCKED
) due
WHERE o.session_id = due.session_id AND o.seq = due.seq
RETURNING o.session_id, o.seq, o.post_key, o.channel, o.reply_to, o.attempts, due.state = 'posting' AS may_stand;

-- name: load_post_text
-- A message's words, with the name where a person of the team said them, or a change of who answers.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT p.* FROM scope CROSS JOIN LATERAL (
    (SELECT m.text, CASE WHEN m.role = 'human' THEN m.author_name END AS name, NULL::text AS mode,
            (SELECT jsonb_agg(jsonb_build_array(a.approval_id, a.call_id, a.title, a.user_id) ORDER BY a.asked_at, a.approval_id)
             FROM approvals a WHERE a.session_id = m.session_id AND a.seq = m.seq AND a.state = 'waiting') AS asks
     FROM messages m WHERE m.session_id = scope.session_id AND m.seq = $2::bigint OFFSET 0)
    UNION ALL
    (SELECT NULL, h.name, h.mode, NULL FROM handoffs h WHERE h.session_id = scope.session_id AND h.seq = $2 OFFSET 0)
) p;

-- name: end_post
UPDATE outbox SET state = $4, posted_as = $5, note = $6, owner = NULL
WHERE session_id = $1 AND seq = $2 AND owner = $3 AND state = 'posting'
RETURNING 1;

-- name: delay_post
UPDATE outbox SET state = CASE WHEN $5::boolean THEN 'posting' ELSE 'pending' END, owner = NULL,
                  run_at = now() + $4::float8 * interval '1 second', note = $6
WHERE session_id = $1 AND seq = $2 AND owner = $3 AND state = 'posting'
RETURNING 1;

-- name: put_off_post
-- It only has to wait: the try does not count. What has waited for a week is given up.
UPDATE outbox SET state = CASE WHEN created_at < now() - interval '7 days' THEN 'failed'
                               WHEN $5::boolean THEN 'posting' ELSE 'pending' END,
                  attempts = attempts - 1, owner = NULL, run_at = now() + $4::float8 * interval '1 second', note = $6
WHERE session_id = $1 AND seq = $2 AND owner = $3 AND state = 'posting'
RETURNING 1;

-- name: next_post_in
-- Seconds until something can be taken on one of these channels.
SELECT extract(epoch FROM min(d.run_at) - now())::float8 FROM outbox d
WHERE d.state IN ('pending', 'posting') AND d.channel = ANY($1::text[]) AND NOT EXISTS (
    SELECT FROM outbox e WHERE e.session_id = d.session_id AND e.seq < d.seq AND e.state IN ('pending', 'posting')
);

-- name: list_left_posts
-- Answers of which nobody knows whether they stand, and those that were refused for good, newest first.
SELECT o.post_key, o.session_id, o.channel, o.state, o.attempts, o.note, o.created_at
FROM outbox o WHERE o.state IN ('unknown', 'failed') ORDER BY o.created_at DESC, o.post_key LIMIT $1::int;

-- name: repost
-- It is posted again, before later answers of its session that still wait.
UPDATE outbox SET state = 'pending', attempts = 0, owner = NULL, run_at = now(), note = NULL
WHERE post_key = $1 AND state IN ('unknown', 'failed')
RETURNING pg_notify('parley_ready', '');

-- name: dismiss_post
-- Somebody has looked: nothing more is to be done.
UPDATE outbox SET state = 'sent', note = 'seen by an operator' WHERE post_key = $1 AND state IN ('unknown', 'failed')
RETURNING 1;
