-- Whose a fact is is written down with it: what it was drawn from may be corrected, or expire. `also_of` are the other
-- user ids whose words its text holds too, where one account updated or corrected what another had told.
ALTER TABLE user_memories ADD COLUMN also_of text[] NOT NULL DEFAULT '{}';

ALTER TABLE user_memories NO FORCE ROW LEVEL SECURITY;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
UPDATE user_memories u SET account_id = m.account_id FROM messages m
WHERE u.account_id IS NULL AND m.session_id = u.source_session_id AND m.seq = u.source_seq AND m.author_id = u.user_id
  AND m.account_id IS NOT NULL;
UPDATE user_memories u SET also_of = ARRAY[coalesce(k.account_id, k.user_id)] FROM user_memories k
WHERE u.slot IS NULL AND k.user_id = u.user_id AND k.memory_id = u.supersedes
  AND k.account_id IS DISTINCT FROM u.account_id;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE user_memories FORCE ROW LEVEL SECURITY;
