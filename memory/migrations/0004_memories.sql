-- Memories as people and programs handle them, and durable work that is put off only so long.

-- An id names one memory of one person: nobody can take another's id, however it is asked for.
CREATE UNIQUE INDEX memories_by_id ON user_memories (memory_id);

-- `replaced_by`: the memory that took this one's place; history goes with it when it is deleted.
ALTER TABLE user_memories
    ADD COLUMN replaced_by   text,
    ADD COLUMN is_pinned     boolean NOT NULL DEFAULT false,
    ADD COLUMN model         text,
    ADD COLUMN last_used_at  timestamptz;
CREATE INDEX memories_replaced ON user_memories (user_id, replaced_by) WHERE replaced_by IS NOT NULL;

-- What made many memories fewer, so that it can be undone. `made` are the memories that it wrote; theirs are the rows
-- whose `replaced_by` names one of them.
CREATE TABLE memory_optimizations (
    user_id          text        NOT NULL,
    optimization_id  text        NOT NULL,
    strategy         text        NOT NULL,
    made             text[]      NOT NULL,
    count_before     int         NOT NULL,
    count_after      int         NOT NULL,
    tokens_before    int         NOT NULL,
    tokens_after     int         NOT NULL,
    made_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, optimization_id)
);
CREATE POLICY of_user ON memory_optimizations
    USING ((user_id = (SELECT parley_scope('user_id'))) IS NOT DISTINCT FROM true);
ALTER TABLE memory_optimizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE memory_optimizations FORCE ROW LEVEL SECURITY;

-- `asked_at`: since when the work waits, so that words that keep coming put it off only so long (infinity: it was taken
-- and not asked for since). `locked_until`: whose work it is, or how long a failed try is left alone.
ALTER TABLE jobs
    ADD COLUMN asked_at      timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN locked_until  timestamptz NOT NULL DEFAULT '-infinity';
