-- Erasing a person. All of it runs in one transaction that holds the locks of the person and of their sessions.

-- name: erase_session
-- In session $1 nothing of what the people $2 (one person's ids) said stays: their words, the answers to them, what the
-- agent's tools were told, and whatever else repeats a message of theirs of $4 characters or more word for word; also what
-- the agent looked up in the thread, which shows messages cut. Where nobody but the team said anything all of it goes. Others'
-- words stay, and so do the numbers. $3 stands in the place of a text.
-- What runs for them ends; what runs for others starts over, since it has read what is gone.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id, set_config('parley.user_id', '', true) AS nobody
), said AS MATERIALIZED (
    SELECT m.* FROM scope CROSS JOIN LATERAL (
        SELECT m.seq, m.position, m.role, m.author_id, m.text, m.author_id = ANY($2::text[]) IS TRUE AS is_own
        FROM messages m WHERE m.session_id = scope.session_id OFFSET 0
    ) m
), place AS MATERIALIZED (
    SELECT NOT EXISTS (SELECT FROM said WHERE NOT is_own AND role = 'user') AS is_alone FROM scope
), phrase AS MATERIALIZED (
    SELECT DISTINCT said.text, substr(to_jsonb(said.text)::text, 2, length(to_jsonb(said.text)::text) - 2) AS escaped
    FROM said, place WHERE said.is_own AND length(said.text) >= $4::int AND NOT place.is_alone
), task AS MATERIALIZED (
    SELECT t.position, t.task_id, t.state, t.merged_into, t.user_id = ANY($2) IS TRUE AS is_own
    FROM scope JOIN tasks t ON t.session_id = scope.session_id
), gone AS MATERIALIZED (
    SELECT task.position FROM task WHERE task.is_own
    UNION
    SELECT t.position FROM scope CROSS JOIN LATERAL (
        SELECT t.position, t.content::text AS content FROM turns t WHERE t.session_id = scope.session_id OFFSET 0
    ) t, place WHERE place.is_alone OR EXISTS (SELECT FROM phrase p WHERE strpos(t.content, p.escaped) > 0)
    UNION
    SELECT c.position FROM scope CROSS JOIN LATERAL (
        SELECT c.position, c.name, c.arguments::text AS arguments, c.result
        FROM tool_calls c WHERE c.session_id = scope.session_id OFFSET 0
    ) c, place WHERE place.is_alone OR c.name IN ('search_conversation', 'read_result') OR EXISTS (
        SELECT FROM phrase p WHERE strpos(c.arguments, p.escaped) > 0 OR strpos(c.result, p.text) > 0
    )
), erased AS MATERIALIZED (
    SELECT said.seq FROM said, place
    WHERE said.is_own OR place.is_alone OR (said.role IN ('assistant', 'system', 'human') AND (
        said.position IN (SELECT task.position FROM task WHERE task.is_own)
        OR EXISTS (SELECT FROM phrase p WHERE strpos(said.text, p.text) > 0)
    ))
), message AS (
    UPDATE messages m SET
        text = $3::text, attachments = NULL, files_text = NULL,
        author_id = CASE WHEN m.author_id = ANY($2) THEN NULL ELSE m.author_id END,
        author_name = CASE WHEN m.author_id = ANY($2) THEN 'Erased' ELSE m.author_name END,
        account_id = CASE WHEN m.author_id = ANY($2) THEN NULL ELSE m.account_id END,
        client_id = CASE WHEN m.author_id = ANY($2) THEN NULL ELSE m.client_id END
    WHERE m.session_id = (SELECT scope.session_id FROM scope) AND m.seq IN (SELECT erased.seq FROM erased)
    RETURNING 1
), turn AS (
    DELETE FROM turns t WHERE t.session_id = (SELECT scope.session_id FROM scope)
                          AND t.position IN (SELECT gone.position FROM gone)
    RETURNING 1
), tool_call AS (
    DELETE FROM tool_calls c WHERE c.session_id = (SELECT scope.session_id FROM scope)
                               AND c.position IN (SELECT gone.position FROM gone)
    RETURNING 1
), run AS (
    UPDATE runs r SET error = NULL, user_id = CASE WHEN r.user_id = ANY($2) THEN NULL ELSE r.user_id END
    WHERE r.session_id = (SELECT scope.session_id FROM scope)
      AND (r.position IN (SELECT gone.position FROM gone) OR r.user_id = ANY($2))
    RETURNING 1
), ended AS MATERIALIZED (
    SELECT e.task_id, row_number() OVER (ORDER BY e.position) - 1 AS n FROM (
        SELECT position, task_id FROM task WHERE is_own AND state IN ('queued', 'running')
        UNION ALL
        SELECT m.position, m.task_id FROM task m JOIN task t ON t.position = m.merged_into
        WHERE m.state = 'merged' AND t.is_own AND t.state IN ('queued', 'running')
    ) e
), own_task AS (
    UPDATE tasks t SET
        state = CASE WHEN t.state IN ('queued', 'running', 'dead') THEN 'stopped' ELSE t.state END,
        finished_at = coalesce(t.finished_at, now()), user_id = NULL, reply_to = NULL, note = NULL, is_stop_asked = false
    WHERE t.session_id = (SELECT scope.session_id FROM scope) AND t.user_id = ANY($2)
    RETURNING 1
), restarted AS (
    UPDATE tasks t SET state = 'queued', run_at = now(), attempts = t.attempts - 1
    WHERE t.session_id = (SELECT scope.session_id FROM scope) AND t.state = 'running' AND t.user_id = ANY($2) IS NOT TRUE
), lease AS (
    UPDATE session_leases l SET
        owner = NULL, epoch = l.epoch + 1, ready_at = now(),
        queued = l.queued - (SELECT count(*) FROM task WHERE is_own AND state IN ('queued', 'running'))
    WHERE l.session_id = (SELECT scope.session_id FROM scope)
), session AS (
    UPDATE sessions s SET title = NULL, summary = NULL, topics = '{}', titled_seq = 0, title_epoch = s.title_epoch + 1,
        next_seq = s.next_seq + (SELECT count(*) FROM ended)
    WHERE s.session_id = (SELECT scope.session_id FROM scope)
    RETURNING s.session_id, s.next_seq - (SELECT count(*) FROM ended) AS seq
), note AS (
    INSERT INTO run_notes (session_id, seq, run_id, state)
    SELECT session.session_id, session.seq + ended.n, 'run_' || substr(ended.task_id, 6), 'stopped' FROM session, ended
), post AS (
    UPDATE outbox o SET
        reply_to = '{}', note = 'erased', owner = NULL,
        state = CASE WHEN o.state IN ('pending', 'posting') THEN 'failed' ELSE o.state END
    WHERE o.session_id = (SELECT scope.session_id FROM scope) AND o.seq IN (SELECT erased.seq FROM erased)
    RETURNING 1
), key AS (
    UPDATE dedupe d SET digest = '', key = 'erased:' || d.seq WHERE d.session_id = (SELECT scope.session_id FROM scope)
                                      AND d.seq IN (SELECT said.seq FROM said WHERE said.is_own)
    RETURNING 1
), participant AS (
    DELETE FROM participants p WHERE p.session_id = (SELECT scope.session_id FROM scope) AND p.user_id = ANY($2)
    RETURNING 1
), opinion AS (
    DELETE FROM feedback f WHERE f.session_id = (SELECT scope.session_id FROM scope) AND f.user_id = ANY($2)
    RETURNING 1
), file AS (
    DELETE FROM attachments a
    WHERE a.session_id = (SELECT scope.session_id FROM scope)
      AND (a.user_id = ANY($2) OR a.seq IN (SELECT erased.seq FROM erased))
    RETURNING 1
), summary AS (
    DELETE FROM compactions s WHERE s.session_id = (SELECT scope.session_id FROM scope)
    RETURNING 1
), ask AS (
    DELETE FROM approvals a
    WHERE a.session_id = (SELECT scope.session_id FROM scope)
      AND (a.user_id = ANY($2) OR a.position IN (SELECT gone.position FROM gone))
    RETURNING 1
), handoff AS (
    -- The agent's words about the conversation; that somebody joined stays, since the numbers do.
    UPDATE handoffs h SET reason = NULL, summary = NULL
    WHERE h.session_id = (SELECT scope.session_id FROM scope) AND coalesce(h.reason, h.summary) IS NOT NULL
    RETURNING 1
), mark AS (
    DELETE FROM watermarks w WHERE w.session_id = (SELECT scope.session_id FROM scope) AND w.user_id = ANY($2)
    RETURNING 1
), job AS (
    DELETE FROM jobs j WHERE j.session_id = (SELECT scope.session_id FROM scope) AND j.user_id = ANY($2)
    RETURNING 1
)
SELECT (SELECT count(*) FROM message) AS messages, (SELECT count(*) FROM turn) AS turns,
       (SELECT count(*) FROM tool_call) AS tool_calls, (SELECT count(*) FROM run) AS runs,
       (SELECT count(*) FROM own_task) AS tasks, (SELECT count(*) FROM post) AS outbox,
       (SELECT count(*) FROM key) AS dedupe, (SELECT count(*) FROM participant) AS participants,
       (SELECT count(*) FROM opinion) AS feedback, (SELECT count(*) FROM file) AS attachments,
       (SELECT count(*) FROM mark) AS watermarks, (SELECT count(*) FROM job) AS jobs,
       (SELECT count(*) FROM summary) AS compactions, (SELECT count(*) FROM handoff) AS handoffs,
       (SELECT count(*) FROM ask) AS approvals
