-- What was told of a person as the account that came with this id, and stands in the row of who it became: names of
-- columns of `users`, and keys of attributes after a dot. They go again when the account is parted. Of links that are
-- older nobody knows: everything that both have.
ALTER TABLE former_users ADD COLUMN adopted text[] NOT NULL DEFAULT '{}';
ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
UPDATE former_users f SET adopted = '{email,first_name,last_name,timezone}' || ARRAY(
    SELECT '.' || a.key FROM users u, jsonb_object_keys(u.attributes) AS a (key) WHERE u.user_id = f.user_id
) WHERE f.became IS NOT NULL;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
