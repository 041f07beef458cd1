-- Memories merged into fewer, and parted again. All run inside a user's scope, under the user's lock.

-- name: end_merged
-- Memories give way to $3, those that are still as they were when they were looked at.
UPDATE user_memories m SET valid_to = clock_timestamp(), replaced_by = $2
FROM unnest($3::text[], $4::timestamptz[]) AS seen (memory_id, updated_at)
WHERE m.user_id = $1 AND m.memory_id = seen.memory_id AND m.updated_at = seen.updated_at AND m.valid_to IS NULL
RETURNING m.memory_id;

-- name: put_merged
-- It holds since the last of what it was made of was said, so that words that are younger than that may change it.
WITH whose AS MATERIALIZED (
    SELECT array_agg(DISTINCT w.one) AS all_of
    FROM user_memories m, unnest(array_append(m.also_of, coalesce(m.account_id, m.user_id))) AS w (one)
    WHERE m.user_id = $1::text AND m.replaced_by = $2::text
)
INSERT INTO user_memories (user_id, memory_id, memory, hash, topics, slot, visibility, is_pinned, agent_id, valid_from, created_at,
                           updated_at, account_id, also_of)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11,
       CASE WHEN cardinality(all_of) = 1 THEN nullif(all_of[1], $1) END,
       CASE WHEN cardinality(all_of) > 1 THEN all_of ELSE '{}' END
FROM whose;

-- name: add_optimization
INSERT INTO memory_optimizations (user_id, optimization_id, strategy, made, count_before, count_after, tokens_before, tokens_after)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: find_newest_optimization
SELECT optimization_id, made FROM memory_optimizations WHERE user_id = $1 ORDER BY made_at DESC, optimization_id LIMIT 1;

-- name: delete_merged
-- The memory that took the others' place, if nobody has changed it since.
DELETE FROM user_memories
WHERE user_id = $1 AND memory_id = ANY($2::text[]) AND valid_to IS NULL AND updated_at = created_at
RETURNING memory_id;

-- name: revive_merged
-- What gave way to the memories $2 is live again: of those with one text or one slot only the newest, and none beside a live
-- one. The others become the history of what stands there. Gives the ids of those that are live again.
WITH live AS MATERIALIZED (
    SELECT m.memory_id, m.hash, m.slot FROM user_memories m WHERE m.user_id = $1 AND m.valid_to IS NULL
), loose AS MATERIALIZED (
    SELECT m.memory_id, m.hash, m.slot, m.valid_from FROM user_memories m WHERE m.user_id = $1 AND m.replaced_by = ANY($2::text[])
), free AS (
    SELECT DISTINCT ON (loose.hash) loose.* FROM loose
    WHERE NOT EXISTS (SELECT FROM live WHERE live.hash = loose.hash OR live.slot = loose.slot)
    ORDER BY loose.hash, loose.valid_from DESC, loose.memory_id
), back AS MATERIALIZED (
    SELECT DISTINCT ON (free.slot, CASE WHEN free.slot IS NULL THEN free.memory_id END) free.memory_id, free.hash, free.slot
    FROM free ORDER BY free.slot, CASE WHEN free.slot IS NULL THEN free.memory_id END, free.valid_from DESC, free.memory_id
), settled AS (
    UPDATE user_memories m SET
        valid_to = CASE WHEN m.memory_id IN (SELECT back.memory_id FROM back) THEN NULL ELSE m.valid_to END,
        replaced_by = CASE WHEN m.memory_id NOT IN (SELECT back.memory_id FROM back) THEN coalesce((
            SELECT heir.memory_id FROM (SELECT * FROM live UNION ALL SELECT * FROM back) heir
            WHERE heir.hash = m.hash OR heir.slot = m.slot ORDER BY heir.hash = m.hash DESC, heir.memory_id LIMIT 1
        ), m.replaced_by) END
    FROM loose WHERE m.user_id = $1 AND m.memory_id = loose.memory_id
    RETURNING m.memory_id, m.valid_to
)
SELECT settled.memory_id FROM settled WHERE settled.valid_to IS NULL;

-- name: delete_optimization
DELETE FROM memory_optimizations WHERE user_id = $1 AND optimization_id = $2;

-- name: find_merged_of
-- The memories that merging made of the memories $2, and of those in turn, unless somebody has changed one since.
-- `is_whole`: what else it was made of may live again, since nothing but merging has taken its place.
WITH RECURSIVE made AS MATERIALIZED (
    SELECT unnest(o.made) AS memory_id FROM memory_optimizations o WHERE o.user_id = $1::text
), up AS (
    SELECT m.replaced_by AS memory_id FROM user_memories m
    WHERE m.user_id = $1 AND m.memory_id = ANY($2::text[]) AND m.replaced_by IN (SELECT made.memory_id FROM made)
    UNION
    SELECT m.replaced_by FROM up JOIN user_memories m ON m.user_id = $1 AND m.memory_id = up.memory_id
    WHERE m.replaced_by IN (SELECT made.memory_id FROM made)
), merged AS MATERIALIZED (
    SELECT m.memory_id, m.replaced_by, m.valid_to FROM up JOIN user_memories m ON m.user_id = $1 AND m.memory_id = up.memory_id
    WHERE m.valid_to IS NOT NULL OR m.updated_at = m.created_at
), whole AS (
    SELECT merged.memory_id FROM merged WHERE merged.valid_to IS NULL
    UNION
    SELECT merged.memory_id FROM whole JOIN merged ON merged.replaced_by = whole.memory_id
)
SELECT merged.memory_id, merged.memory_id IN (SELECT whole.memory_id FROM whole) AS is_whole FROM merged;
