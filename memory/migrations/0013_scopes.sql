-- The scope is asked for by every policy of every statement: where it is set, no procedure runs. What is promised stays:
-- a missing scope is an error, and one of several that may open a row is none while another is set.

CREATE FUNCTION parley_no_scope(name text, others text[]) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    other text;
BEGIN
    FOREACH other IN ARRAY others LOOP
        IF nullif(current_setting('parley.' || other, true), '') IS NOT NULL THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'no % in scope', name USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE FUNCTION parley_scope(name text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('parley.' || name, true), ''), parley_no_scope(name, '{}'))
$$;
CREATE OR REPLACE FUNCTION parley_scope_or_none(name text, others text[]) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('parley.' || name, true), ''), parley_no_scope(name, others))
$$;
