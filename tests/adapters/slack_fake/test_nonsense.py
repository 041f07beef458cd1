"""What no client should send."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.slack_fake.limits import Limiter
from adapters.slack_fake.web_api import METHODS, WebApi
from tests.adapters.slack_fake.test_world import Room

ROOM = Room()
TS = ROOM.say("root")
API = WebApi(ROOM.world, Limiter(ROOM.world.clock, is_on=False))
TRIGGER = "1.2"

NONSENSE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.text(max_size=6)
    | st.sampled_from(["modal", "home", "section"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "blocks", "elements", "title", "id", "status", "event_type", "accessory"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
BLOCK = st.fixed_dictionaries(
    {"type": st.sampled_from(["section", "markdown", "actions", "context_actions", "header", "context", "input"])},
    optional={"text": NONSENSE, "elements": NONSENSE, "fields": NONSENSE, "accessory": NONSENSE, "block_id": NONSENSE},
)
VIEW = st.fixed_dictionaries(
    {"type": st.sampled_from(["modal", "home"]), "blocks": NONSENSE | st.lists(BLOCK, max_size=3)},
    optional={"title": NONSENSE, "private_metadata": NONSENSE, "submit": NONSENSE},
)
ARGUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from([ROOM.channel.channel_id, "U1", "nowhere"]) | NONSENSE,
        "channel_id": st.just(ROOM.channel.channel_id) | NONSENSE,
        "ts": st.just(TS) | NONSENSE,
        "thread_ts": st.just(TS) | NONSENSE,
        "timestamp": st.just(TS) | NONSENSE,
        "user": st.just("U1") | NONSENSE,
        "user_id": st.just("U1") | NONSENSE,
        "recipient_user_id": st.just("U1"),
        "recipient_team_id": st.just("T1"),
        "view": VIEW | NONSENSE,
        "blocks": st.lists(BLOCK, max_size=3) | NONSENSE,
        "chunks": st.lists(
            st.fixed_dictionaries({"type": st.just("task_update")}, optional={"id": NONSENSE}), max_size=2
        )
        | NONSENSE,
        **dict.fromkeys(
            ["text", "markdown_text", "metadata", "files", "prompts", "attachments", "cursor", "limit", "oldest"],
            NONSENSE,
        ),
        **dict.fromkeys(
            ["latest", "users", "types", "status", "title", "name", "length", "filename", "email", "hash"], NONSENSE
        ),
    },
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.sampled_from(sorted(set(METHODS) - {"auth.revoke", "apps.uninstall"})), values=ARGUMENTS)
def test_nonsense_is_refused_and_never_breaks_the_fake(name: str, values: dict[str, Any]) -> None:
    """A crash here would look like Slack's own 500 to whoever tests against it."""
    ROOM.world.triggers[TRIGGER] = ("U1", ROOM.world.clock.now() + 3, "new")
    answer = API.call(name, ROOM.app.bot_token, {"trigger_id": TRIGGER, **values})
    assert answer.body["ok"] or answer.body["error"]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(blocks=st.lists(BLOCK | NONSENSE, max_size=3), view=VIEW, chunk=NONSENSE)
def test_nonsense_inside_a_good_call_is_refused_too(blocks: list[Any], view: dict[str, Any], chunk: Any) -> None:
    """Everything else is right, so that the checks of blocks, views and chunks are reached."""
    ROOM.world.triggers[TRIGGER] = ("U1", ROOM.world.clock.now() + 3, "new")
    people = {"recipient_user_id": "U1", "recipient_team_id": "T1"}
    place: dict[str, Any] = {
        "channel": ROOM.channel.channel_id,
        "thread_ts": TS,
        "user": "U1",
        "user_id": "U1",
        **people,
    }
    for name in ("chat.postMessage", "chat.postEphemeral", "views.open", "views.publish", "chat.startStream"):
        more = {"text": "x", "blocks": blocks, "view": view, "chunks": [chunk], "trigger_id": TRIGGER}
        answer = API.call(name, ROOM.app.bot_token, {**place, **more})
        assert answer.body["ok"] or answer.body["error"]
