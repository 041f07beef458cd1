-- Where the Slack app is installed, which installation a shared conversation belongs to, and the limits of calls.

-- name: slack_save_installation
-- A new installation, or one that comes again with new tokens: $1 its id, $2 sealed tokens, $3 about it, $4 the seconds
-- after which the token ends. Answers that waited for it are due.
WITH saved AS (
    INSERT INTO slack_installations AS i (installation, sealed, about, expires_at)
    VALUES ($1, $2, $3, clock_timestamp() + $4::float8 * interval '1 second')
    ON CONFLICT (installation) DO UPDATE
    SET sealed = excluded.sealed, about = excluded.about, expires_at = excluded.expires_at, version = i.version + 1,
        refreshing_until = NULL, installed_at = now(), ended_at = NULL, ended_by = NULL
)
UPDATE outbox SET run_at = now()
WHERE state IN ('pending', 'posting') AND owner IS NULL AND channel = 'slack' AND coalesce(reply_to -> 'beside', reply_to) ->> 'installation' = $1;

-- name: slack_load_installation
SELECT sealed, version, extract(epoch FROM expires_at - clock_timestamp())::float8 AS expires_in_s
FROM slack_installations WHERE installation = $1;

-- name: slack_begin_refresh
-- The right to renew the tokens of version $2, for half a minute. No row: somebody else does, or did.
UPDATE slack_installations SET refreshing_until = clock_timestamp() + interval '30 seconds'
WHERE installation = $1 AND version = $2 AND sealed IS NOT NULL
  AND (refreshing_until IS NULL OR refreshing_until < clock_timestamp())
RETURNING 1;

-- name: slack_end_refresh
-- The renewed tokens, $3, in place of those of version $2. No row: the app was installed anew, or removed, meanwhile.
UPDATE slack_installations SET sealed = $3, version = version + 1, refreshing_until = NULL,
                               expires_at = clock_timestamp() + $4::float8 * interval '1 second'
WHERE installation = $1 AND version = $2 AND sealed IS NOT NULL
RETURNING 1;

-- name: slack_give_up_refresh
UPDATE slack_installations SET refreshing_until = NULL WHERE installation = $1 AND version = $2;

-- name: slack_end_installation
-- The app was removed, or the tokens of version $2 revoked, at $3, or now without it: they go. Those of a later installation stay.
UPDATE slack_installations SET sealed = NULL, version = version + 1, refreshing_until = NULL, expires_at = NULL,
                               ended_at = now(), ended_by = $4
WHERE installation = $1 AND version = $2 AND sealed IS NOT NULL
  AND date_trunc('second', installed_at) <= coalesce(to_timestamp($3::float8), now())  -- Slack tells whole seconds
RETURNING 1;

-- name: slack_list_installations
SELECT installation, about, installed_at, ended_at, ended_by, sealed,
       extract(epoch FROM expires_at - clock_timestamp())::float8 AS expires_in_s
FROM slack_installations ORDER BY ended_at IS NOT NULL, installed_at, installation;

-- name: slack_pin
-- The installation that a shared conversation belongs to: the one it was first seen by.
WITH first AS (
    INSERT INTO slack_shared (conversation, installation, team, bot_user) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING RETURNING installation, team, bot_user
)
SELECT installation, team, bot_user FROM first
UNION ALL SELECT installation, team, bot_user FROM slack_shared WHERE conversation = $1 LIMIT 1;

-- name: slack_find_pin
SELECT installation, team, bot_user FROM slack_shared WHERE conversation = $1;

-- name: slack_unpin
-- The installation is gone: another one may take its conversations over.
DELETE FROM slack_shared WHERE installation = $1;

-- name: slack_take_turn
-- A call's token out of bucket $1, which gets $2 a second and holds $3. Seconds to wait; 0 when the token was taken.
WITH taken AS (
    INSERT INTO slack_buckets AS b (name, tokens, at) VALUES ($1, $3::float8 - 1, clock_timestamp())
    ON CONFLICT (name) DO UPDATE
    SET at = clock_timestamp(),
        tokens = least($3, b.tokens + greatest(0, extract(epoch FROM clock_timestamp() - b.at))::float8 * $2::float8) - 1
    WHERE least($3, b.tokens + greatest(0, extract(epoch FROM clock_timestamp() - b.at))::float8 * $2) >= 1
      AND (b.blocked_until IS NULL OR b.blocked_until <= clock_timestamp())
    RETURNING 1
)
SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN 0 ELSE coalesce((
    SELECT greatest(
        0.02,
        extract(epoch FROM b.blocked_until - clock_timestamp())::float8,
        (1 - b.tokens) / $2 - greatest(0, extract(epoch FROM clock_timestamp() - b.at))::float8
    ) FROM slack_buckets b WHERE b.name = $1
), 0.02) END AS wait_s;

-- name: slack_blocked
-- Seconds that Slack still asks to wait for bucket $1.
SELECT greatest(0, extract(epoch FROM blocked_until - clock_timestamp()))::float8 AS wait_s
FROM slack_buckets WHERE name = $1;

-- name: slack_block
-- Slack asked to wait $2 seconds.
INSERT INTO slack_buckets AS b (name, tokens, at, blocked_until)
VALUES ($1, 0, clock_timestamp(), clock_timestamp() + $2::float8 * interval '1 second')
ON CONFLICT (name) DO UPDATE SET blocked_until = greatest(b.blocked_until, excluded.blocked_until);

-- name: slack_forget_buckets
-- A bucket nobody took from for an hour is full.
DELETE FROM slack_buckets WHERE at < now() - interval '1 hour' AND coalesce(blocked_until, at) < now();

-- name: slack_forget_posts
-- Where answers older than $1 days stood, but for those that still may be posted.
WITH old AS (
    SELECT p.session_id, p.question, p.part FROM slack_posts p
    WHERE p.at < now() - $1::float8 * interval '1 day' AND NOT EXISTS (
        SELECT FROM outbox o WHERE o.session_id = p.session_id AND o.state IN ('pending', 'posting')
    )
    LIMIT 1000
)
DELETE FROM slack_posts p USING old
WHERE p.session_id = old.session_id AND p.question = old.question AND p.part = old.part RETURNING 1;

-- name: slack_forget_feedback
WITH old AS (
    SELECT session_id, post_key, rater FROM slack_feedback WHERE at < now() - $1::float8 * interval '1 day' LIMIT 1000
)
DELETE FROM slack_feedback f USING old
WHERE f.session_id = old.session_id AND f.post_key = old.post_key AND f.rater = old.rater RETURNING 1;
