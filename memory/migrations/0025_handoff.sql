-- A conversation that a person of the team is asked into, or has. `mode` stands with the lease, which is locked before
-- anything else of a session: so every message is either answered by the agent or kept, and never both.

ALTER TABLE session_leases
    ADD COLUMN mode        text NOT NULL DEFAULT 'agent' CHECK (mode IN ('agent', 'waiting', 'human')),
    ADD COLUMN mode_until  timestamptz;
CREATE INDEX leases_handed_off ON session_leases (mode_until) WHERE mode <> 'agent';

-- Every change of the mode, as people see it. `name` is the operator's; `reason` and `summary` are the agent's words.
CREATE TABLE handoffs (
    session_id  text        NOT NULL,
    seq         bigint      NOT NULL,
    mode        text        NOT NULL CHECK (mode IN ('agent', 'waiting', 'human')),
    run_id      text,
    name        text,
    reason      text,
    summary     text,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, seq)
);
CREATE POLICY of_session_or_operator ON handoffs USING (
    session_id = (SELECT parley_scope_or_none('session_id', '{operator}'))
    OR (SELECT parley_scope_or_none('operator', '{session_id}')) = 'on'
);
ALTER TABLE handoffs ENABLE ROW LEVEL SECURITY;
ALTER TABLE handoffs FORCE ROW LEVEL SECURITY;