FROM scope;

-- name: erase_person
-- What belongs to the one id $1, within its scope.
WITH memory AS (
    DELETE FROM user_memories WHERE user_id = $1 RETURNING 1
), tombstone AS (
    DELETE FROM tombstones WHERE user_id = $1 RETURNING 1
), optimization AS (
    DELETE FROM memory_optimizations WHERE user_id = $1 RETURNING 1
), account AS (
    DELETE FROM identities WHERE user_id = $1 RETURNING 1
), code AS (
    DELETE FROM link_codes WHERE user_id = $1 RETURNING 1
), proposal AS (
    -- What is not live is emptied. Its number stays taken, or an operator who read it would approve the next one's text.
    UPDATE agent_memory_revisions SET
        user_id = NULL, markdown = CASE WHEN state = 'live' THEN markdown END,
        cause = CASE WHEN state = 'live' THEN cause ELSE '(erased)' END,
        decided_at = coalesce(decided_at, now()), state = CASE WHEN state = 'live' THEN state ELSE 'rejected' END
    WHERE user_id = $1 RETURNING 1
), spent AS (
    DELETE FROM spend WHERE scope IN ('user:' || $1, 'visitor:' || $1) RETURNING 1
), try AS (
    DELETE FROM user_tries WHERE user_id = $1 RETURNING 1
), person AS (
    DELETE FROM users WHERE user_id = $1 RETURNING 1
)
SELECT (SELECT count(*) FROM memory) AS user_memories, (SELECT count(*) FROM tombstone) AS tombstones,
       (SELECT count(*) FROM optimization) AS memory_optimizations, (SELECT count(*) FROM account) AS identities,
       (SELECT count(*) FROM code) AS link_codes, (SELECT count(*) FROM try) AS user_tries,
       (SELECT count(*) FROM spent) AS spend,
       (SELECT count(*) FROM proposal) AS agent_memory_revisions,
       (SELECT count(*) FROM person) AS users;

