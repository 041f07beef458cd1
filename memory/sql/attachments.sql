-- Files that people attach to messages.

-- name: save_attachment
-- One file of one person, not sent yet. No row: there is no room. $9: the most files of theirs that may wait, $10 the most
-- bytes that may wait of everybody together, $11 the most bytes of the session, sent or not.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id, set_config('parley.operator', 'on', true) AS is_on
), waiting AS MATERIALIZED (
    SELECT w.* FROM scope CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE a.user_id = $3::text) AS own, coalesce(sum(a.size_bytes), 0) AS bytes
        FROM attachments a WHERE scope.is_on = 'on' AND a.seq IS NULL
    ) w
), here AS MATERIALIZED (
    SELECT h.bytes FROM scope CROSS JOIN LATERAL (
        SELECT coalesce(sum(a.size_bytes), 0) AS bytes FROM attachments a WHERE a.session_id = scope.session_id
    ) h
)
INSERT INTO attachments (session_id, attachment_id, user_id, name, media_type, size_bytes, content, excerpt)
SELECT scope.session_id, $2::text, $3, $4::text, $5::text, $6::int, $7::bytea, $8::text
FROM scope, waiting, here
WHERE waiting.own < $9::int AND waiting.bytes + $6 <= $10::bigint AND here.bytes + $6 <= $11::bigint
RETURNING attachment_id;

-- name: find_attachments
-- Those of the ids $3 that the person $2 put into this session.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT a.* FROM scope CROSS JOIN LATERAL (
    SELECT a.attachment_id, a.name, a.media_type, a.size_bytes, a.excerpt
    FROM attachments a
    WHERE a.session_id = scope.session_id AND a.user_id = $2::text AND a.attachment_id = ANY($3::text[])
) a;

-- name: load_attachment
-- A file that was sent in this session, for the person $2. A private session has to be theirs; a shared one opens for all
-- who were let in, and who only reads there is no participant.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT a.* FROM scope CROSS JOIN LATERAL (
    SELECT a.attachment_id, a.name, a.media_type, a.size_bytes, NULL::text AS excerpt, a.content
    FROM attachments a
    WHERE a.session_id = scope.session_id AND a.attachment_id = $3::text AND a.seq IS NOT NULL
      AND (EXISTS (SELECT FROM participants p WHERE p.session_id = scope.session_id AND p.user_id = $2::text)
           OR EXISTS (SELECT FROM sessions s WHERE s.session_id = scope.session_id AND s.audience = 'shared'))
) a;

-- name: delete_unsent_attachments
-- Of all sessions, those that have waited for $1 seconds; at most 100 at once.
WITH scope AS MATERIALIZED (SELECT set_config('parley.operator', 'on', true) AS is_on), old AS MATERIALIZED (
    SELECT o.* FROM scope CROSS JOIN LATERAL (
        SELECT a.session_id, a.attachment_id FROM attachments a
        WHERE scope.is_on = 'on' AND a.seq IS NULL AND a.at < now() - $1::float8 * interval '1 second'
        ORDER BY a.at LIMIT 100
    ) o
)
DELETE FROM attachments a USING old
WHERE (SELECT scope.is_on FROM scope) = 'on' AND a.session_id = old.session_id AND a.attachment_id = old.attachment_id
RETURNING a.attachment_id;

-- name: save_feedback
-- What a person, whoever they are now, thinks of an answer of this session; the last word counts. No row: there is no
-- such answer here. Raises no_data_found for a person who was erased.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id), answer AS MATERIALIZED (
    SELECT m.* FROM scope CROSS JOIN LATERAL (
        SELECT m.session_id, m.message_id, m.seq FROM messages m
        WHERE m.session_id = scope.session_id AND m.message_id = $3::text AND m.role IN ('assistant', 'human') OFFSET 0
    ) m
), saved AS (
    INSERT INTO feedback AS f (session_id, message_id, user_id, value, comment)
    SELECT answer.session_id, answer.message_id, parley_current_user($2::text), $4::text, $5::text FROM answer
    ON CONFLICT (session_id, message_id, user_id) DO UPDATE SET value = excluded.value, comment = excluded.comment, at = now()
    RETURNING f.message_id
)
SELECT answer.seq FROM answer, saved;

-- name: list_opinions
-- What a person thinks of some answers of this session.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT f.message_id, f.value
FROM scope CROSS JOIN LATERAL (
    SELECT f.message_id, f.value FROM feedback f
    WHERE f.session_id = scope.session_id AND f.user_id = $2::text AND f.message_id = ANY($3::text[]) OFFSET 0
) f;
