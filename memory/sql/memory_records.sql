-- Memories as people and programs handle them. All run inside a user's scope; whoever writes holds the user's lock.

-- name: find_person
-- Whether there is such a person, and whether the id is somebody else's, or nobody's. It stays so until the transaction ends.
SELECT EXISTS (SELECT FROM users WHERE user_id = $1) AS is_known, parley_is_former($1) AS is_former;

-- name: find_memory
SELECT memory_id, user_id, memory, topics, slot, visibility, agent_id, team_id, input, feedback, source_session_id, source_seq,
       supersedes, replaced_by, is_pinned, model, last_used_at, valid_from, valid_to, created_at, updated_at
FROM user_memories WHERE user_id = $1 AND memory_id = $2;

-- name: find_live_memory_by_hash
SELECT memory_id, user_id, memory, topics, slot, visibility, agent_id, team_id, input, feedback, source_session_id, source_seq,
       supersedes, replaced_by, is_pinned, model, last_used_at, valid_from, valid_to, created_at, updated_at
FROM user_memories WHERE user_id = $1 AND hash = $2 AND valid_to IS NULL;

-- name: page_memories
-- Live memories with all of the topics $2, ordered by the column $3, newest or last first when $4.
SELECT memory_id, user_id, memory, topics, slot, visibility, agent_id, team_id, input, feedback, source_session_id, source_seq,
       supersedes, replaced_by, is_pinned, model, last_used_at, valid_from, valid_to, created_at, updated_at
FROM user_memories WHERE user_id = $1 AND valid_to IS NULL AND topics @> $2::text[]
ORDER BY CASE WHEN $4::boolean THEN CASE $3::text WHEN 'created_at' THEN created_at WHEN 'updated_at' THEN updated_at END END DESC,
         CASE WHEN NOT $4 THEN CASE $3 WHEN 'created_at' THEN created_at WHEN 'updated_at' THEN updated_at END END,
         CASE WHEN $4 AND $3 = 'memory' THEN lower(memory) END DESC, CASE WHEN NOT $4 AND $3 = 'memory' THEN lower(memory) END,
         memory_id
LIMIT $5 OFFSET $6;

-- name: list_memories_by_age
-- The live memories by when they were made, the newest first where $2; without the private ones unless $3.
SELECT memory_id, user_id, memory, topics, slot, visibility, agent_id, team_id, input, feedback, source_session_id, source_seq,
       supersedes, replaced_by, is_pinned, model, last_used_at, valid_from, valid_to, created_at, updated_at
FROM user_memories WHERE user_id = $1 AND valid_to IS NULL AND ($3::boolean OR visibility = 'thread')
ORDER BY CASE WHEN $2::boolean THEN created_at END DESC, CASE WHEN NOT $2 THEN created_at END, memory_id LIMIT $4;

-- name: count_memories
SELECT count(*) AS total FROM user_memories WHERE user_id = $1 AND valid_to IS NULL AND topics @> $2::text[];

-- name: dump_memories
-- Everything, the replaced ones too where $2, the oldest first.
SELECT memory_id, user_id, memory, topics, slot, visibility, agent_id, team_id, input, feedback, source_session_id, source_seq,
       supersedes, replaced_by, is_pinned, model, last_used_at, valid_from, valid_to, created_at, updated_at
FROM user_memories WHERE user_id = $1 AND ($2::boolean OR valid_to IS NULL) ORDER BY created_at, memory_id;

-- name: list_memory_topics
SELECT topic, count(*) AS total
FROM user_memories, unnest(topics) AS topic
WHERE user_id = $1 AND valid_to IS NULL GROUP BY topic ORDER BY total DESC, topic;

-- name: load_memory_stats
-- One row; tokens as elsewhere: UTF-8 bytes by three, rounded up.
SELECT count(*) FILTER (WHERE is_live) AS total,
       count(*) FILTER (WHERE is_live AND is_pinned) AS pinned,
       count(*) FILTER (WHERE NOT is_live) AS replaced,
       coalesce(sum((octet_length(memory) + 2) / 3) FILTER (WHERE is_live), 0)::bigint AS tokens,
       min(created_at) FILTER (WHERE is_live) AS first_at,
       max(updated_at) FILTER (WHERE is_live) AS last_at,
       (SELECT jsonb_object_agg(v.visibility, v.n) FROM (
           SELECT visibility, count(*) AS n FROM user_memories WHERE user_id = $1 AND valid_to IS NULL GROUP BY visibility) v
       ) AS by_visibility,
       (SELECT jsonb_object_agg(a.agent_id, a.n) FROM (
           SELECT coalesce(agent_id, '') AS agent_id, count(*) AS n FROM user_memories
           WHERE user_id = $1 AND valid_to IS NULL GROUP BY agent_id) a
       ) AS by_agent
