-- What stands in every memory block is looked up apart from all else that is remembered.
CREATE INDEX memories_pinned ON user_memories (user_id, visibility, updated_at DESC)
    WHERE valid_to IS NULL AND (is_pinned OR slot IS NOT NULL);
