-- What is remembered about people. All run inside a user's scope.

-- name: lock_user
-- One writer of a person's memories at a time; held to the end of the transaction.
SELECT pg_advisory_xact_lock(7262, hashtext($1));

-- name: list_memories
SELECT memory_id, user_id, memory, topics, slot, visibility, agent_id, team_id, input, feedback, source_session_id, source_seq,
       supersedes, replaced_by, is_pinned, model, last_used_at, valid_from, valid_to, created_at, updated_at
FROM user_memories WHERE user_id = $1 AND valid_to IS NULL
ORDER BY updated_at DESC, memory_id LIMIT $2;

-- name: mark_used
UPDATE user_memories SET last_used_at = now()
WHERE user_id = $1 AND memory_id = ANY($2::text[]) AND (last_used_at IS NULL OR last_used_at < now() - interval '1 hour');

-- name: end_memory
-- No longer true since $3: kept as history; $4 takes its place. Words that are older than the fact do not end it.
UPDATE user_memories SET valid_to = $3, replaced_by = $4
WHERE user_id = $1 AND memory_id = $2 AND valid_to IS NULL AND valid_from <= $3
RETURNING memory_id, hash, topics, is_pinned;

-- name: end_slot
-- What stood in a slot until $3 gives way to $4, unless it was said later.
UPDATE user_memories SET valid_to = $3, replaced_by = $4
WHERE user_id = $1 AND slot = $2 AND valid_to IS NULL AND valid_from <= $3
RETURNING memory_id, is_pinned;

-- name: is_barred
-- Whether words of $5 change nothing: what they say ($2) was forgotten since, or everything was; something that was said since
-- has taken its place (a merge is no such thing); something newer than they stands in the slot $3; or the fact $4 that they
-- change was deleted, or is newer. Asked before anything is ended.
SELECT EXISTS (
    SELECT FROM tombstones t WHERE t.user_id = $1 AND t.hash IN ($2, '') AND t.at >= $5
) OR EXISTS (
    SELECT FROM user_memories m JOIN user_memories heir ON heir.user_id = m.user_id AND heir.memory_id = m.replaced_by
    WHERE m.user_id = $1 AND m.hash = $2 AND least(m.valid_to, heir.valid_from) > $5
      AND NOT EXISTS (SELECT FROM memory_optimizations o WHERE o.user_id = $1 AND m.replaced_by = ANY(o.made))
) OR EXISTS (
    SELECT FROM user_memories m
    WHERE m.user_id = $1 AND m.slot = $3 AND m.valid_to IS NULL AND m.valid_from > $5 AND m.memory_id IS DISTINCT FROM $4
) OR $4::text IS NOT NULL AND NOT EXISTS (
    SELECT FROM user_memories m
    WHERE m.user_id = $1 AND m.memory_id = $4 AND (m.valid_to IS NOT NULL OR m.valid_from <= $5)
) AS is_barred;

-- name: add_memory
-- A fact that nothing stands against: see `is_barred`. It is the account's that said it, and what updates another
-- account's fact without a slot holds words of both.
WITH said AS MATERIALIZED (
    SELECT (SELECT m.account_id FROM messages m WHERE m.session_id = $10::text AND m.seq = $11::bigint) AS account_id
), known AS MATERIALIZED (
    SELECT array_append(k.also_of, coalesce(k.account_id, k.user_id)) AS whose
    FROM user_memories k WHERE k.user_id = $1::text AND k.memory_id = $12::text AND $6::text IS NULL
)
INSERT INTO user_memories (user_id, memory_id, memory, hash, topics, slot, visibility, agent_id, input, source_session_id,
                           source_seq, supersedes, valid_from, model, is_pinned, account_id, also_of)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, said.account_id,
       coalesce((SELECT array_remove(known.whose, coalesce(said.account_id, $1)) FROM known), '{}')
FROM said
ON CONFLICT DO NOTHING
RETURNING memory_id;

-- name: take_place
-- The live memory $2, now said again, stands in the slot $3, if there is one, which is free, and in the place of $4, if
-- there is one: since $5, so that nothing that was said between changes it. Whoever undoes a merge leaves it alone now.
UPDATE user_memories SET
    slot = coalesce(slot, $3), supersedes = coalesce(supersedes, $4), is_pinned = is_pinned OR $6, updated_at = clock_timestamp(),
    valid_from = CASE WHEN $4::text IS NULL THEN valid_from ELSE greatest(valid_from, $5) END
WHERE user_id = $1 AND memory_id = $2
RETURNING memory_id;

-- name: add_tombstone
-- Forgotten by words said at $3.
INSERT INTO tombstones AS t (user_id, hash, at) VALUES ($1, $2, $3)
ON CONFLICT (user_id, hash) DO UPDATE SET at = greatest(t.at, excluded.at);

-- name: load_new_words
-- What one speaker has said in a session since it was last read for facts, and by which linked account; nothing of what
-- the agents $4 were to answer.
SELECT m.seq, m.at, m.run_id, m.message_id, m.role, m.author_id, m.author_name, m.text, m.client_id, m.account_id
FROM messages m
WHERE m.session_id = $1 AND m.author_id = $2 AND m.role = 'user'
  AND m.seq > coalesce((SELECT w.seq FROM watermarks w WHERE w.session_id = $1 AND w.user_id = $2), 0)
  AND NOT EXISTS (
      SELECT FROM tasks t WHERE t.session_id = $1 AND t.position = m.position AND t.agent_id = ANY($4::text[])
  )
ORDER BY m.session_id, m.seq LIMIT $3;

-- name: count_own
-- How many of the messages $3, whose texts hash to $4, and of the live memories $5 are the speaker's now: while a model
-- reads, an account may be parted, or some of it deleted or corrected; a model that repeats what was corrected must not
-- bring it back.
SELECT (
    SELECT count(*) FROM messages m JOIN unnest($3::bigint[], $4::bytea[]) AS seen (seq, digest) ON seen.seq = m.seq
    WHERE m.session_id = $1 AND m.author_id = $2 AND m.role = 'user' AND sha256(convert_to(m.text, 'UTF8')) = seen.digest
) + (
    SELECT count(*) FROM user_memories m WHERE m.user_id = $2 AND m.memory_id = ANY($5::text[]) AND m.valid_to IS NULL
) AS own;

-- name: find_asker
-- Whose the run at $2 of session $1 is now, and with which account they spoke. `is_parted`: since the run began, an
-- account was parted from whoever asked, so that it may have seen what is another's now.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT asker.* FROM scope CROSS JOIN LATERAL (
    SELECT t.user_id, t.is_parted, (
        SELECT m.account_id FROM messages m
        WHERE m.session_id = scope.session_id AND m.position = t.position AND m.author_id = t.user_id
        ORDER BY m.session_id, m.position, m.seq LIMIT 1
    ) AS account_id
    FROM tasks t WHERE t.session_id = scope.session_id AND t.position = $2::bigint OFFSET 0
) asker;

-- name: move_watermark
-- How far was read; no row where somebody has read past $3 already, that is, has done this work.
-- Nor where the speaker is nobody any more: what was linked is read again as the person it became.
INSERT INTO watermarks AS w (session_id, user_id, seq)
SELECT $1::text, $2::text, $4::bigint WHERE NOT parley_is_former($2)
ON CONFLICT (session_id, user_id) DO UPDATE SET seq = greatest(w.seq, excluded.seq) WHERE w.seq < $3
RETURNING w.seq;
