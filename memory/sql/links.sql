-- Accounts that turn out to be one person's, and codes that prove it. `parley_current_user` and its lock: 0006.

-- name: lock_person
-- Nobody writes a person's memories, and nobody accepts a message of theirs, until the transaction ends.
SELECT pg_advisory_xact_lock(7262, hashtext($1::text)), pg_advisory_xact_lock(7263, hashtext($1));

-- name: find_current_user
SELECT parley_current_user($1::text) AS user_id;

-- name: is_former
SELECT parley_is_former($1::text) AS is_former;

-- name: list_former_ids
-- The ids that became this one.
SELECT f.user_id FROM former_users f WHERE f.became = $1 AND f.user_id IS NOT NULL;

-- name: list_user_changes
-- Whose id changed its meaning within the last $1 seconds, and when: each time is one of its own.
SELECT DISTINCT c.hash, c.kind, c.at FROM user_changes c WHERE c.at > now() - $1::float8 * interval '1 second';

-- name: forget_user_changes
DELETE FROM user_changes WHERE at < now() - interval '1 hour';

-- name: list_sessions_to_link
-- Within the scope of the person: where they take part.
SELECT p.session_id FROM participants p WHERE p.user_id = $1 ORDER BY p.session_id;

-- name: lock_session
SELECT l.epoch FROM session_leases l WHERE l.session_id = $1 FOR UPDATE OF l;

-- name: link_session
-- In session $1 what was $2's is $3's from now on.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id, set_config('parley.user_id', '', true) AS nobody
), said AS (
    UPDATE messages m SET author_id = $3::text, account_id = coalesce(m.account_id, $2::text)
    WHERE m.session_id = (SELECT scope.session_id FROM scope) AND m.author_id = $2
), asked AS (
    UPDATE tasks t SET user_id = $3 WHERE t.session_id = (SELECT scope.session_id FROM scope) AND t.user_id = $2
), waits AS (
    UPDATE approvals a SET user_id = $3 WHERE a.session_id = (SELECT scope.session_id FROM scope) AND a.user_id = $2
), ran AS (
    UPDATE runs r SET user_id = $3 WHERE r.session_id = (SELECT scope.session_id FROM scope) AND r.user_id = $2
), joined AS (
    INSERT INTO participants (session_id, user_id, joined_at, seen_seq, account_id)
    SELECT scope.session_id, $3, p.joined_at, p.seen_seq, $2
    FROM scope CROSS JOIN LATERAL (
        SELECT p.joined_at, p.seen_seq FROM participants p
        WHERE p.session_id = scope.session_id AND p.user_id = $2 OFFSET 0
    ) p
    ON CONFLICT DO NOTHING
), gone AS (
    DELETE FROM participants p WHERE p.session_id = (SELECT scope.session_id FROM scope) AND p.user_id = $2
), attached AS (
    UPDATE attachments a SET user_id = $3, account_id = coalesce(a.account_id, $2)
    WHERE a.session_id = (SELECT scope.session_id FROM scope) AND a.user_id = $2
), judged AS (
    UPDATE feedback f SET user_id = $3, account_id = coalesce(f.account_id, $2)
    WHERE f.session_id = (SELECT scope.session_id FROM scope) AND f.user_id = $2 AND NOT EXISTS (
        SELECT FROM feedback o WHERE o.session_id = f.session_id AND o.message_id = f.message_id AND o.user_id = $3
    )
), mark AS (
    INSERT INTO watermarks AS w (session_id, user_id, seq)
    SELECT o.session_id, $3, o.seq FROM scope JOIN watermarks o ON o.session_id = scope.session_id AND o.user_id = $2
    ON CONFLICT (session_id, user_id) DO UPDATE SET seq = least(w.seq, excluded.seq)
), unmark AS (
    DELETE FROM watermarks w WHERE w.session_id = (SELECT scope.session_id FROM scope) AND w.user_id = $2
), job AS (
    INSERT INTO jobs AS j (kind, session_id, user_id, agent_id, run_at)
    SELECT o.kind, o.session_id, $3, o.agent_id, o.run_at
    FROM scope JOIN jobs o ON o.session_id = scope.session_id AND o.user_id = $2
    ON CONFLICT (kind, session_id, user_id) DO UPDATE SET version = j.version + 1, run_at = least(j.run_at, excluded.run_at)
), unjob AS (
    DELETE FROM jobs j WHERE j.session_id = (SELECT scope.session_id FROM scope) AND j.user_id = $2
)
SELECT session_id FROM scope;

-- name: list_account_words
-- The messages of session $1 that were said as $2.
WITH scope AS MATERIALIZED (SELECT set_config('parley.session_id', $1::text, true) AS session_id)
SELECT scope.session_id, m.seq FROM scope CROSS JOIN LATERAL (
    SELECT m.seq FROM messages m WHERE m.session_id = scope.session_id AND m.account_id = $2::text OFFSET 0
) m;

