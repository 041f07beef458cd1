-- What a person thinks of answers goes with them, also where they never said anything.
DROP POLICY of_session ON feedback;
CREATE POLICY of_session_or_operator ON feedback USING (
    session_id = (SELECT parley_scope_or_none('session_id', '{operator}'))
    OR (SELECT parley_scope_or_none('operator', '{session_id}')) = 'on'
);
CREATE INDEX feedback_by_user ON feedback (user_id);
