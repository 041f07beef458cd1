-- Search without a model. All run inside a scope; each looks at a bounded number of rows, however many there are.

-- name: begin_reading
-- Opens, to the end of the transaction, the messages of every session that the person in scope takes part in.
SELECT set_config('parley.is_reading', 'on', true);

-- fragment: memory_candidates
-- CTEs behind one called asked (user_id, text, is_private) with at most one row. `best`: the live memories in which words of
-- the text stand, at most :value, those with the rarest words first; without the private ones unless is_private. Of each word
-- the newest 100 memories (or :value) of each visibility are looked at, and a word that stands in so many counts as standing
-- in all.
-- `counts` and `total` say how many memories have each word, of how many.
terms AS MATERIALIZED (
    SELECT u.lexeme AS word FROM asked CROSS JOIN LATERAL unnest(to_tsvector('english', left(asked.text, 4000))) u
    ORDER BY length(u.lexeme) DESC, u.lexeme LIMIT 32
), allowed AS MATERIALIZED (
    SELECT asked.user_id, v.visibility FROM asked CROSS JOIN (VALUES ('thread'), ('private')) v (visibility)
    WHERE asked.is_private OR v.visibility = 'thread'
), places AS MATERIALIZED (
    SELECT terms.word, place.memory_id
    FROM terms CROSS JOIN allowed CROSS JOIN LATERAL (
        SELECT w.memory_id FROM memory_words w
        WHERE w.user_id = allowed.user_id AND w.word = terms.word AND w.visibility = allowed.visibility
        ORDER BY w.at DESC LIMIT greatest(100, :value)
    ) place
), total AS MATERIALIZED (
    SELECT count(*)::float8 AS size
    FROM allowed CROSS JOIN LATERAL (
        SELECT FROM user_memories m
        WHERE m.user_id = allowed.user_id AND m.visibility = allowed.visibility AND m.valid_to IS NULL LIMIT greatest(100, :value)
    ) m
), counts AS MATERIALIZED (
    SELECT word, n, ln(1 + (greatest(total.size, n) - n + 0.5) / (n + 0.5)) AS weight
    FROM (SELECT word, count(*)::float8 AS n FROM places GROUP BY word) counts CROSS JOIN total
), best AS MATERIALIZED (
    SELECT places.memory_id FROM places JOIN counts USING (word)
    GROUP BY places.memory_id ORDER BY sum(counts.weight) DESC, places.memory_id LIMIT :value
)

-- name: find_memories
-- The live memories of $1 that answer $2, in no order, at most $4; $3: the private ones too.
WITH asked AS MATERIALIZED (SELECT $1::text AS user_id, $2::text AS text, $3::boolean AS is_private),
-- include: memory_candidates $4::int
SELECT array(SELECT u.lexeme FROM unnest(m.words) u JOIN terms ON terms.word = u.lexeme) AS found,
       length(m.words) AS length, total.size::int AS size,
       (SELECT jsonb_object_agg(word, n) FROM counts) AS counts, m.*
FROM best CROSS JOIN total CROSS JOIN LATERAL (
    SELECT * FROM user_memories m WHERE m.user_id = $1 AND m.memory_id = best.memory_id AND m.valid_to IS NULL OFFSET 0
) m;

