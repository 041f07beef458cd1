-- What is past its time is found across people, by a statement that says so; it is deleted in each person's own scope.
CREATE POLICY past_retention ON user_memories FOR SELECT USING (
    current_setting('parley.retention', true) = 'on' AND updated_at < now() - interval '12 hours'
);
CREATE INDEX memories_by_age ON user_memories (updated_at);
