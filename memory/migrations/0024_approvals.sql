-- Calls of tools that wait for the approval of the person who asked. By session; as tasks, they hold ids and no text of
-- anybody's: what the call is stands in tool_calls. `title` is the tool's own.

-- `position` is the run that asks, `seq` the message that says so. `decided_position` is the run that goes on with it.
CREATE TABLE approvals (
    session_id        text        NOT NULL,
    approval_id       text        NOT NULL,
    position          bigint      NOT NULL,
    seq               bigint      NOT NULL,
    call_id           text        NOT NULL,
    user_id           text        NOT NULL,
    agent_id          text        NOT NULL,
    title             text        NOT NULL,
    state             text        NOT NULL DEFAULT 'waiting'
                      CHECK (state IN ('waiting', 'approved', 'refused', 'expired', 'stopped')),
    asked_at          timestamptz NOT NULL DEFAULT now(),
    expires_at        timestamptz NOT NULL,
    decided_at        timestamptz,
    decided_position  bigint,
    PRIMARY KEY (session_id, approval_id)
);
CREATE INDEX approvals_by_message ON approvals (session_id, seq);
CREATE INDEX approvals_by_run ON approvals (session_id, decided_position) WHERE decided_position IS NOT NULL;
CREATE INDEX approvals_waiting ON approvals (expires_at) WHERE state = 'waiting';
