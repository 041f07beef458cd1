"""`parley doctor` says what is wrong in one line each, and changes nothing by looking."""

import asyncio
import fcntl
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from gateway.doctor import Finding, Level, check_slack, check_variables, examine
from gateway.doctor_places import find_database_faults, find_embedded_faults, find_port_fault
from gateway.settings import load_settings
from memory.migrate import load_migrations
from tests.gateway.configuring import SITE, TOKEN, go_to_bare_place
from tests.support.database import new_database

KEY = "sk-ant-api03-Zk4Tq9XwLm2Rv7Yb5Nc8PdJ4sGf6Ea1"


@pytest.fixture(autouse=True)
def bare_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory, none of our variables, and a port that is free."""
    go_to_bare_place(monkeypatch, tmp_path)
    for name in [name for name in os.environ if name.startswith("PARLEY_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PARLEY_PORT", "0")


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which something listens and does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@asynccontextmanager
async def answering(body: bytes) -> AsyncIterator[int]:
    """The port of a server that answers every request with 200."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_a_bus_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway goes on without it, and windows on other nodes would see answers late for no visible reason."""
    monkeypatch.setenv("PARLEY_BUS_URL", "redis://:sesame-open-9@127.0.0.1:1/0")
    lines = [finding.line for finding in await examine() if "BUS" in finding.about]
    assert lines == ["error    PARLEY_BUS_URL: not reachable (ConnectionError)"]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ({"ok": True}, "ok       https://slack.com/api/: it takes SLACK_BOT_TOKEN"),
        (
            {"ok": False, "error": "token_revoked"},
            "error    https://slack.com/api/: it does not take SLACK_BOT_TOKEN (token_revoked)",
        ),
    ],
)
async def test_slack_is_asked_whether_it_takes_the_token(
    monkeypatch: pytest.MonkeyPatch, body: dict[str, object], line: str
) -> None:
    """A revoked token else shows when the first answer is not posted. Proves: SL-31."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", f"xoxb-{TOKEN}")
    monkeypatch.setenv("SLACK_SIGNING_SECRET", TOKEN)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=body))
    assert line in [finding.line for finding in await examine(may_call_model=True, transport=transport)]


async def bad(*, may_call_model: bool = False) -> list[str]:
    """What the doctor finds that is not well."""
    async with asyncio.timeout(20):
        findings = await examine(may_call_model=may_call_model)
    return [finding.line for finding in findings if finding.level is not Level.OK]


async def test_nothing_set_is_nothing_wrong(tmp_path: Path) -> None:
    """And looking leaves no trace. Proves: OP-7."""
    assert await bad() == []
    assert list(tmp_path.iterdir()) == []


async def test_a_wrong_environment_is_told_in_one_line_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variable, what was expected, what was found; nothing else can be looked at then. Proves: OP-7."""
    monkeypatch.setenv("PARLEY_PORT", "http")
    monkeypatch.setenv("DATABASE_URL", "")
    assert await bad() == [
        "error    environment: DATABASE_URL: expected an address such as postgresql://user:password@host/database; "
        "found a blank value",
        "error    environment: PARLEY_PORT: expected a whole number; found other text",
    ]


async def test_a_variable_that_means_nothing_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the pen in its name would else go unnoticed."""
    monkeypatch.setenv("PARLEY_OPERATOR_TOKN", TOKEN)
    assert await bad() == ["warning  environment: PARLEY_OPERATOR_TOKN is set, and means nothing here"]
    assert list(check_variables({"PARLEY_PORT": "1", "PATH": "/"})) == []


async def test_a_wrong_file_is_told_and_the_rest_is_still_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that can be said is said in one go."""
    Path("parley.toml").write_text(f"{SITE}colour = 'red'\n")
    monkeypatch.setenv("PARLEY_DATA_DIR", "parley.toml")
    told = await bad()
    assert "error    parley.toml: sites[0].colour: unknown key; did you mean color?" in told
    assert any(line.startswith("error    embedded database: ") for line in told)


