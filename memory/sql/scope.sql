-- name: set_scope
SELECT set_config('parley.user_id', $1::text, true), set_config('parley.session_id', $2::text, true),
       set_config('parley.identity', $3::text, true);

-- name: load_instance
SELECT instance_id, secret FROM instance;

-- name: ping
SELECT 1;
