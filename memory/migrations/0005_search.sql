-- Search without a model: the words of what was said and of what is remembered.

-- One word as a query for exactly that word, whatever characters it has.
CREATE FUNCTION parley_word_query(word text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ('''' || replace(replace(word, '\', '\\'), '''', '''''') || '''')::tsquery;

-- What was said ----------------------------------------------------------------------------------------------------

-- No index: under row level security the planner may use none for `@@`. A search reads a bounded number of turns by
-- their key instead. The longest texts are searchable by their beginning.
ALTER TABLE messages ADD COLUMN words tsvector GENERATED ALWAYS AS (to_tsvector('english', left(text, 20000))) STORED;

-- A person may look through all threads they take part in, by a statement that says so (parley.is_reading).
ALTER POLICY of_session ON messages
    USING ((session_id = (SELECT parley_scope_or_none('session_id', '{is_reading}'))) IS NOT DISTINCT FROM true);
CREATE POLICY of_reader ON messages FOR SELECT USING (
    session_id IN (
        SELECT p.session_id FROM participants p
        WHERE (SELECT parley_scope_or_none('is_reading', '{session_id}')) = 'on'
          AND p.user_id = (SELECT parley_scope_or_none('user_id', '{session_id}'))
    )
);

-- What is remembered -----------------------------------------------------------------------------------------------

-- Where each word stands: equality on these columns may use an index under row level security, `@@` may not. So a
-- turn's search in a person's memories costs the same at ten and at ten thousand.
CREATE TABLE memory_words (
    user_id     text        NOT NULL,
    memory_id   text        NOT NULL,
    word        text        NOT NULL,
    visibility  text        NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (user_id, memory_id, word)
);
CREATE INDEX memory_words_newest ON memory_words (user_id, word, visibility, at DESC) INCLUDE (memory_id);
CREATE INDEX memories_newest_of ON user_memories (user_id, visibility, updated_at DESC) WHERE valid_to IS NULL;

CREATE POLICY of_user ON memory_words
    USING ((user_id = (SELECT parley_scope('user_id'))) IS NOT DISTINCT FROM true);
ALTER TABLE memory_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE memory_words FORCE ROW LEVEL SECURITY;

CREATE FUNCTION parley_index_memory() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM memory_words w WHERE w.user_id = OLD.user_id AND w.memory_id = OLD.memory_id;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.valid_to IS NULL THEN
        INSERT INTO memory_words (user_id, memory_id, word, visibility, at)
        SELECT NEW.user_id, NEW.memory_id, lexeme, NEW.visibility, NEW.updated_at FROM unnest(NEW.words);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER index_memory
AFTER INSERT OR DELETE OR UPDATE OF user_id, memory_id, memory, visibility, valid_to, updated_at ON user_memories
FOR EACH ROW EXECUTE FUNCTION parley_index_memory();

ALTER TABLE user_memories NO FORCE ROW LEVEL SECURITY;
ALTER TABLE memory_words NO FORCE ROW LEVEL SECURITY;
INSERT INTO memory_words (user_id, memory_id, word, visibility, at)
SELECT m.user_id, m.memory_id, w.lexeme, m.visibility, m.updated_at
FROM user_memories m, unnest(m.words) w WHERE m.valid_to IS NULL;
ALTER TABLE memory_words FORCE ROW LEVEL SECURITY;
ALTER TABLE user_memories FORCE ROW LEVEL SECURITY;
