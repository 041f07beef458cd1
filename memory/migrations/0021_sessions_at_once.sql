-- A statement of the task engine may be about several sessions at once. It names them all in `parley.session_ids`, and sees
-- them and no others. What is promised stays: a missing scope is an error, one of several that may open a row is none.

CREATE OR REPLACE FUNCTION parley_no_scope(name text, others text[]) RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    other text;
BEGIN
    FOREACH other IN ARRAY others || CASE WHEN 'session_id' = ANY (others) THEN '{session_ids}'::text[] END LOOP
        IF nullif(current_setting('parley.' || other, true), '') IS NOT NULL THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RAISE EXCEPTION 'no % in scope', name USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE FUNCTION parley_sessions(others text[]) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(current_setting('parley.session_ids', true), '')::text[],
                    ARRAY[parley_scope_or_none('session_id', others)])
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['run_notes', 'runs', 'turns', 'tool_calls'] LOOP
        EXECUTE format('ALTER POLICY of_session ON %I USING ((session_id = ANY ((SELECT parley_sessions(''{}''))::text[])) IS NOT DISTINCT FROM true)', name);
    END LOOP;
END $$;
ALTER POLICY of_session ON messages
    USING ((session_id = ANY ((SELECT parley_sessions('{is_reading}'))::text[])) IS NOT DISTINCT FROM true);
ALTER POLICY of_session_or_operator ON attachments USING (
    session_id = ANY ((SELECT parley_sessions('{operator}'))::text[])
    OR (SELECT parley_scope_or_none('operator', '{session_id}')) = 'on'
);
ALTER POLICY of_session_or_user ON participants USING (
    session_id = ANY ((SELECT parley_sessions('{user_id}'))::text[])
    OR user_id = (SELECT parley_scope_or_none('user_id', '{session_id}'))
);

-- Asked only where neither the sessions nor an operator are named: a sub-query here would be set up, three times over, by
-- each statement that writes to a session.
CREATE FUNCTION parley_takes_part(given text) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM participants p
        WHERE p.session_id = given AND p.user_id = parley_scope_or_none('user_id', '{session_id,operator}')
    );
END $$;
ALTER POLICY of_session_or_participant_or_operator ON sessions USING (
    session_id = ANY ((SELECT parley_sessions('{user_id,operator}'))::text[])
    OR (SELECT parley_scope_or_none('operator', '{user_id,session_id}')) = 'on'
    OR parley_takes_part(session_id)
);