-- name: unlink_session
-- In session $1 what $3 said as $2 is $2's again. Runs of $3 that go on have seen what belongs to both.
WITH scope AS MATERIALIZED (
    SELECT set_config('parley.session_id', $1::text, true) AS session_id, set_config('parley.user_id', '', true) AS nobody
), said AS MATERIALIZED (
    UPDATE messages m SET author_id = $2::text, account_id = NULL
    WHERE m.session_id = (SELECT scope.session_id FROM scope) AND m.author_id = $3::text AND m.account_id = $2
    RETURNING m.seq, m.position, m.run_id
), asked AS (
    UPDATE tasks t SET
        user_id = CASE WHEN 'run_' || substr(t.task_id, 6) IN (SELECT said.run_id FROM said) THEN $2 ELSE t.user_id END,
        is_parted = t.is_parted OR (t.attempts > 0 AND t.finished_at IS NULL)
    WHERE t.session_id = (SELECT scope.session_id FROM scope) AND t.user_id = $3
), waits AS (
    UPDATE approvals a SET user_id = $2
    WHERE a.session_id = (SELECT scope.session_id FROM scope) AND a.user_id = $3
      AND EXISTS (SELECT FROM tasks t WHERE t.session_id = a.session_id AND t.position = a.position
                                        AND 'run_' || substr(t.task_id, 6) IN (SELECT said.run_id FROM said))
), ran AS (
    UPDATE runs r SET user_id = $2
    WHERE r.session_id = (SELECT scope.session_id FROM scope) AND r.user_id = $3
      AND r.run_id IN (SELECT said.run_id FROM said)
), attached AS (  -- what was sent goes with its message
    UPDATE attachments a SET user_id = $2, account_id = NULL
    WHERE a.session_id = (SELECT scope.session_id FROM scope) AND a.user_id = $3
      AND CASE WHEN a.seq IS NULL THEN a.account_id = $2 ELSE a.seq IN (SELECT said.seq FROM said) END
), judged AS (
    UPDATE feedback f SET user_id = $2, account_id = NULL
    WHERE f.session_id = (SELECT scope.session_id FROM scope) AND f.user_id = $3 AND f.account_id = $2
), mark AS (  -- what was read stays read, and what waits to be read does
    INSERT INTO watermarks (session_id, user_id, seq)
    SELECT o.session_id, $2, o.seq FROM scope JOIN watermarks o ON o.session_id = scope.session_id AND o.user_id = $3
    WHERE EXISTS (SELECT FROM said)
    ON CONFLICT DO NOTHING
), job AS (
    INSERT INTO jobs (kind, session_id, user_id, agent_id, run_at)
    SELECT o.kind, o.session_id, $2, o.agent_id, o.run_at
    FROM scope JOIN jobs o ON o.session_id = scope.session_id AND o.user_id = $3
    WHERE EXISTS (SELECT FROM said)
    ON CONFLICT DO NOTHING
), theirs AS MATERIALIZED (
    SELECT p.joined_at, p.seen_seq, p.account_id IS NOT DISTINCT FROM $2 AS is_theirs
    FROM scope CROSS JOIN LATERAL (
        SELECT * FROM participants p WHERE p.session_id = scope.session_id AND p.user_id = $3 OFFSET 0
    ) p
), joined AS (
    INSERT INTO participants (session_id, user_id, joined_at, seen_seq)
    SELECT scope.session_id, $2, theirs.joined_at, theirs.seen_seq FROM scope, theirs
    WHERE theirs.is_theirs OR EXISTS (SELECT FROM said)
    ON CONFLICT DO NOTHING
), gone AS (
    DELETE FROM participants p
    WHERE p.session_id = (SELECT scope.session_id FROM scope) AND p.user_id = $3 AND (SELECT is_theirs FROM theirs)
      AND NOT EXISTS (
          SELECT FROM messages m WHERE m.session_id = p.session_id AND m.author_id = $3 AND m.account_id IS DISTINCT FROM $2
      )
    RETURNING p.session_id, p.user_id
), unread AS (
    DELETE FROM jobs j USING gone WHERE j.session_id = gone.session_id AND j.user_id = gone.user_id
), unmarked AS (
    DELETE FROM watermarks w USING gone WHERE w.session_id = gone.session_id AND w.user_id = gone.user_id
)
SELECT session_id FROM scope;

-- name: list_facts_to_link
-- Within the scope of the person: every fact they ever had, as far as linking goes by it.
SELECT m.memory_id, m.hash, m.slot, m.valid_from, m.valid_to, m.supersedes, m.replaced_by, m.account_id, m.also_of,
       m.source_session_id, m.source_seq
