-- Slack: the workspaces that the app was installed in, which of them a shared conversation belongs to, and the limits
-- that all processes keep together.

-- `sealed` holds the tokens, encrypted; none once they are worth nothing. `version` counts the tokens. Whoever has
-- `refreshing_until` in the future renews them.
CREATE TABLE slack_installations (
    installation      text        PRIMARY KEY,
    sealed            bytea,
    about             jsonb       NOT NULL,
    version           bigint      NOT NULL DEFAULT 1,
    expires_at        timestamptz,
    refreshing_until  timestamptz,
    installed_at      timestamptz NOT NULL DEFAULT now(),
    ended_at          timestamptz,
    ended_by          text
);

-- A conversation shared between companies may be seen by several installations. The first one that told of it keeps it,
-- so that its threads stay one session each.
CREATE TABLE slack_shared (
    conversation  text        PRIMARY KEY,
    installation  text        NOT NULL,
    team          text        NOT NULL,
    bot_user      text,
    at            timestamptz NOT NULL DEFAULT now()
);

-- One token bucket per installation and method. Nothing is lost with them but a moment's memory, so they are not logged.
CREATE UNLOGGED TABLE slack_buckets (
    name           text        PRIMARY KEY,
    tokens         float8      NOT NULL,
    at             timestamptz NOT NULL,
    blocked_until  timestamptz
) WITH (fillfactor = 50);

-- An answer may have to wait for its turn or for a token, but not for ever.
ALTER TABLE outbox ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();

-- What is past retention is found by its time.
CREATE INDEX slack_posts_at ON slack_posts USING brin (at);
CREATE INDEX slack_feedback_at ON slack_feedback USING brin (at);
