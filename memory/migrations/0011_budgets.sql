-- What the model costs, by scope and day, and what calls that go on may still cost. Ids and numbers, no text of people.

-- A scope is `total`, `channel:slack`, `site:shop`, `user:…`, `visitor:…` or `session:…`. `reserved` is what the calls
-- that go on may cost at most; only scopes that have a cap count it.
CREATE TABLE spend (
    scope            text    NOT NULL,
    day              date    NOT NULL,
    spent_usd        numeric NOT NULL DEFAULT 0,
    spent_tokens     bigint  NOT NULL DEFAULT 0,
    reserved_usd     numeric NOT NULL DEFAULT 0,
    reserved_tokens  bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, day)
) WITH (fillfactor = 50);
CREATE INDEX spend_by_day ON spend (day);

-- One call of the model that goes on. `scopes` are all that pay for it, `capped` those of them that have a cap.
CREATE TABLE reservations (
    reservation_id  text        PRIMARY KEY,
    worker_id       text        NOT NULL,
    day             date        NOT NULL,
    scopes          text[]      NOT NULL,
    capped          text[]      NOT NULL,
    usd             numeric     NOT NULL,
    tokens          bigint      NOT NULL,
    made_at         timestamptz NOT NULL DEFAULT now()
);

-- Undoes the reservation that a cap forbids. PB001: the scope's budget is spent. PB002: calls that go on hold the rest.
CREATE FUNCTION parley_refuse_spending(scope text, is_spent boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', scope USING ERRCODE = CASE WHEN is_spent THEN 'PB001' ELSE 'PB002' END;
END $$;
