-- The three groups of tables: by session, by user, by agent. No foreign key crosses a group, so that a group can later
-- be sharded by its key. What belongs to a person or a thread has row level security, forced on the owner too.

CREATE TABLE instance (
    only_row     boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    instance_id  text    NOT NULL DEFAULT gen_random_uuid()::text,
    -- Signs the tokens of anonymous visitors. Two random uuids: 244 bits.
    secret       text    NOT NULL DEFAULT gen_random_uuid()::text || gen_random_uuid()::text
);
INSERT INTO instance DEFAULT VALUES;

-- Scopes ------------------------------------------------------------------------------------------------------------

-- The scope a statement must have set with set_config('parley.NAME', …, true). A missing one is an error, not an empty
-- result, so that a forgotten scope is seen at once.
CREATE FUNCTION parley_scope(name text) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    value text := current_setting('parley.' || name, true);
BEGIN
    IF value IS NULL OR value = '' THEN
        RAISE EXCEPTION 'no % in scope', name USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN value;
END $$;

-- The same where several scopes may open a row: none when this one is not set, an error when none of them is.
CREATE FUNCTION parley_scope_or_none(name text, others text[]) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    value text := nullif(current_setting('parley.' || name, true), '');
    other text;
BEGIN
    IF value IS NOT NULL THEN
        RETURN value;
    END IF;
    FOREACH other IN ARRAY others LOOP
        IF nullif(current_setting('parley.' || other, true), '') IS NOT NULL THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'no % in scope', name USING ERRCODE = 'insufficient_privilege';
END $$;

-- By session --------------------------------------------------------------------------------------------------------

CREATE TABLE sessions (
    session_id  text        PRIMARY KEY,
    channel     text        NOT NULL,
    tenant      text        NOT NULL,
    agent_id    text        NOT NULL,
    audience    text        NOT NULL CHECK (audience IN ('private', 'shared')),
    next_seq    bigint      NOT NULL DEFAULT 1,
    title       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX sessions_by_update ON sessions (updated_at DESC);

CREATE TABLE participants (
    session_id  text        NOT NULL,
    user_id     text        NOT NULL,
    joined_at   timestamptz NOT NULL DEFAULT now(),
    seen_seq    bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (session_id, user_id)
);
CREATE INDEX participants_by_user ON participants (user_id, session_id);

-- `position` is the task whose run the message belongs to: what people said in it, or its answer.
CREATE TABLE messages (
    session_id   text        NOT NULL,
    seq          bigint      NOT NULL,
    message_id   text        NOT NULL,
    role         text        NOT NULL CHECK (role IN ('user', 'assistant', 'human', 'system')),
    author_id    text,
    author_name  text        NOT NULL,
    text         text        NOT NULL,
    run_id       text,
    position     bigint,
    client_id    text,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, seq)
);
CREATE INDEX messages_by_run ON messages (session_id, position, seq);

CREATE TABLE run_notes (
    session_id  text        NOT NULL,
    seq         bigint      NOT NULL,
    run_id      text        NOT NULL,
    state       text        NOT NULL,
    label       text,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, seq)
);

CREATE TABLE runs (
    session_id          text        NOT NULL,
    position            bigint      NOT NULL,
    run_id              text        NOT NULL,
    user_id             text,
    agent_id            text        NOT NULL,
    model               text        NOT NULL,
    state               text        NOT NULL,
    stop_reason         text        NOT NULL,
    error               text,
    input_tokens        bigint      NOT NULL,
    output_tokens       bigint      NOT NULL,
    cache_read_tokens   bigint      NOT NULL,
    cache_write_tokens  bigint      NOT NULL,
    cost_usd            numeric     NOT NULL,
    finished_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, position)
);

