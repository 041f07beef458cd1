-- Whose words a memory that merging made holds is written down with it too: what it was made of may be deleted, or expire.
ALTER TABLE user_memories NO FORCE ROW LEVEL SECURITY;
ALTER TABLE memory_optimizations NO FORCE ROW LEVEL SECURITY;
WITH RECURSIVE made AS (
    SELECT o.user_id, unnest(o.made) AS memory_id FROM memory_optimizations o
), parts AS (
    SELECT made.user_id, made.memory_id AS whole_id, m.memory_id, m.account_id, m.also_of
    FROM made JOIN user_memories m ON m.user_id = made.user_id AND m.replaced_by = made.memory_id
    UNION
    SELECT parts.user_id, parts.whole_id, m.memory_id, m.account_id, m.also_of
    FROM parts
    JOIN made ON made.user_id = parts.user_id AND made.memory_id = parts.memory_id
    JOIN user_memories m ON m.user_id = parts.user_id AND m.replaced_by = parts.memory_id
), whose AS (
    SELECT parts.user_id, parts.whole_id, array_agg(DISTINCT w.one) AS all_of
    FROM parts, unnest(array_append(parts.also_of, coalesce(parts.account_id, parts.user_id))) AS w (one)
    WHERE NOT EXISTS (SELECT FROM made WHERE made.user_id = parts.user_id AND made.memory_id = parts.memory_id)
    GROUP BY parts.user_id, parts.whole_id
)
UPDATE user_memories u SET
    account_id = CASE WHEN cardinality(whose.all_of) = 1 THEN nullif(whose.all_of[1], u.user_id) ELSE u.account_id END,
    also_of = CASE WHEN cardinality(whose.all_of) > 1 THEN whose.all_of ELSE u.also_of END
FROM whose
WHERE u.user_id = whose.user_id AND u.memory_id = whose.whole_id AND u.account_id IS NULL AND u.also_of = '{}';
ALTER TABLE memory_optimizations FORCE ROW LEVEL SECURITY;
ALTER TABLE user_memories FORCE ROW LEVEL SECURITY;
