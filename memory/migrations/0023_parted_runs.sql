-- Accounts that are parted while a run of theirs goes on, and merged memories that go where a person goes.

-- The run has seen what belongs to two people now: it writes nothing of either any more.
ALTER TABLE tasks ADD COLUMN is_parted boolean NOT NULL DEFAULT false;

-- What made memories fewer can be undone by whoever has the memories.
CREATE POLICY to_heir ON memory_optimizations USING (
    (user_id = (SELECT nullif(current_setting('parley.heir', true), ''))) IS NOT DISTINCT FROM true
);
