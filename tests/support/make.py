"""Short ways to make records in tests."""

from agent.ids import AgentId, SessionId, UserId
from agent.records import Audience, User
from agent.tasks import Inbound

SESSION = SessionId("web:demo:t1")
ANN = User(id=UserId("ann"), first_name="Ann")
BOB = User(id=UserId("bob"), first_name="Bob")


def inbound(
    text: str,
    *,
    key: str | None = None,
    user: User | None = ANN,
    session_id: SessionId = SESSION,
    max_waiting: int | None = None,
) -> Inbound:
    """A message as an adapter hands it in; its key is its text unless one is given."""
    return Inbound(
        channel="widget",
        tenant="demo",
        session_id=session_id,
        audience=Audience.SHARED,
        agent_id=AgentId("assistant"),
        user=user,
        author_name=user.display_name if user else "Somebody",
        text=text,
        dedupe_key=key or text,
        max_waiting=max_waiting,
    )
