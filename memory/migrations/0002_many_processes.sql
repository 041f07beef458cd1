-- Several processes on one database: who watches what, runs to be stopped elsewhere, calls of tools before they run.

-- Lost with a crash of the server, like the connections it speaks of.
CREATE UNLOGGED TABLE watchers (
    session_id  text NOT NULL,
    worker_id   text NOT NULL,
    PRIMARY KEY (session_id, worker_id)
);
CREATE INDEX watchers_by_worker ON watchers (worker_id);

ALTER TABLE tasks ADD COLUMN is_stop_asked boolean NOT NULL DEFAULT false;
CREATE INDEX tasks_to_stop ON tasks (session_id) WHERE is_stop_asked AND state = 'running';

-- A call of a tool is written down before the tool runs. While it runs, and when its process died, it has no result.
ALTER TABLE tool_calls ALTER COLUMN result DROP NOT NULL;

-- The answers of a session are posted one after another.
CREATE INDEX outbox_of_session ON outbox (session_id, seq) WHERE state IN ('pending', 'posting');