FROM (SELECT *, valid_to IS NULL AS is_live FROM user_memories WHERE user_id = $1) m;

-- name: put_memory
-- A memory that somebody wrote on purpose, with the account $15 where that was linked: no tombstone stands against it.
WITH remembered AS (
    DELETE FROM tombstones WHERE user_id = $1 AND hash = $4
), clock AS MATERIALIZED (
    SELECT clock_timestamp() AS now
)
INSERT INTO user_memories (user_id, memory_id, memory, hash, topics, slot, visibility, is_pinned, agent_id, team_id, input,
                           feedback, source_session_id, supersedes, valid_from, created_at, updated_at, account_id)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, clock.now, clock.now, clock.now, $15 FROM clock
RETURNING memory_id, user_id, memory, topics, slot, visibility, agent_id, team_id, input, feedback, source_session_id, source_seq,
          supersedes, replaced_by, is_pinned, model, last_used_at, valid_from, valid_to, created_at, updated_at;

-- name: correct_memory
-- A live memory takes another text: nothing of the old one is kept, and it does not come back from words said before.
-- It stays the account's that it was; where another, $15, corrects it, it holds words of both. Its old text is kept nowhere.
WITH remembered AS (
    DELETE FROM tombstones WHERE user_id = $1 AND hash = $4
), twins AS (
    DELETE FROM user_memories m USING user_memories k
    WHERE k.user_id = $1 AND k.memory_id = $2 AND k.hash <> $4
      AND m.user_id = $1 AND m.hash = k.hash AND m.valid_to IS NOT NULL
), forgotten AS (
    INSERT INTO tombstones AS t (user_id, hash, at)
    SELECT $1, m.hash, clock_timestamp() FROM user_memories m
    WHERE m.user_id = $1 AND m.memory_id = $2 AND m.valid_to IS NULL AND m.hash <> $4
    ON CONFLICT (user_id, hash) DO UPDATE SET at = greatest(t.at, excluded.at)
)
UPDATE user_memories SET
    memory = $3, hash = $4, topics = $5, slot = $6, visibility = $7, is_pinned = $8, agent_id = $9, team_id = $10, input = $11,
    feedback = $12, source_session_id = $13, source_seq = NULL, model = NULL, supersedes = coalesce(supersedes, $14),
    also_of = CASE WHEN hash = $4 OR $15::text IS NULL OR $15 = coalesce(account_id, $1) OR $15 = ANY(also_of) THEN also_of
                   ELSE array_append(also_of, $15) END,
    valid_from = CASE WHEN hash = $4 THEN valid_from ELSE clock_timestamp() END, updated_at = clock_timestamp()
WHERE user_id = $1 AND memory_id = $2 AND valid_to IS NULL
RETURNING memory_id, user_id, memory, topics, slot, visibility, agent_id, team_id, input, feedback, source_session_id, source_seq,
          supersedes, replaced_by, is_pinned, model, last_used_at, valid_from, valid_to, created_at, updated_at;

-- name: vacate_slot
-- What stands in a slot gives way to the memory $3.
UPDATE user_memories SET valid_to = clock_timestamp(), replaced_by = $3
WHERE user_id = $1 AND slot = $2 AND valid_to IS NULL AND memory_id <> $3
RETURNING memory_id;

-- name: list_memory_keys
-- By what memories are told apart: every id, and of live ones the text's hash and the slot.
SELECT memory_id, hash, slot, valid_from, valid_to IS NULL AS is_live FROM user_memories WHERE user_id = $1;

-- name: find_ended_twins
-- What is not live any more and says the same as one of the memories $2.
SELECT m.memory_id FROM user_memories m
WHERE m.user_id = $1 AND m.valid_to IS NOT NULL AND m.hash IN (
    SELECT k.hash FROM user_memories k WHERE k.user_id = $1 AND k.memory_id = ANY($2::text[])
);