CREATE TABLE turns (
    session_id          text    NOT NULL,
    position            bigint  NOT NULL,
    n                   int     NOT NULL,
    content             jsonb   NOT NULL,
    stop_reason         text    NOT NULL,
    input_tokens        bigint  NOT NULL,
    output_tokens       bigint  NOT NULL,
    cache_read_tokens   bigint  NOT NULL,
    cache_write_tokens  bigint  NOT NULL,
    cost_usd            numeric NOT NULL,
    PRIMARY KEY (session_id, position, n)
);

CREATE TABLE tool_calls (
    session_id  text    NOT NULL,
    position    bigint  NOT NULL,
    n           int     NOT NULL,
    k           int     NOT NULL,
    call_id     text    NOT NULL,
    name        text    NOT NULL,
    arguments   jsonb   NOT NULL,
    result      text    NOT NULL,
    is_error    boolean NOT NULL,
    PRIMARY KEY (session_id, position, n, k)
);

-- Tasks, leases, dedupe keys, outbox and jobs hold ids and no text, so the engine may read them across sessions.
CREATE TABLE tasks (
    session_id   text        NOT NULL,
    position     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    task_id      text        NOT NULL,
    user_id      text,
    agent_id     text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('queued', 'running', 'done', 'merged', 'stopped', 'dead')),
    attempts     int         NOT NULL DEFAULT 0,
    run_at       timestamptz NOT NULL DEFAULT now(),
    merged_into  bigint,
    reply_to     jsonb,
    note         text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    PRIMARY KEY (session_id, position)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX tasks_by_id ON tasks (task_id);
CREATE INDEX tasks_unfinished ON tasks (session_id, position) WHERE state IN ('queued', 'running');
CREATE INDEX tasks_dead ON tasks (finished_at) WHERE state = 'dead';

-- `queued` counts the unfinished tasks, the running one among them. `ready_at` says since when a free lease waits.
CREATE TABLE session_leases (
    session_id  text        PRIMARY KEY,
    owner       text,
    epoch       bigint      NOT NULL DEFAULT 0,
    queued      bigint      NOT NULL DEFAULT 0,
    ready_at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE INDEX leases_ready ON session_leases (ready_at) WHERE owner IS NULL AND queued > 0;
CREATE INDEX leases_owned ON session_leases (owner) WHERE owner IS NOT NULL;

CREATE TABLE workers (
    worker_id   text        PRIMARY KEY,
    lock_key    bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    beat        timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dedupe (
    session_id  text        NOT NULL,
    key         text        NOT NULL,
    digest      bytea       NOT NULL,
    seq         bigint      NOT NULL,
    message_id  text        NOT NULL,
    task_id     text        NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, key)
);

-- An answer to post. The text stands in messages; `post_key` goes along with the post, so that it can be found again.
CREATE TABLE outbox (
    session_id  text        NOT NULL,
    seq         bigint      NOT NULL,
    post_key    text        NOT NULL,
    channel     text        NOT NULL,
    reply_to    jsonb       NOT NULL,
    state       text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'posting', 'sent', 'unknown', 'failed')),
    attempts    int         NOT NULL DEFAULT 0,
    owner       text,
    run_at      timestamptz NOT NULL DEFAULT now(),
    note        text,
    posted_as   text,
    PRIMARY KEY (session_id, seq)
);
CREATE INDEX outbox_open ON outbox (run_at) WHERE state IN ('pending', 'posting');

-- Durable work off the reply path. One row per key: asking twice is asking once.
CREATE TABLE jobs (
    kind        text        NOT NULL,
    session_id  text        NOT NULL,
    user_id     text        NOT NULL,
    agent_id    text        NOT NULL,
    run_at      timestamptz NOT NULL,
    version     bigint      NOT NULL DEFAULT 1,
    attempts    int         NOT NULL DEFAULT 0,
    note        text,
    PRIMARY KEY (kind, session_id, user_id)
);
CREATE INDEX jobs_due ON jobs (run_at);

-- How far the words of one speaker in one session have been read for facts.
CREATE TABLE watermarks (
    session_id  text   NOT NULL,
    user_id     text   NOT NULL,
    seq         bigint NOT NULL,
    PRIMARY KEY (session_id, user_id)
);

