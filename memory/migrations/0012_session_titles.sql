-- What people who look on read of a session; no prompt holds any of it. `titled_seq`: how far it has been read for that.
-- `title_epoch` grows when somebody's words are erased: what was made of them before is not written any more.
ALTER TABLE sessions
    ADD COLUMN summary      text,
    ADD COLUMN topics       text[] NOT NULL DEFAULT '{}',
    ADD COLUMN titled_seq   bigint NOT NULL DEFAULT 0,
    ADD COLUMN title_epoch  bigint NOT NULL DEFAULT 0;