-- name: erase_elsewhere
-- Files and opinions in sessions where they take no part: never begun, or only read.
WITH scope AS MATERIALIZED (SELECT set_config('parley.operator', 'on', true) AS is_on), file AS (
    DELETE FROM attachments a WHERE (SELECT scope.is_on FROM scope) = 'on' AND a.user_id = ANY($1::text[]) RETURNING 1
), opinion AS (
    DELETE FROM feedback f WHERE (SELECT scope.is_on FROM scope) = 'on' AND f.user_id = ANY($1) RETURNING 1
)
SELECT (SELECT count(*) FROM file) AS attachments, (SELECT count(*) FROM opinion) AS feedback;

-- name: erase_slack
-- What account $2 sent by installation $1 and is not taken in yet, and what they thought of answers. Only who sent it
-- counts: others may name them, or answer in their thread. The lane of what belongs to a thread begins with the installation.
WITH sent AS MATERIALIZED (
    SELECT i.inbox_id FROM slack_inbox i CROSS JOIN LATERAL (
        SELECT i.payload -> 'event' AS event, i.payload -> 'authorizations' -> 0 AS granted
    ) p
    WHERE i.verdict IS NULL
      AND $2::text IN (p.event ->> 'user', p.event -> 'user' ->> 'id', p.event -> 'message' ->> 'user',
                       p.event -> 'previous_message' ->> 'user', i.payload -> 'user' ->> 'id')
      AND CASE WHEN i.kind IN ('said', 'edited', 'deleted', 'asked') THEN starts_with(i.lane, $1::text || ':')
          ELSE $1 IN (p.granted ->> 'team_id', p.granted ->> 'enterprise_id', i.payload ->> 'team_id',
                      i.payload ->> 'enterprise_id') END
), delivery AS (
    UPDATE slack_inbox i SET payload = NULL, verdict = 'ignored', reason = 'erased', owner = NULL, decided_at = now()
    FROM sent WHERE i.inbox_id = sent.inbox_id AND i.verdict IS NULL
    RETURNING 1
), opinion AS (
    DELETE FROM slack_feedback WHERE rater = $1 || ':' || $2 RETURNING 1
)
SELECT (SELECT count(*) FROM delivery) AS slack_inbox, (SELECT count(*) FROM opinion) AS slack_feedback;

