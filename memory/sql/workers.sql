-- name: add_worker
-- A worker, or its next direct connection. Each gets a key of its own: the server may not know yet that the former is gone.
INSERT INTO workers (worker_id) VALUES ($1)
ON CONFLICT (worker_id) DO UPDATE SET beat = now(), lock_key = DEFAULT RETURNING lock_key;

-- name: load_lock_key
SELECT lock_key FROM workers WHERE worker_id = $1;

-- name: beat
-- Alive, by the database's clock. A worker that was declared dead meanwhile is added again: one row, else none.
WITH known AS (
    UPDATE workers SET beat = now() WHERE worker_id = $1::text RETURNING worker_id
)
INSERT INTO workers (worker_id) SELECT $1::text WHERE NOT EXISTS (SELECT FROM known)
ON CONFLICT (worker_id) DO UPDATE SET beat = now() RETURNING worker_id;

-- name: lock_worker
-- Held for a worker's life on its direct connection, so that others can tell a dead worker from a slow one.
SELECT pg_try_advisory_lock(7261, ($1::bigint % 2147483648)::int);

-- name: list_owned
SELECT session_id, epoch FROM session_leases WHERE owner = $1;

-- name: remove_worker
-- A worker that leaves in good order takes nothing along: what it could not hand back is free, without an attempt.
WITH gone AS (
    DELETE FROM watchers WHERE worker_id = $1::text
), worker AS (
    DELETE FROM workers WHERE worker_id = $1
), freed AS (
    UPDATE session_leases l SET owner = NULL, epoch = l.epoch + 1, ready_at = now()
    WHERE l.owner = $1
    RETURNING l.session_id
), again AS (
    UPDATE tasks t SET state = 'queued', run_at = now(), attempts = t.attempts - 1
    FROM freed WHERE t.session_id = freed.session_id AND t.state = 'running'
)
SELECT pg_notify('parley_ready', '') FROM freed LIMIT 1;

-- name: recover_leases
-- The sessions of dead workers become free and their running tasks wait again. A worker is dead when its beat is older
-- than $2 seconds, or older than $3 seconds with nobody holding its lock. Who has not beaten since the judge awoke, $4
-- seconds ago, is judged as soon as that is $2 seconds ago.
WITH silent AS MATERIALIZED (
    SELECT worker_id, lock_key, beat < now() - $2::float8 * interval '1 second' AS is_late FROM workers
    WHERE worker_id <> $1::text AND beat < now() - least($2, $3::float8) * interval '1 second'
      AND pg_postmaster_start_time() < now() - $3 * interval '1 second'
      AND (beat > now() - $4::float8 * interval '1 second' OR $4 >= $2)
), dead AS (
    DELETE FROM workers w USING silent
    WHERE w.worker_id = silent.worker_id AND (silent.is_late OR NOT EXISTS (
        SELECT FROM pg_locks k
        WHERE k.locktype = 'advisory' AND k.classid = 7261 AND k.objid = (silent.lock_key % 2147483648)::oid AND k.objsubid = 2
          AND k.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ))
    RETURNING w.worker_id
), gone AS (
    DELETE FROM watchers w WHERE w.worker_id IN (SELECT worker_id FROM dead)
), lost AS MATERIALIZED (
    SELECT l.session_id FROM session_leases l
    WHERE l.owner IS NOT NULL AND (
        l.owner IN (SELECT worker_id FROM dead) OR NOT EXISTS (SELECT FROM workers w WHERE w.worker_id = l.owner)
    )
    FOR UPDATE OF l SKIP LOCKED
), freed AS (
    UPDATE session_leases l SET owner = NULL, epoch = l.epoch + 1, ready_at = now()
    FROM lost WHERE l.session_id = lost.session_id
    RETURNING l.session_id
), again AS (
    UPDATE tasks t SET state = 'queued', run_at = now()
    FROM freed WHERE t.session_id = freed.session_id AND t.state = 'running'
    RETURNING 1
)
SELECT (SELECT count(*) FROM dead) AS workers, (SELECT count(*) FROM freed) AS sessions,
       (SELECT count(*) FROM workers WHERE worker_id <> $1) - (SELECT count(*) FROM dead) AS others;

-- name: free_sessions
-- Sessions that a worker owns without working on them, as after a commit whose answer was lost.
WITH freed AS (
    UPDATE session_leases l SET owner = NULL, epoch = l.epoch + 1, ready_at = now()
    WHERE l.owner = $1::text AND (l.session_id, l.epoch) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))
    RETURNING l.session_id
), again AS (
    UPDATE tasks t SET state = 'queued', run_at = now(), attempts = t.attempts - 1
    FROM freed WHERE t.session_id = freed.session_id AND t.state = 'running'
)
SELECT count(*) FROM freed;
