"""Who may call the API, and for what."""

import pytest

from adapters.api.tokens import ApiToken, Scope, find_token
from tests.adapters.api.caller import OPERATOR, OTHER, TASKS, TASKS_PATH, Caller, error_of
from tests.adapters.api.fake import FakeGateway

SECRET = TASKS.secret


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {SECRET}",
        SECRET,
        f"Bearer {SECRET[:-1]}",
        f"Bearer {SECRET}x",
        f"Bearer {SECRET.upper()}",
        f"Bearer {SECRET} {SECRET}",
        "Bearer \xff\xfe",
        f"Bearer\t{SECRET}",
    ],
)
async def test_a_wrong_token_opens_nothing(gateway: FakeGateway, caller: Caller, header: str) -> None:
    """Whatever is wrong with it, the answer is the same. Proves: API-9."""
    headers = {b"authorization": header.encode("latin-1")}
    response = await caller.client.post(TASKS_PATH, json={"prompt": "Hi"}, headers=headers)

    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer realm="parley"')
    assert error_of(response) == {
        "code": "unauthorized",
        "message": "Authorization: expected Bearer and a valid token",
        "field": "Authorization",
    }
    assert gateway.accepted == []


async def test_a_caller_without_a_token_is_asked_for_one_before_anything_is_read(caller: Caller) -> None:
    """A stranger learns neither what is wrong with a body nor whether a thing exists. Proves: API-9."""
    del caller.client.headers["authorization"]

    for response in (
        await caller.client.post(TASKS_PATH, content=b"{"),
        await caller.get("/api/v1/tasks/task_1"),
        await caller.get("/api/v1/sessions/web:demo:t/messages"),
    ):
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == 'Bearer realm="parley"'


async def test_only_an_operator_lists_all_sessions(gateway: FakeGateway, caller: Caller, operator: Caller) -> None:
    """A program that gives tasks knows its own sessions' names; the list of all is a different right. Proves: API-9."""
    gateway.add_session("web:demo:t")

    refused, listed = await caller.get("/api/v1/sessions"), await operator.get("/api/v1/sessions")

    assert (refused.status_code, error_of(refused)["code"]) == (403, "forbidden")
    assert listed.status_code == 200
    assert (await operator.give()).status_code == 202


def test_a_token_is_found_by_its_secret_alone() -> None:
    """However the scheme is spelt. Proves: API-9."""
    tokens = [TASKS, OTHER, OPERATOR]

    assert [find_token(tokens, f"bEARER {token.secret}") for token in tokens] == tokens
    assert find_token([], f"Bearer {SECRET}") is None


def test_a_token_never_shows_its_secret() -> None:
    """Records end up in logs. Proves: API-9."""
    assert SECRET not in repr(TASKS)


@pytest.mark.parametrize("secret", ["", "short", "x" * 15, "sixteen chars ok", "\xe4" * 20])
def test_a_token_with_a_weak_secret_cannot_be_made(secret: str) -> None:
    """A blank or guessable secret stops the start instead of opening the door, and is not told. Proves: API-9."""
    with pytest.raises(ValueError, match="API token shop: expected a secret of at least 16") as caught:
        ApiToken(name="shop", secret=secret, scopes=frozenset({Scope.TASKS}))
    assert not secret or secret not in str(caught.value)


def test_a_token_without_a_name_or_a_right_cannot_be_made() -> None:
    """Keys are told apart by the names, and a token for nothing is a mistake. Proves: API-9."""
    with pytest.raises(ValueError, match="expected a name"):
        ApiToken(name="", secret=SECRET, scopes=frozenset({Scope.TASKS}))
    with pytest.raises(ValueError, match="expected at least one scope"):
        ApiToken(name="shop", secret=SECRET, scopes=frozenset())
