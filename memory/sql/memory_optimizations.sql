-- Memories merged into fewer, and parted again. All run inside a user's scope, under the user's lock.

-- name: end_merged
-- Memories give way to $3, those that are still as they were when they were looked at.
UPDATE user_memories m SET valid_to = clock_timestamp(), replaced_by = $2
FROM unnest($3::text[], $4::timestamptz[]) AS seen (memory_id, updated_at)
WHERE m.user_id = $1 AND m.memory_id = seen.memory_id AND m.updated_at = seen.updated_at AND m.valid_to IS NULL
RETURNING m.memory_id;

-- name: put_merged
-- It holds since the last of what it was made of was said, so that words that are younger than that may change it.
INSERT INTO user_memories (user_id, memory_id, memory, hash, topics, slot, visibility, is_pinned, agent_id, valid_from, created_at,
                           updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11);

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
-- What gave way to the memories $2 is live again, unless the same or something newer in its slot is remembered.
UPDATE user_memories m SET valid_to = NULL, replaced_by = NULL
WHERE m.user_id = $1 AND m.replaced_by = ANY($2::text[]) AND NOT EXISTS (
    SELECT FROM user_memories o
    WHERE o.user_id = $1 AND o.valid_to IS NULL AND (o.hash = m.hash OR o.slot = m.slot))
RETURNING m.memory_id;

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
