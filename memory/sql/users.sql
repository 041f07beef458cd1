-- People and their accounts.

-- name: find_user
-- The person behind an account: $1 tenant, $2 channel, $3 external id.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.identity', $1::text || chr(31) || $2::text || chr(31) || $3::text, true) AS identity,
           set_config('parley.user_id', '', true) AS nobody
), found AS MATERIALIZED (
    SELECT set_config('parley.user_id', i.user_id, true) AS user_id, i.origin_id AS account_id
    FROM scope CROSS JOIN LATERAL (
        SELECT i.user_id, i.origin_id FROM identities i
        WHERE i.tenant = $1 AND i.channel = $2 AND i.external_id = $3 AND scope.identity <> '' OFFSET 0
    ) i
)
SELECT u.*, found.account_id FROM found CROSS JOIN LATERAL (
    SELECT u.user_id, u.email, u.first_name, u.last_name, u.timezone, u.attributes
    FROM users u WHERE u.user_id = found.user_id OFFSET 0
) u;

-- name: load_user
WITH scope AS MATERIALIZED (SELECT set_config('parley.user_id', $1::text, true) AS user_id)
SELECT u.* FROM scope CROSS JOIN LATERAL (
    SELECT u.user_id, u.email, u.first_name, u.last_name, u.timezone, u.attributes
    FROM users u WHERE u.user_id = scope.user_id OFFSET 0
) u;

-- name: save_user
-- What is told replaces what was stored; what is not told stays. No row: the id is nobody's any more.
WITH scope AS MATERIALIZED (SELECT set_config('parley.user_id', $1::text, true) AS user_id)
INSERT INTO users AS u (user_id, email, first_name, last_name, timezone, attributes)
SELECT scope.user_id, $2::text, $3::text, $4::text, $5::text, $6::jsonb FROM scope
WHERE NOT parley_is_former(scope.user_id)
ON CONFLICT (user_id) DO UPDATE SET
    email = coalesce(excluded.email, u.email),
    first_name = coalesce(excluded.first_name, u.first_name),
    last_name = coalesce(excluded.last_name, u.last_name),
    timezone = coalesce(excluded.timezone, u.timezone),
    attributes = u.attributes || excluded.attributes,
    updated_at = now()
RETURNING u.user_id, u.email, u.first_name, u.last_name, u.timezone, u.attributes;

-- name: note_told
-- What the linked account that came with $1 tells: its own row has it, and of the details $7 it is noted that the person
-- has them by this account alone.
WITH scope AS MATERIALIZED (SELECT set_config('parley.user_id', $1::text, true) AS user_id), own AS (
    UPDATE users u SET
        email = coalesce($2::text, u.email), first_name = coalesce($3::text, u.first_name),
        last_name = coalesce($4::text, u.last_name), timezone = coalesce($5::text, u.timezone),
        attributes = u.attributes || $6::jsonb, updated_at = now()
    WHERE u.user_id = (SELECT scope.user_id FROM scope)
)
UPDATE former_users f SET adopted = ARRAY(SELECT DISTINCT unnest(f.adopted || $7::text[]))
WHERE f.user_id = $1 AND f.became IS NOT NULL;

-- name: add_identity
-- No row: somebody has it already.
INSERT INTO identities (tenant, channel, external_id, user_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
RETURNING user_id;
