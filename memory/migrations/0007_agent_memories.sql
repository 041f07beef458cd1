-- What an agent knows, the same for all who talk to it: markdown files, each a list of revisions. By agent.

-- `markdown`: none where the revision takes the file away. `based_on`: the live revision that it was written against (0:
-- there was no file). `user_id`: in whose run the agent proposed it; forgotten with the person.
CREATE TABLE agent_memory_revisions (
    agent_id    text        NOT NULL,
    name        text        NOT NULL,
    revision    int         NOT NULL,
    markdown    text,
    state       text        NOT NULL CHECK (state IN ('proposed', 'live', 'replaced', 'rejected')),
    author      text        NOT NULL,
    cause       text        NOT NULL,
    based_on    int         NOT NULL,
    user_id     text,
    made_at     timestamptz NOT NULL DEFAULT now(),
    decided_by  text,
    decided_at  timestamptz,
    PRIMARY KEY (agent_id, name, revision)
);
CREATE UNIQUE INDEX agent_memory_live ON agent_memory_revisions (agent_id, name) WHERE state = 'live';
CREATE INDEX agent_memory_proposed ON agent_memory_revisions (agent_id, made_at) WHERE state = 'proposed';
CREATE INDEX agent_memory_by_user ON agent_memory_revisions (user_id) WHERE user_id IS NOT NULL;