async def test_what_may_surprise_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway for everybody without a site serves no widget."""
    monkeypatch.setenv("PARLEY_HOST", "0.0.0.0")
    (line,) = await bad()
    assert line.startswith("warning  no configuration file: no website is configured")


class TestDatabase:
    """`DATABASE_URL`."""

    async def test_a_migrated_database_is_well(self, database_url: str) -> None:
        """As the gateway would open it."""
        assert await find_database_faults(database_url) == []

    async def test_migrations_that_wait_are_named(self, postgres_url: str) -> None:
        """Not an error: the next start applies them. They are not applied by asking."""
        async with new_database(postgres_url, is_migrated=False) as url:
            for _ in range(2):
                ((is_fatal, text),) = await find_database_faults(url)
                assert not is_fatal
                assert load_migrations()[0].name in text

    async def test_a_database_that_is_away_is_told(self, taken_port: int) -> None:
        """Refused, unknown, silent: one line, no traceback, no password."""
        for url in ("postgresql://x:hunter2@127.0.0.1:1/y", "postgresql://x:hunter2@host.invalid/y"):
            ((is_fatal, text),) = await find_database_faults(url)
            assert is_fatal
            assert text.startswith("not reachable: ")
            assert "hunter2" not in text
            assert "\n" not in text


class TestPlaces:
    """The data directory and the port."""

    def test_a_directory_in_use_is_told_with_its_holder(self, tmp_path: Path) -> None:
        """Whoever wonders why a second gateway does not start. Looking does not take the lock away."""
        with (tmp_path / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            ((is_fatal, text),) = find_embedded_faults(tmp_path)
            assert (is_fatal, text) == (False, f"{tmp_path} is in use by a gateway (process {os.getpid()})")
        assert find_embedded_faults(tmp_path) == []

    def test_a_place_that_is_no_directory_is_told(self, tmp_path: Path) -> None:
        """A file of the same name is easily there."""
        (tmp_path / "file").touch()
        for place in (tmp_path / "file", tmp_path / "file" / "below"):
            ((is_fatal, text),) = find_embedded_faults(place)
            assert is_fatal
            assert str(tmp_path / "file") in text

    async def test_a_port_that_is_taken_is_told(self, monkeypatch: pytest.MonkeyPatch, taken_port: int) -> None:
        """By something that does not answer as a gateway does."""
        monkeypatch.setenv("PARLEY_PORT", str(taken_port))
        (line,) = await bad()
        assert line.startswith(f"error    127.0.0.1:{taken_port}: cannot listen there: Address already in use")

    async def test_a_port_with_a_gateway_on_it_is_no_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """People ask the doctor about gateways that run, too."""
        async with answering(b"{}") as port:
            monkeypatch.setenv("PARLEY_PORT", str(port))
            assert await bad() == [f"warning  127.0.0.1:{port}: a gateway is up there already"]

    def test_an_address_that_is_not_ours_is_told(self) -> None:
        """TEST-NET-3 belongs to nobody."""
        assert "Cannot assign" in (find_port_fault("203.0.113.7", 0) or "")
        assert find_port_fault("::1", 0) is None or "Cannot assign" in (find_port_fault("::1", 0) or "")


class TestKeys:
    """The model's key, and Slack's."""

    async def test_a_key_of_another_make_is_pointed_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is often the key of another vendor."""
        monkeypatch.setenv("ANTHROPIC_API_KEY", TOKEN)
        (line,) = await bad()
        assert line.startswith("warning  ANTHROPIC_API_KEY: expected a key that begins with sk-ant-")

    async def test_a_server_without_a_key_is_pointed_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its owner believes that it answers, and the demo model does."""
        monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
        (line,) = await bad()
        assert line.startswith("warning  ANTHROPIC_BASE_URL: ")

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("SLACK_BOT_TOKEN", f"xapp-{TOKEN}", "expected a token that begins with xoxb-"),
            ("SLACK_APP_TOKEN", f"xoxb-{TOKEN}", "expected a token that begins with xapp-"),
            ("SLACK_SIGNING_SECRET", f"xoxb-{TOKEN}", "expected the signing secret; found a token"),
        ],
    )
    def test_slacks_secrets_in_each_others_place_are_told(
        self, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
    ) -> None:
        """All three are copied from the same pages."""
        for one, good in (("BOT_TOKEN", f"xoxb-{TOKEN}"), ("APP_TOKEN", f"xapp-{TOKEN}"), ("SIGNING_SECRET", TOKEN)):
            monkeypatch.setenv(f"SLACK_{one}", good)
        assert list(check_slack(load_settings())) == []
        monkeypatch.setenv(name, value)
        assert list(check_slack(load_settings())) == [Finding(level=Level.ERROR, about=name, text=expected)]


class TestOnline:
    """`--online` asks the model's server, and nobody else does."""

    @pytest.mark.parametrize(
        ("status", "level", "said"),
        [
            (200, Level.OK, "takes the key"),
            (401, Level.ERROR, "does not take the key"),
            (403, Level.ERROR, "does not take the key"),
            (404, Level.WARNING, "no list of models"),
            (529, Level.WARNING, "answered 529"),
        ],
    )
    async def test_the_key_is_tried(
        self, monkeypatch: pytest.MonkeyPatch, status: int, level: Level, said: str
    ) -> None:
        """The list of models costs nothing."""
        asked: list[httpx2.Request] = []

        def answer(request: httpx2.Request) -> int:
            asked.append(request)
            return status

        finding = next(one for one in await self.ask(monkeypatch, answer) if one.about.startswith("https://model"))
        assert finding.level is level
        assert said in finding.text
        assert asked[0].headers["x-api-key"] == KEY
        assert str(asked[0].url) == "https://model.example/base/v1/models?limit=1"

    async def test_a_model_that_is_not_there_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A misspelt model would fail at the first question."""
        findings = await self.ask(monkeypatch, lambda request: 404 if "haiku" in request.url.path else 200)
        assert findings[-1].level is Level.ERROR
        assert findings[-1].text == "it has no model claude-haiku-5-5"

    async def test_a_server_that_is_away_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """In one line."""
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
        assert await bad(may_call_model=True) == ["error    http://127.0.0.1:1: not reachable (ConnectError)"]

    @pytest.mark.parametrize(("window", "is_told"), [(8_500, True), (200_000, False), (None, False)])
    async def test_a_window_that_the_agent_does_not_fit_in_is_told(
        self, monkeypatch: pytest.MonkeyPatch, window: int | None, is_told: bool
    ) -> None:
        """Only its server knows it; else nobody would ever be answered. Proves: CX-1."""
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://model.example/base/")
        Path("parley.toml").write_text(
            f'[[agents]]\nid = "a"\nmodel = "small"\ninstructions = "{"kind words " * 500}"\n', encoding="utf-8"
        )
        transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json={"max_input_tokens": window}))
        found = [f for f in await examine(may_call_model=True, transport=transport) if f.level is Level.ERROR]
        told = [finding.text for finding in found if "window of small" in finding.text]
        begins = "the window of small has 8500 tokens; instructions"
        assert [text.startswith(begins) for text in told] == [True] * is_told

    async def ask(self, monkeypatch: pytest.MonkeyPatch, status_of: Callable[[httpx2.Request], int]) -> list[Finding]:
        """The findings about a server that answers so."""
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://model.example/base/")
        transport = httpx2.MockTransport(lambda request: httpx2.Response(status_of(request), json={}))
        return [f for f in await examine(may_call_model=True, transport=transport) if "model.example" in f.about]
