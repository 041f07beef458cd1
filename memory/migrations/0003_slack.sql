-- Slack: what came in and what was decided about it, and where the messages of each answer stand.

-- A delivery is written down before it is acked, and taken in afterwards. Its payload is gone once that is done.
CREATE TABLE slack_inbox (
    inbox_id     bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    event_id     text        NOT NULL UNIQUE,
    twin_key     text        UNIQUE,
    lane         text        NOT NULL,
    kind         text        NOT NULL,
    payload      jsonb,
    verdict      text        CHECK (verdict IN ('answered', 'kept', 'ignored')),
    reason       text,
    session_id   text,
    attempts     int         NOT NULL DEFAULT 0,
    owner        text,
    run_at       timestamptz NOT NULL DEFAULT now(),
    received_at  timestamptz NOT NULL DEFAULT now(),
    decided_at   timestamptz
) WITH (fillfactor = 80);
CREATE INDEX slack_inbox_open ON slack_inbox (lane, inbox_id) WHERE verdict IS NULL;
CREATE INDEX slack_inbox_due ON slack_inbox (run_at) WHERE verdict IS NULL;
CREATE INDEX slack_inbox_decided ON slack_inbox (decided_at) WHERE verdict IS NOT NULL;

-- The messages that show one answer: `question` is the message it answers. A row stands here before the call that makes
-- its message, so that a crash leaves a trace.
CREATE TABLE slack_posts (
    session_id    text        NOT NULL,
    question      text        NOT NULL,
    part          int         NOT NULL,
    installation  text        NOT NULL,
    conversation  text        NOT NULL,
    ts            text,
    state         text        NOT NULL CHECK (state IN ('draft', 'posting', 'final', 'last', 'withdrawn')),
    post_key      text,
    at            timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, question, part)
) WITH (fillfactor = 80);
CREATE INDEX slack_posts_by_ts ON slack_posts (installation, conversation, ts);

CREATE TABLE slack_feedback (
    session_id  text        NOT NULL,
    post_key    text        NOT NULL,
    rater       text        NOT NULL,
    is_good     boolean     NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, post_key, rater)
);

-- What was said while the agent was not addressed has no task yet; the next one takes it along.
CREATE INDEX messages_unadopted ON messages (session_id) WHERE position IS NULL;
