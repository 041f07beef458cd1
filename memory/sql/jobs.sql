-- Durable work off the reply path.

-- name: take_job
-- The job that has been due longest, invisible to others for $1 seconds.
UPDATE jobs j SET run_at = now() + $1::float8 * interval '1 second', attempts = j.attempts + 1
FROM (
    SELECT kind, session_id, user_id FROM jobs WHERE run_at <= now() ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED
) due
WHERE j.kind = due.kind AND j.session_id = due.session_id AND j.user_id = due.user_id
RETURNING j.kind, j.session_id, j.user_id, j.agent_id, j.version, j.attempts;

-- name: end_job
-- Done, unless it was asked for again meanwhile.
DELETE FROM jobs WHERE kind = $1 AND session_id = $2 AND user_id = $3 AND version = $4;

-- name: delay_job
UPDATE jobs SET run_at = now() + $4::float8 * interval '1 second', note = $5
WHERE kind = $1 AND session_id = $2 AND user_id = $3;

-- name: next_job_in
SELECT extract(epoch FROM min(run_at) - now())::float8 FROM jobs;