-- name: bury_person
-- The id $1 is never given out again, nothing is written under it, and every process is told.
WITH change AS (
    INSERT INTO user_changes (hash, kind) VALUES (parley_user_hash($1::text), 'erased')
)
INSERT INTO former_users (hash, report) VALUES (parley_user_hash($1), $2::jsonb)
ON CONFLICT (hash) DO UPDATE SET user_id = NULL, became = NULL, adopted = '{}', at = now(), report = excluded.report;

-- name: count_left_in_session
-- Rows of session $1 that still name one of the ids $2.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT l.* FROM scope CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM messages m WHERE m.session_id = scope.session_id AND m.author_id = ANY($2::text[])) AS messages,
           (SELECT count(*) FROM runs r WHERE r.session_id = scope.session_id AND r.user_id = ANY($2)) AS runs,
           (SELECT count(*) FROM tasks t WHERE t.session_id = scope.session_id AND t.user_id = ANY($2)) AS tasks,
           (SELECT count(*) FROM participants p WHERE p.session_id = scope.session_id AND p.user_id = ANY($2)) AS participants,
           (SELECT count(*) FROM jobs j WHERE j.session_id = scope.session_id AND j.user_id = ANY($2)) AS jobs,
           (SELECT count(*) FROM approvals a WHERE a.session_id = scope.session_id AND a.user_id = ANY($2)) AS approvals
) l;

-- name: count_left_elsewhere
-- Files and opinions of the ids $1 in any session.
WITH scope AS MATERIALIZED (SELECT set_config('parley.operator', 'on', true) AS is_on)
SELECT l.* FROM scope CROSS JOIN LATERAL (
    SELECT (SELECT count(*) FROM attachments a WHERE scope.is_on = 'on' AND a.user_id = ANY($1::text[])) AS attachments,
           (SELECT count(*) FROM feedback f WHERE scope.is_on = 'on' AND f.user_id = ANY($1)) AS feedback
) l;

-- name: count_left_of_person
-- Within the scope of $1.
SELECT (SELECT count(*) FROM user_memories WHERE user_id = $1) AS user_memories,
       (SELECT count(*) FROM memory_words WHERE user_id = $1) AS memory_words,
       (SELECT count(*) FROM identities WHERE user_id = $1) AS identities,
       (SELECT count(*) FROM users WHERE user_id = $1) AS users;
