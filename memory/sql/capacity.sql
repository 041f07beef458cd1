-- name: load_connection_room
-- How many connections the server takes from this role on this database, those that are open now left out.
SELECT least(
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - current_setting('reserved_connections')::int,
    (SELECT nullif(d.datconnlimit, -1) FROM pg_database d WHERE d.datname = current_database()),
    (SELECT nullif(r.rolconnlimit, -1) FROM pg_roles r WHERE r.rolname = session_user)
) - (SELECT sum(numbackends) - 1 FROM pg_stat_database)::int;