-- name: delete_memories
-- Memories with all the older versions that they took the place of; each leaves a tombstone of $3, or of now.
WITH RECURSIVE line AS (
    SELECT m.memory_id, m.supersedes FROM user_memories m WHERE m.user_id = $1 AND m.memory_id = ANY($2::text[])
    UNION
    SELECT m.memory_id, m.supersedes
    FROM line JOIN user_memories m ON m.user_id = $1 AND (m.memory_id = line.supersedes OR m.replaced_by = line.memory_id)
    WHERE m.valid_to IS NOT NULL
), gone AS (
    DELETE FROM user_memories m USING line WHERE m.user_id = $1 AND m.memory_id = line.memory_id
    RETURNING m.memory_id, m.hash
), stones AS (
    INSERT INTO tombstones AS t (user_id, hash, at) SELECT $1, hash, coalesce($3, clock_timestamp()) FROM gone GROUP BY hash
    ON CONFLICT (user_id, hash) DO UPDATE SET at = greatest(t.at, excluded.at)
)
SELECT memory_id FROM gone;

-- name: delete_merged_of
-- Just these memories; each leaves a tombstone of $3, or of now. What they were made of is the history of what took their place.
WITH gone AS (
    DELETE FROM user_memories m WHERE m.user_id = $1 AND m.memory_id = ANY($2::text[]) RETURNING m.memory_id, m.hash, m.replaced_by
), passed AS (
    UPDATE user_memories m SET replaced_by = gone.replaced_by FROM gone
    WHERE m.user_id = $1 AND m.replaced_by = gone.memory_id AND gone.replaced_by <> ALL($2::text[])
), stones AS (
    INSERT INTO tombstones AS t (user_id, hash, at) SELECT $1, hash, coalesce($3, clock_timestamp()) FROM gone GROUP BY hash
    ON CONFLICT (user_id, hash) DO UPDATE SET at = greatest(t.at, excluded.at)
)
SELECT memory_id FROM gone;

-- name: clear_memories
-- Everything; and a tombstone without a hash, which stands against all that was said before. Gives the live ones.
WITH gone AS (
    DELETE FROM user_memories WHERE user_id = $1 RETURNING memory_id, valid_to
), undo AS (
    DELETE FROM memory_optimizations WHERE user_id = $1
), stones AS (
    INSERT INTO tombstones AS t (user_id, hash, at) VALUES ($1, '', clock_timestamp())
    ON CONFLICT (user_id, hash) DO UPDATE SET at = excluded.at
)
SELECT memory_id, valid_to FROM gone;

-- name: end_overwritten
-- What a file writes anew stands in nobody's way until then.
UPDATE user_memories SET valid_to = greatest(valid_from, clock_timestamp())
WHERE user_id = $1 AND memory_id = ANY($2::text[]) AND valid_to IS NULL;

-- name: restore_memory
-- A memory as a file has it, under its own id and times. One that is new is noted as $23's, if that is a former id of the
-- person; where another account's gets another text, it holds words of both, as in `correct_memory`.
WITH remembered AS (DELETE FROM tombstones WHERE user_id = $1 AND hash = $4 AND $21::timestamptz IS NULL)
INSERT INTO user_memories AS m (
    user_id, memory_id, memory, hash, topics, slot, visibility, is_pinned, agent_id, team_id, input, feedback, source_session_id,
    source_seq, supersedes, replaced_by, model, last_used_at, created_at, updated_at, valid_to, valid_from, account_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, nullif($23, $1))
ON CONFLICT (user_id, memory_id) DO UPDATE SET
    memory = excluded.memory, hash = excluded.hash, topics = excluded.topics, slot = excluded.slot,
    visibility = excluded.visibility, is_pinned = excluded.is_pinned, agent_id = excluded.agent_id, team_id = excluded.team_id,
    input = excluded.input, feedback = excluded.feedback, source_session_id = excluded.source_session_id,
    source_seq = excluded.source_seq, supersedes = excluded.supersedes, replaced_by = excluded.replaced_by,
    model = excluded.model, last_used_at = excluded.last_used_at, created_at = excluded.created_at,
    updated_at = excluded.updated_at, valid_to = excluded.valid_to, valid_from = excluded.valid_from,
    also_of = CASE WHEN excluded.hash = m.hash OR $23 IS NULL OR $23 = coalesce(m.account_id, m.user_id) OR $23 = ANY(m.also_of)
                   THEN m.also_of ELSE array_append(m.also_of, $23) END
RETURNING xmax = 0 AS is_new;
