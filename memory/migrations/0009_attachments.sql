-- What people attach to messages, and what they think of answers. By session.

-- `seq`: the message that carries it; none while it waits to be sent, and then it is deleted after a while. Images and
-- documents are compressed already, so the content is kept as it is. `excerpt`: the beginning of a text, for the model.
CREATE TABLE attachments (
    session_id     text        NOT NULL,
    attachment_id  text        NOT NULL,
    user_id        text        NOT NULL,
    name           text        NOT NULL,
    media_type     text        NOT NULL,
    size_bytes     int         NOT NULL,
    content        bytea       NOT NULL,
    excerpt        text,
    seq            bigint,
    at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, attachment_id)
);
ALTER TABLE attachments ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX attachments_unsent ON attachments (at) WHERE seq IS NULL;
CREATE INDEX attachments_by_user ON attachments (user_id);

-- [{id, name, type, size}] of the files a message carries, and what the model is told of them under the words.
ALTER TABLE messages ADD COLUMN attachments jsonb, ADD COLUMN files_text text;

CREATE TABLE feedback (
    session_id  text        NOT NULL,
    message_id  text        NOT NULL,
    user_id     text        NOT NULL,
    value       text        NOT NULL CHECK (value IN ('up', 'down')),
    comment     text,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, message_id, user_id)
);

CREATE POLICY of_session ON feedback
    USING ((session_id = (SELECT parley_scope('session_id'))) IS NOT DISTINCT FROM true);
-- Housekeeping deletes what was never sent, of every session.
CREATE POLICY of_session_or_operator ON attachments USING (
    session_id = (SELECT parley_scope_or_none('session_id', '{operator}'))
    OR (SELECT parley_scope_or_none('operator', '{session_id}')) = 'on'
);
ALTER TABLE feedback ENABLE ROW LEVEL SECURITY;
ALTER TABLE feedback FORCE ROW LEVEL SECURITY;
ALTER TABLE attachments ENABLE ROW LEVEL SECURITY;
ALTER TABLE attachments FORCE ROW LEVEL SECURITY;
