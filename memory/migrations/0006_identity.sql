-- People who turn out to be one, codes by which they prove it, and ids that are nobody's any more.

-- A user id that is not in use any more: it became another person's (accounts were linked), or its person was erased.
-- Of an erased id only the hash is kept, so that it is never given out again and nothing is written under it.
CREATE TABLE former_users (
    hash     bytea       PRIMARY KEY,
    user_id  text,
    became   text,
    at       timestamptz NOT NULL DEFAULT now(),
    report   jsonb
);
CREATE INDEX former_users_became ON former_users (became) WHERE became IS NOT NULL;

-- What other processes have to know: whose id changed its meaning. Read for a minute, and then not needed.
CREATE TABLE user_changes (
    hash  bytea       NOT NULL,
    kind  text        NOT NULL CHECK (kind IN ('merged', 'split', 'erased')),
    at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX user_changes_at ON user_changes (at);

CREATE FUNCTION parley_user_hash(given text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(given, 'UTF8'))
$$;

-- Whether an id is nobody's any more. Until the transaction ends nobody can link or erase the person: a shared lock is
-- held, and the table is read after it was got, which a plain sub-select of the same statement would not do.
CREATE FUNCTION parley_is_former(given text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7263, hashtext(given));
    RETURN EXISTS (SELECT FROM former_users f WHERE f.hash = parley_user_hash(given));
END $$;

-- Who a user id is now. Nobody (none) stays nobody; an erased person raises no_data_found. Locks as above.
CREATE FUNCTION parley_current_user(given text) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    who text := given;
    heir text;
BEGIN
    WHILE who IS NOT NULL LOOP
        PERFORM pg_advisory_xact_lock_shared(7263, hashtext(who));
        SELECT f.became INTO heir FROM former_users f WHERE f.hash = parley_user_hash(who);
        IF NOT FOUND THEN
            RETURN who;
        ELSIF heir IS NULL THEN
            RAISE EXCEPTION 'this person was erased' USING ERRCODE = 'no_data_found';
        END IF;
        who := heir;
    END LOOP;
    RETURN NULL;
END $$;

-- Accounts. `origin_id` is the user an account was with before it was linked, and goes back to. `proven_email` is an
-- attribute that its channel vouches for now; `is_kept_apart` says that a link was undone, and is not to come by itself.
ALTER TABLE identities
    ADD COLUMN identity_id   text NOT NULL DEFAULT 'idn_' || replace(gen_random_uuid()::text, '-', ''),
    ADD COLUMN origin_id     text,
    ADD COLUMN proof         text CHECK (proof IN ('site', 'email', 'code')),
    ADD COLUMN proven_email  text,
    ADD COLUMN is_kept_apart boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX identities_by_id ON identities (identity_id);
CREATE INDEX identities_by_email ON identities (proven_email) WHERE proven_email IS NOT NULL;
DROP POLICY of_identity_or_user ON identities;
CREATE POLICY of_identity_or_user_or_email ON identities USING (
    user_id = (SELECT parley_scope_or_none('user_id', '{identity,email}'))
    OR tenant || chr(31) || channel || chr(31) || external_id = (SELECT parley_scope_or_none('identity', '{user_id,email}'))
    OR proven_email = (SELECT parley_scope_or_none('email', '{user_id,identity}'))
);

-- Provenance: under which former id something was said, joined or remembered.
ALTER TABLE messages ADD COLUMN account_id text;
ALTER TABLE participants ADD COLUMN account_id text;
ALTER TABLE user_memories ADD COLUMN account_id text;

-- Memories go to another person in one case only: that person is the same, and the transaction that links them says so.
CREATE POLICY to_heir ON user_memories USING (
    (user_id = (SELECT nullif(current_setting('parley.heir', true), ''))) IS NOT DISTINCT FROM true
);

CREATE POLICY to_heir ON memory_words USING (
    (user_id = (SELECT nullif(current_setting('parley.heir', true), ''))) IS NOT DISTINCT FROM true
);

-- A fact that was on its way while its person was linked goes along; while its person was erased it is not written.
CREATE FUNCTION parley_follow_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who text;
BEGIN
    IF NOT parley_is_former(NEW.user_id) THEN
        RETURN NEW;
    END IF;
    BEGIN
        who := parley_current_user(NEW.user_id);
    EXCEPTION WHEN no_data_found THEN
        RETURN NULL;
    END;
    NEW.account_id := coalesce(NEW.account_id, NEW.user_id);
    NEW.user_id := who;
    PERFORM set_config('parley.user_id', who, true);
    RETURN NEW;
END $$;
CREATE TRIGGER follow_person BEFORE INSERT ON user_memories FOR EACH ROW EXECUTE FUNCTION parley_follow_person();

-- A code that is said on another channel. Neither it nor anything it could be guessed from is here: `digest` is keyed.
CREATE TABLE link_codes (
    selector    bytea       PRIMARY KEY,
    digest      bytea       NOT NULL,
    user_id     text        NOT NULL UNIQUE,
    expires_at  timestamptz NOT NULL
);

-- How often a person tried something in the current span.
CREATE TABLE user_tries (
    user_id  text        NOT NULL,
    kind     text        NOT NULL,
    count    int         NOT NULL,
    since    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, kind)
);
