"""Threads and memories put straight into the database, where talking would take too long."""

import asyncpg

from agent.ids import SessionId, UserId

ADD_SESSION = """
INSERT INTO sessions (session_id, channel, tenant, agent_id, audience, next_seq)
VALUES ($1, 'widget', 'demo', 'assistant', $2, 1) ON CONFLICT DO NOTHING
"""
ADD_TURNS = """
INSERT INTO messages (session_id, seq, message_id, role, author_id, author_name, text)
SELECT $1, n, md5($1 || n), CASE WHEN author_id = '' THEN 'assistant' ELSE 'user' END, nullif(author_id, ''), name, text
FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY turn (author_id, name, text, n)
"""
ADD_MEMORY = """
INSERT INTO user_memories (user_id, memory_id, memory, hash, visibility, slot, source_session_id, source_seq)
VALUES ($1, 'mem_' || md5($1 || $2), $2, sha256(convert_to($2, 'UTF8')), $3, $4, $5, $6)
"""


async def add_thread(
    url: str,
    session_id: str,
    turns: list[tuple[str, str]],
    *,
    people: tuple[str, ...] = ("ann",),
    audience: str = "shared",
) -> SessionId:
    """A thread with these (author, text); an author's id is the name in small letters, and "" is the agent."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(ADD_SESSION, session_id, audience)
        for person in people:
            await connection.execute(
                "INSERT INTO participants (session_id, user_id) VALUES ($1, $2)", session_id, person
            )
        authors = [name.lower() for name, _ in turns]
        names = [name or "Assistant" for name, _ in turns]
        await connection.execute(ADD_TURNS, session_id, authors, names, [text for _, text in turns])
    finally:
        await connection.close()
    return SessionId(session_id)


async def add_memory(
    url: str,
    user_id: UserId,
    text: str,
    *,
    visibility: str = "private",
    slot: str | None = None,
    source: tuple[str, int] | None = None,
) -> None:
    """A memory, from the turn `source` where there is one."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(ADD_MEMORY, user_id, text, visibility, slot, *(source or (None, None)))
    finally:
        await connection.close()