FROM user_memories m WHERE m.user_id = $1;

-- name: end_fact
UPDATE user_memories SET valid_to = greatest(valid_from, now()), replaced_by = $3
WHERE user_id = $1 AND memory_id = $2 AND valid_to IS NULL;

-- name: revive_fact
UPDATE user_memories SET valid_to = NULL, replaced_by = NULL WHERE user_id = $1 AND memory_id = $2;

-- name: give_facts
-- Within the scope of $1 and with $2 as heir. Without $3 all of them, and it is remembered whose they were.
UPDATE user_memories m
SET user_id = $2::text, account_id = CASE WHEN $3::text[] IS NULL THEN coalesce(m.account_id, $1::text) ELSE nullif(m.account_id, $2::text) END
WHERE m.user_id = $1 AND ($3::text[] IS NULL OR m.memory_id = ANY($3::text[]));

-- name: list_merged
-- Within the scope of the person: every memory that merging made.
SELECT unnest(o.made) AS memory_id FROM memory_optimizations o WHERE o.user_id = $1;

-- name: drop_facts
DELETE FROM user_memories WHERE user_id = $1 AND memory_id = ANY($2::text[]);

-- name: give_optimizations
-- Within the scope of $1 and with $2 as heir: without $3 all, else those that made nothing but these memories.
UPDATE memory_optimizations o SET user_id = $2::text
WHERE o.user_id = $1 AND ($3::text[] IS NULL OR o.made <@ $3);

-- name: move_spending
-- What the accounts $1 cost, and what their calls that go on hold, is on the account $2 from now on.
WITH calls AS MATERIALIZED (
    UPDATE reservations r SET
        scopes = ARRAY(SELECT CASE WHEN one = ANY($1::text[]) THEN $2::text ELSE one END FROM unnest(r.scopes) one),
        capped = ARRAY(SELECT CASE WHEN one = ANY($1) THEN $2 ELSE one END FROM unnest(r.capped) one)
    WHERE r.scopes && $1
    RETURNING 1
), gone AS (
    DELETE FROM spend s WHERE s.scope = ANY($1) AND (SELECT count(*) FROM calls) >= 0
    RETURNING s.day, s.spent_usd, s.spent_tokens, s.reserved_usd, s.reserved_tokens
)
INSERT INTO spend AS s (scope, day, spent_usd, spent_tokens, reserved_usd, reserved_tokens)
SELECT $2, gone.day, sum(gone.spent_usd), sum(gone.spent_tokens)::bigint, sum(gone.reserved_usd), sum(gone.reserved_tokens)::bigint
FROM gone GROUP BY gone.day
ON CONFLICT (scope, day) DO UPDATE SET
    spent_usd = s.spent_usd + excluded.spent_usd, spent_tokens = s.spent_tokens + excluded.spent_tokens,
    reserved_usd = s.reserved_usd + excluded.reserved_usd, reserved_tokens = s.reserved_tokens + excluded.reserved_tokens;

-- name: set_heir
SELECT set_config('parley.heir', $1::text, true);

-- name: list_tombstones
SELECT t.hash, t.at FROM tombstones t WHERE t.user_id = $1;

-- name: list_identities
-- Within the scope of the person.
SELECT i.identity_id, i.tenant, i.channel, i.external_id, i.user_id, i.linked_at, i.origin_id, i.proof, i.proven_email
FROM identities i WHERE i.user_id = $1 ORDER BY i.linked_at, i.identity_id;

-- name: move_identity
-- Within the scope of the account $1, $2, $3: it is $4's now, as $5 proves; without $5 it is as it was before, for good.
UPDATE identities SET
    user_id = $4,
    origin_id = CASE WHEN $5::text IS NULL THEN NULL ELSE coalesce(origin_id, user_id) END,
    proof = $5, linked_at = now(), is_kept_apart = $5::text IS NULL
WHERE tenant = $1 AND channel = $2 AND external_id = $3;