-- By user -----------------------------------------------------------------------------------------------------------

CREATE TABLE users (
    user_id     text        PRIMARY KEY,
    email       text,
    first_name  text,
    last_name   text,
    timezone    text,
    attributes  jsonb       NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE identities (
    tenant       text        NOT NULL,
    channel      text        NOT NULL,
    external_id  text        NOT NULL,
    user_id      text        NOT NULL,
    linked_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, channel, external_id)
);
CREATE INDEX identities_by_user ON identities (user_id);

CREATE TABLE user_memories (
    user_id            text        NOT NULL,
    memory_id          text        NOT NULL,
    memory             text        NOT NULL CHECK (length(memory) BETWEEN 1 AND 300),
    hash               bytea       NOT NULL,
    topics             text[]      NOT NULL DEFAULT '{}',
    slot               text,
    visibility         text        NOT NULL CHECK (visibility IN ('private', 'thread')),
    agent_id           text,
    team_id            text,
    input              text,
    feedback           text,
    source_session_id  text,
    source_seq         bigint,
    supersedes         text,
    valid_from         timestamptz NOT NULL DEFAULT now(),
    valid_to           timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    words              tsvector    GENERATED ALWAYS AS (to_tsvector('english', memory)) STORED,
    PRIMARY KEY (user_id, memory_id)
);
CREATE UNIQUE INDEX memories_once ON user_memories (user_id, hash) WHERE valid_to IS NULL;
CREATE UNIQUE INDEX memories_slot ON user_memories (user_id, slot) WHERE valid_to IS NULL AND slot IS NOT NULL;
CREATE INDEX memories_newest ON user_memories (user_id, updated_at DESC) WHERE valid_to IS NULL;

-- What was forgotten on purpose, so that old messages do not bring it back.
CREATE TABLE tombstones (
    user_id  text        NOT NULL,
    hash     bytea       NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, hash)
);

-- Row level security --------------------------------------------------------------------------------------------------

-- A statement of the reply path sets its scope itself, in its first CTE. So the scope must not be asked for before that:
-- it is read in a sub-select, which the planner does not evaluate, and the policies are no index conditions and cost more
-- than one comparison, so that the statement's own `session_id = (SELECT session_id FROM scope)` is always looked at first.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['messages', 'run_notes', 'runs', 'turns', 'tool_calls'] LOOP
        EXECUTE format('CREATE POLICY of_session ON %I USING ((session_id = (SELECT parley_scope(''session_id''))) IS NOT DISTINCT FROM true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['users', 'user_memories', 'tombstones'] LOOP
        EXECUTE format('CREATE POLICY of_user ON %I USING ((user_id = (SELECT parley_scope(''user_id''))) IS NOT DISTINCT FROM true)', name);
    END LOOP;
END $$;

CREATE POLICY of_session_or_user ON participants USING (
    session_id = (SELECT parley_scope_or_none('session_id', '{user_id}'))
    OR user_id = (SELECT parley_scope_or_none('user_id', '{session_id}'))
);
CREATE POLICY of_session_or_participant_or_operator ON sessions USING (
    session_id = (SELECT parley_scope_or_none('session_id', '{user_id,operator}'))
    OR (SELECT parley_scope_or_none('operator', '{user_id,session_id}')) = 'on'
    OR EXISTS (
        SELECT FROM participants p
        WHERE p.session_id = sessions.session_id AND p.user_id = (SELECT parley_scope_or_none('user_id', '{session_id,operator}'))
    )
);
CREATE POLICY of_identity_or_user ON identities USING (
    user_id = (SELECT parley_scope_or_none('user_id', '{identity}'))
    OR tenant || chr(31) || channel || chr(31) || external_id = (SELECT parley_scope_or_none('identity', '{user_id}'))
);

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT DISTINCT tablename FROM pg_policies WHERE schemaname = current_schema() LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    END LOOP;
END $$;