-- name: find_turns
-- What of the turns in a session ($2), or in the newest 500 sessions of $1, answers $3: at most $4 turns in which its
-- words stand, and the turns ($5, $6) from which facts came. The newest 50,000 turns are looked at; how much a word tells is
-- reckoned from the newest 2,000. With $7 no shared thread of a website is among the sessions of $1 but those of $7 and those
-- whose id begins with $8. The names of speakers, and words that stand in every fourth of many turns, find nothing by
-- themselves unless there are no others.
WITH terms AS MATERIALIZED (
    SELECT lexeme AS word, parley_word_query(lexeme) AS query
    FROM unnest(to_tsvector('english', left($3::text, 4000)))
    ORDER BY length(lexeme) DESC, lexeme LIMIT 24
), places AS MATERIALIZED (
    SELECT $2::text AS session_id WHERE $2 IS NOT NULL
    UNION ALL
    SELECT mine.session_id FROM (
        SELECT p.session_id
        FROM participants p JOIN sessions s ON s.session_id = p.session_id
        WHERE $2 IS NULL AND p.user_id = $1::text
          AND ($7::text[] IS NULL OR s.channel <> 'widget' OR s.audience = 'private' OR s.session_id = ANY ($7)
               OR coalesce(starts_with(s.session_id, $8::text), false))
        ORDER BY s.updated_at DESC LIMIT 500
    ) mine
), sample AS MATERIALIZED (
    SELECT m.words, m.author_id, m.author_name
    FROM places CROSS JOIN LATERAL (
        SELECT m.words, m.author_id, m.author_name FROM messages m
        WHERE m.session_id = places.session_id AND m.role <> 'system'
        ORDER BY m.session_id DESC, m.seq DESC
    ) m LIMIT 2000
), corpus AS MATERIALIZED (
    SELECT count(*) AS size, coalesce(avg(length(words)), 1)::float8 AS mean_length FROM sample
), speakers AS MATERIALIZED (
    SELECT author_name, to_tsvector('english', author_name) AS words
    FROM sample WHERE author_id IS NOT NULL GROUP BY author_name
), named AS MATERIALIZED (
    SELECT s.author_name FROM speakers s WHERE EXISTS (SELECT FROM terms WHERE s.words @@ terms.query)
), counted AS MATERIALIZED (
    SELECT terms.word, terms.query, count(*) FILTER (WHERE sample.words @@ terms.query) AS n,
           EXISTS (SELECT FROM speakers WHERE speakers.words @@ terms.query) AS is_name
    FROM terms LEFT JOIN sample ON true GROUP BY terms.word, terms.query
), weighed AS MATERIALIZED (
    SELECT word, query, n, weight, is_plain OR NOT bool_or(is_plain AND n > 0) OVER () AS is_telling
    FROM (
        SELECT counted.*, ln(1 + (size - n + 0.5::float8) / (n + 0.5::float8)) AS weight,
               NOT is_name AND (n * 4 <= size OR size < 1000) AS is_plain
        FROM counted CROSS JOIN corpus
    ) counted
), wanted AS MATERIALIZED (
    SELECT string_agg(query::text, ' | ')::tsquery AS query FROM weighed WHERE is_telling
), best AS MATERIALIZED (
    SELECT t.session_id, t.seq
    FROM wanted CROSS JOIN corpus CROSS JOIN LATERAL (
        SELECT m.session_id, m.seq, m.words
        FROM places CROSS JOIN LATERAL (
            SELECT m.session_id, m.seq, m.words FROM messages m
            WHERE m.session_id = places.session_id AND m.role <> 'system'
            ORDER BY m.session_id DESC, m.seq DESC
        ) m LIMIT 50000
    ) t
    WHERE t.words @@ wanted.query
    ORDER BY (SELECT sum(w.weight) FROM weighed w WHERE w.is_telling AND t.words @@ w.query)
             / (1.3::float8 + 0.9::float8 * length(t.words) / corpus.mean_length) DESC, t.seq DESC
    LIMIT $4::int
), turns AS MATERIALIZED (
    SELECT session_id, seq FROM best
    UNION
    SELECT linked.session_id, linked.seq
    FROM unnest($5::text[], $6::bigint[]) linked (session_id, seq) JOIN places ON places.session_id = linked.session_id
)
SELECT corpus.size, corpus.mean_length,
       (SELECT jsonb_object_agg(word, n) FROM weighed WHERE is_telling) AS counts,
       (SELECT jsonb_agg(author_name) FROM named) AS named,
       (SELECT jsonb_agg(jsonb_build_array(m.session_id, m.seq, m.author_id, m.author_name, length(m.words), (
                   SELECT jsonb_object_agg(w.word, cardinality(u.positions))
                   FROM unnest(m.words) u JOIN weighed w ON w.word = u.lexeme AND w.is_telling
               ), before.turns, after.turns))
        FROM turns
        CROSS JOIN LATERAL (
            SELECT m.session_id, m.seq, m.author_id, m.author_name, m.words FROM messages m
            WHERE m.session_id = turns.session_id AND m.seq = turns.seq AND m.role <> 'system' OFFSET 0
        ) m
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_array(b.seq, b.author_id, b.author_name) ORDER BY b.seq DESC) AS turns
            FROM (
                SELECT b.seq, b.author_id, b.author_name FROM messages b
                WHERE b.session_id = turns.session_id AND b.seq < turns.seq AND b.role <> 'system'
                ORDER BY b.session_id DESC, b.seq DESC LIMIT 2
            ) b
        ) before
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_array(a.seq, a.author_id, a.author_name) ORDER BY a.seq) AS turns
            FROM (
                SELECT a.seq, a.author_id, a.author_name FROM messages a
                WHERE a.session_id = turns.session_id AND a.seq > turns.seq AND a.role <> 'system'
                ORDER BY a.session_id, a.seq LIMIT 2
            ) a
        ) after) AS turns
FROM corpus;

-- name: load_turns_at
-- The messages at ($1, $2), in no order.
SELECT m.session_id, m.seq, m.at, m.run_id, m.message_id, m.role, m.author_id, m.author_name, m.text, m.client_id
FROM unnest($1::text[], $2::bigint[]) place (session_id, seq) CROSS JOIN LATERAL (
    SELECT * FROM messages m WHERE m.session_id = place.session_id AND m.seq = place.seq OFFSET 0
) m;
