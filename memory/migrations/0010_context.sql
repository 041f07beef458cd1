-- What keeps a prompt small: excerpts of long results, summaries of older runs, and what the last prompt was billed.

-- `excerpt` is what stands in the prompt for a long result (none: the result itself does). It is made once, so that the
-- prompt stays word for word what it was; `result` is whole for ever.
ALTER TABLE tool_calls ADD COLUMN excerpt text;
CREATE INDEX tool_calls_by_id ON tool_calls (session_id, call_id);

-- What stood in the window when the run's last call ended, by the vendor's bill and by our own measure: the two give the
-- size of the next request without asking anybody.
ALTER TABLE runs
    ADD COLUMN context_tokens  bigint NOT NULL DEFAULT 0,
    ADD COLUMN context_bytes   bigint NOT NULL DEFAULT 0;

-- `summary` stands in prompts for the runs up to the position `upto`. `opening` is the run whose words are kept as they
-- were said. The rows that were summarised stay; a summary can be deleted at any time, and then they are seen again.
CREATE TABLE compactions (
    session_id     text        NOT NULL,
    upto           bigint      NOT NULL,
    opening        bigint,
    strategy       text        NOT NULL CHECK (strategy IN ('summarization', 'context')),
    summary        jsonb       NOT NULL,
    model          text        NOT NULL,
    tokens_before  bigint      NOT NULL,
    tokens_after   bigint      NOT NULL,
    cost_usd       numeric     NOT NULL,
    made_at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, upto)
);
CREATE POLICY of_session ON compactions
    USING ((session_id = (SELECT parley_scope('session_id'))) IS NOT DISTINCT FROM true);
ALTER TABLE compactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE compactions FORCE ROW LEVEL SECURITY;
