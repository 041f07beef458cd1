-- Money and tokens: reserved before a call, settled after it. Rows are always locked in the order of (scope, day).

-- name: reserve_spending
-- All caps hold, or nothing is written: $3 are the scopes with a cap, $4 and $5 their caps in dollars and tokens (null:
-- none of that kind). A call may begin while something is left; what goes on counts with the most that it may cost.
WITH today AS MATERIALIZED (
    SELECT (now() AT TIME ZONE 'UTC')::date AS day
), cap AS MATERIALIZED (
    SELECT * FROM unnest($3::text[], $4::numeric[], $5::bigint[]) AS c (scope, most_usd, most_tokens)
), held AS (
    INSERT INTO spend AS s (scope, day, reserved_usd, reserved_tokens)
    SELECT cap.scope, today.day, $6::numeric, $7::bigint FROM cap, today ORDER BY cap.scope
    ON CONFLICT (scope, day) DO UPDATE SET
        reserved_usd = s.reserved_usd + excluded.reserved_usd,
        reserved_tokens = s.reserved_tokens + excluded.reserved_tokens
    RETURNING s.scope, s.spent_usd, s.spent_tokens, s.reserved_usd - $6 AS reserved_usd, s.reserved_tokens - $7 AS reserved_tokens
), refused AS MATERIALIZED (
    SELECT held.scope, coalesce(held.spent_usd >= cap.most_usd OR held.spent_tokens >= cap.most_tokens, false) AS is_spent
    FROM held JOIN cap USING (scope)
    WHERE held.spent_usd + held.reserved_usd >= cap.most_usd OR held.spent_tokens + held.reserved_tokens >= cap.most_tokens
    ORDER BY is_spent DESC, held.scope LIMIT 1
), reservation AS (
    INSERT INTO reservations (reservation_id, worker_id, day, scopes, capped, usd, tokens)
    SELECT $1::text, $2::text, today.day, $8::text[], $3, $6, $7 FROM today
)
SELECT parley_refuse_spending(refused.scope, refused.is_spent) FROM refused;

-- name: settle_spending
-- A call is over: what it cost is spent, what was held for it is free. Nothing where somebody settled it already. Its
-- commit is not waited for: what a crash of the database takes back is charged later, at the most that it may have cost.
WITH quick AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true) AS setting
), gone AS (
    DELETE FROM reservations WHERE reservation_id = $1::text
    RETURNING day, scopes, capped, usd, tokens
)
INSERT INTO spend AS s (scope, day, spent_usd, spent_tokens, reserved_usd, reserved_tokens)
SELECT one.scope, gone.day, $2::numeric, $3::bigint, CASE WHEN one.scope = ANY (gone.capped) THEN -gone.usd ELSE 0 END,
       CASE WHEN one.scope = ANY (gone.capped) THEN -gone.tokens ELSE 0 END
FROM quick, gone, unnest(gone.scopes) AS one (scope)
WHERE quick.setting = 'off'
ORDER BY one.scope
ON CONFLICT (scope, day) DO UPDATE SET
    spent_usd = s.spent_usd + excluded.spent_usd, spent_tokens = s.spent_tokens + excluded.spent_tokens,
    reserved_usd = s.reserved_usd + excluded.reserved_usd, reserved_tokens = s.reserved_tokens + excluded.reserved_tokens;

-- name: record_spending
-- What a call cost for which nothing was held, since no cap applies.
WITH quick AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true) AS setting
)
INSERT INTO spend AS s (scope, day, spent_usd, spent_tokens)
SELECT one.scope, (now() AT TIME ZONE 'UTC')::date, $2::numeric, $3::bigint
FROM quick, unnest($1::text[]) AS one (scope)
WHERE quick.setting = 'off'
ORDER BY one.scope
ON CONFLICT (scope, day) DO UPDATE SET
    spent_usd = s.spent_usd + excluded.spent_usd, spent_tokens = s.spent_tokens + excluded.spent_tokens;

-- name: charge_lost_spending
-- Calls whose process is gone ($1 seconds after they began), and those that began $2 seconds ago, are charged with the
-- most that they may have cost: nobody knows how far the model came.
WITH lost AS (
    DELETE FROM reservations r
    WHERE (r.made_at < now() - $1::float8 * interval '1 second'
           AND NOT EXISTS (SELECT FROM workers w WHERE w.worker_id = r.worker_id))
       OR r.made_at < now() - $2::float8 * interval '1 second'
    RETURNING r.reservation_id, r.day, r.scopes, r.capped, r.usd, r.tokens
), share AS (
    SELECT one.scope, lost.day, sum(lost.usd) AS usd, sum(lost.tokens)::bigint AS tokens,
           coalesce(sum(lost.usd) FILTER (WHERE one.scope = ANY (lost.capped)), 0) AS held_usd,
           coalesce(sum(lost.tokens) FILTER (WHERE one.scope = ANY (lost.capped)), 0)::bigint AS held_tokens
    FROM lost, unnest(lost.scopes) AS one (scope)
    GROUP BY one.scope, lost.day
), charged AS (
    INSERT INTO spend AS s (scope, day, spent_usd, spent_tokens, reserved_usd, reserved_tokens)
    SELECT scope, day, usd, tokens, -held_usd, -held_tokens FROM share ORDER BY scope, day
    ON CONFLICT (scope, day) DO UPDATE SET
        spent_usd = s.spent_usd + excluded.spent_usd, spent_tokens = s.spent_tokens + excluded.spent_tokens,
        reserved_usd = s.reserved_usd + excluded.reserved_usd, reserved_tokens = s.reserved_tokens + excluded.reserved_tokens
)
SELECT count(*) FROM lost;

-- name: delete_old_spending
-- Days that nobody asks for any more: of single people and conversations after $1 days; sums stay.
DELETE FROM spend
WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::int
  AND (scope LIKE 'user:%' OR scope LIKE 'visitor:%' OR scope LIKE 'session:%');

-- name: list_spending
-- Scopes that begin with $2 on the day $1 (null: today), those that cost most first.
SELECT scope, day, round(spent_usd, 6) AS spent_usd, spent_tokens, round(reserved_usd, 6) AS reserved_usd, reserved_tokens
FROM spend
WHERE day = coalesce($1::date, (now() AT TIME ZONE 'UTC')::date) AND starts_with(scope, $2::text)
ORDER BY spend.spent_usd DESC, spent_tokens DESC, scope LIMIT $3::int;

-- name: load_payer
-- A session's channel, and whether the person is known by a visitor's token alone.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', coalesce($1::text, ''), true) AS session_id,
           set_config('parley.user_id', coalesce($2::text, ''), true) AS user_id
)
SELECT
    CASE WHEN scope.session_id <> '' THEN (SELECT s.channel FROM sessions s WHERE s.session_id = scope.session_id) END AS channel,
    CASE WHEN scope.user_id <> '' THEN (
        SELECT bool_and(i.channel = 'visitor') FROM identities i WHERE i.user_id = scope.user_id
    ) END AS is_visitor
FROM scope;
