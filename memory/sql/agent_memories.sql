-- The files of agents and their revisions. They hold nothing of a person's by design; operators read them.

-- name: lock_agent
-- One writer of an agent's files at a time; held to the end of the transaction.
SELECT pg_advisory_xact_lock(7265, hashtext($1::text));

-- name: list_agent_files
-- The live files of these agents.
SELECT agent_id, name, revision, markdown FROM agent_memory_revisions
WHERE agent_id = ANY($1::text[]) AND state = 'live' AND markdown IS NOT NULL
ORDER BY agent_id, name;

-- name: list_agent_revisions
-- The newest first: of one file where $2 is given, in one state where $3 is.
SELECT agent_id, name, revision, markdown, state, author, cause, based_on, made_at, decided_by, decided_at
FROM agent_memory_revisions
WHERE agent_id = $1 AND ($2::text IS NULL OR name = $2) AND ($3::text IS NULL OR state = $3)
ORDER BY made_at DESC, revision DESC LIMIT $4;

-- name: find_agent_revision
SELECT agent_id, name, revision, markdown, state, author, cause, based_on, made_at, decided_by, decided_at
FROM agent_memory_revisions WHERE agent_id = $1 AND name = $2 AND revision = $3;

-- name: find_agent_file
-- The live revision of a file and the number of the newest one; 0 where there is none.
SELECT coalesce(max(revision) FILTER (WHERE state = 'live'), 0) AS live, coalesce(max(revision), 0) AS newest,
       (SELECT count(*) FROM agent_memory_revisions p WHERE p.agent_id = $1 AND p.state = 'proposed') AS proposed
FROM agent_memory_revisions WHERE agent_id = $1 AND name = $2;

-- name: add_agent_revision
INSERT INTO agent_memory_revisions (agent_id, name, revision, markdown, state, author, cause, based_on, user_id, decided_by,
                                    decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $5 = 'live' THEN now() END)
RETURNING agent_id, name, revision, markdown, state, author, cause, based_on, made_at, decided_by, decided_at;

-- name: replace_agent_file
UPDATE agent_memory_revisions SET state = 'replaced' WHERE agent_id = $1 AND name = $2 AND state = 'live';

-- name: decide_agent_revision
UPDATE agent_memory_revisions SET state = $4, decided_by = $5, decided_at = now()
WHERE agent_id = $1 AND name = $2 AND revision = $3 AND state = 'proposed'
RETURNING agent_id, name, revision, markdown, state, author, cause, based_on, made_at, decided_by, decided_at;
