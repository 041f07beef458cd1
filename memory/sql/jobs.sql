-- Durable work off the reply path. A job waits until `run_at` and is somebody's until `locked_until`.

-- name: take_job
-- The job of the kinds $2 that has been due longest, for $1 seconds nobody else's.
UPDATE jobs j SET locked_until = now() + $1::float8 * interval '1 second', asked_at = 'infinity', attempts = j.attempts + 1
FROM (
    SELECT kind, session_id, user_id FROM jobs
    WHERE run_at <= now() AND locked_until <= now() AND kind = ANY($2::text[])
    ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED
) due
WHERE j.kind = due.kind AND j.session_id = due.session_id AND j.user_id = due.user_id
RETURNING j.kind, j.session_id, j.user_id, j.agent_id, j.version, j.attempts;

-- name: end_job
-- Done, unless it was asked for again meanwhile, or $5: there is more to do. Then it waits for the next who takes it.
WITH job AS MATERIALIZED (
    SELECT version FROM jobs WHERE kind = $1 AND session_id = $2 AND user_id = $3 FOR UPDATE
), gone AS (
    DELETE FROM jobs USING job
    WHERE kind = $1 AND session_id = $2 AND user_id = $3 AND job.version = $4 AND NOT $5::boolean
)
UPDATE jobs SET locked_until = '-infinity', attempts = 0, note = NULL FROM job
WHERE kind = $1 AND session_id = $2 AND user_id = $3 AND (job.version <> $4 OR $5);

-- name: delay_job
-- Left alone for $4 seconds, also when it is asked for anew.
UPDATE jobs SET locked_until = now() + $4::float8 * interval '1 second', note = $5
WHERE kind = $1 AND session_id = $2 AND user_id = $3;

-- name: next_job_in
SELECT extract(epoch FROM min(greatest(run_at, locked_until)) - now())::float8 FROM jobs WHERE kind = ANY($1::text[]);