-- name: add_account
INSERT INTO identities (tenant, channel, external_id, user_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: drop_identity
-- Within the scope of the account $1, $2, $3.
DELETE FROM identities WHERE tenant = $1 AND channel = $2 AND external_id = $3;

-- name: adopt_details
-- Within the scope of the person: what is not known of them is taken from the account that was linked. Its names.
WITH before AS MATERIALIZED (SELECT * FROM users WHERE user_id = $1 FOR UPDATE)
UPDATE users u SET
    email = coalesce(u.email, $2), first_name = coalesce(u.first_name, $3),
    last_name = coalesce(u.last_name, $4),
    timezone = coalesce(u.timezone, $5), attributes = $6 || u.attributes, updated_at = now()
FROM before b WHERE u.user_id = $1
RETURNING array_remove(ARRAY[
    CASE WHEN b.email IS NULL AND $2::text IS NOT NULL THEN 'email' END,
    CASE WHEN b.first_name IS NULL AND $3::text IS NOT NULL THEN 'first_name' END,
    CASE WHEN b.last_name IS NULL AND $4::text IS NOT NULL THEN 'last_name' END,
    CASE WHEN b.timezone IS NULL AND $5::text IS NOT NULL THEN 'timezone' END
], NULL) || ARRAY(
    SELECT '.' || a.key FROM jsonb_object_keys($6::jsonb) AS a (key) WHERE NOT b.attributes ? a.key
) AS adopted;

-- name: drop_details
-- Within the scope of $1: of the details $2 those go that still are as the parted account has them.
UPDATE users SET
    email = CASE WHEN 'email' = ANY($2::text[]) THEN nullif(email, $3) ELSE email END,
    first_name = CASE WHEN 'first_name' = ANY($2) THEN nullif(first_name, $4) ELSE first_name END,
    last_name = CASE WHEN 'last_name' = ANY($2) THEN nullif(last_name, $5) ELSE last_name END,
    timezone = CASE WHEN 'timezone' = ANY($2) THEN nullif(timezone, $6) ELSE timezone END,
    attributes = attributes - ARRAY(
        SELECT a.key FROM jsonb_each($7::jsonb) a WHERE '.' || a.key = ANY($2) AND attributes -> a.key = a.value
    ),
    updated_at = now()
WHERE user_id = $1;

-- name: retire_user
-- $1 is $2 from now on, who took over the details $3, and so is who had become $1.
WITH earlier AS (
    UPDATE former_users SET became = $2::text WHERE became = $1::text
), change AS (
    INSERT INTO user_changes (hash, kind) VALUES (parley_user_hash($1), 'merged')
), codes AS (
    DELETE FROM link_codes WHERE user_id = $1
)
INSERT INTO former_users (hash, user_id, became, adopted) VALUES (parley_user_hash($1), $1, $2, $3);

-- name: restore_user
-- $1, who had become $2, is a person of their own again. What $2 has of their details.
WITH change AS (
    INSERT INTO user_changes (hash, kind) VALUES (parley_user_hash($1::text), 'split'), (parley_user_hash($2::text), 'split')
)
DELETE FROM former_users WHERE user_id = $1 AND became = $2 RETURNING adopted;

-- name: note_email
-- Within the scope of the account $1, $2, $3: the address that its channel vouches for now, if any.
UPDATE identities SET proven_email = $4
WHERE tenant = $1 AND channel = $2 AND external_id = $3 AND proven_email IS DISTINCT FROM $4
RETURNING user_id, is_kept_apart;

-- name: withdraw_email
-- Within the scope of the account $1, $2, $3: its channel vouches for no address but $4 any more, if for that.
UPDATE identities SET proven_email = NULL
WHERE tenant = $1 AND channel = $2 AND external_id = $3 AND proven_email IS NOT NULL
  AND proven_email IS DISTINCT FROM $4::text;

-- name: lock_email
SELECT pg_advisory_xact_lock(7264, hashtext($1::text)), set_config('parley.email', $1, true);

-- name: find_by_email
-- Within the scope of the address: other people's accounts for which it is proven.
SELECT i.user_id FROM identities i
WHERE i.proven_email = $1 AND i.user_id <> $2 AND NOT i.is_kept_apart
ORDER BY i.linked_at, i.identity_id LIMIT 1;

-- name: save_link_code
-- A person has one code at a time.
WITH gone AS (DELETE FROM link_codes WHERE expires_at < now())
INSERT INTO link_codes (selector, digest, user_id, expires_at)
VALUES ($1, $2, $3, now() + $4::float8 * interval '1 second')
ON CONFLICT (user_id) DO UPDATE SET selector = excluded.selector, digest = excluded.digest, expires_at = excluded.expires_at
RETURNING expires_at;

-- name: find_link_code
SELECT c.digest, c.user_id FROM link_codes c WHERE c.selector = $1 AND c.expires_at > now();

-- name: take_link_code
-- Only one of those who say it at the same time gets it.
DELETE FROM link_codes WHERE selector = $1 AND expires_at > now() RETURNING user_id;

-- name: count_try
-- One more try of a kind within $3 seconds from the first: how many it makes, and seconds until they are forgotten.
INSERT INTO user_tries AS t (user_id, kind, count) VALUES ($1, $2, 1)
ON CONFLICT (user_id, kind) DO UPDATE SET
    count = CASE WHEN t.since < now() - $3::float8 * interval '1 second' THEN 1 ELSE t.count + 1 END,
    since = CASE WHEN t.since < now() - $3::float8 * interval '1 second' THEN now() ELSE t.since END
RETURNING t.count, extract(epoch FROM t.since - now())::float8 + $3 AS left_s;
