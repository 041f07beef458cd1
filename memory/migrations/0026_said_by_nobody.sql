-- What nobody in particular said in a session, so that a run finds out at once whether the person who asks is alone there.
CREATE INDEX messages_of_nobody ON messages (session_id) WHERE role = 'user' AND author_id IS NULL;
