"""`parley chat` loses nothing and repeats nothing, whatever becomes of its connection, and says why it is refused."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.chat import Chat, ChatEndedError, ChatOptions, backoff, read_lines
from tests.gateway.terminal import FAR, Terminal
from tests.widget.fake_server import FakeGateway, serving

COMMAND = (sys.executable, "-m", "gateway.cli", "chat", "--thread", "x", "--url")


class HaltingAnswer(list[str]):
    """Pieces of an answer; the first time the gateway is held up after the first of them."""

    def __init__(self, gate: asyncio.Event, pieces: list[str]) -> None:
        super().__init__(pieces)
        self._gate: asyncio.Event | None = gate

    def __iter__(self) -> Iterator[str]:
        first, *rest = super().__iter__()
        yield first
        if self._gate is not None:
            self._gate.clear()
            self._gate = None
        yield from rest


def at_once() -> Iterator[float]:
    """No wait before each try."""
    while True:
        yield 0.0


@asynccontextmanager
async def chatting(
    gateway: FakeGateway, terminal: Terminal, *, is_interactive: bool = True, **options: str
) -> AsyncIterator[asyncio.Task[int]]:
    """Somebody at the terminal, talking to the gateway."""
    chosen = ChatOptions(url=gateway.url, site="demo", **options)
    chat = Chat(chosen, terminal, is_interactive=is_interactive, delays=at_once)
    running = asyncio.create_task(chat.run(terminal.lines()))
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def done(running: asyncio.Task[int]) -> int:
    """The exit code."""
    async with asyncio.timeout(FAR):
        return await running


@pytest.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    """A gateway that holds every client to the protocol."""
    async with serving() as gateway:
        yield gateway


class TestPiped:
    """Lines from a pipe."""

    async def test_each_line_is_answered_before_the_next_and_the_last_before_the_end(
        self, gateway: FakeGateway
    ) -> None:
        """So that a script gets whole answers in order, and never more turns than may wait."""
        terminal = Terminal()
        terminal.type("one", "two")
        terminal.close()
        async with chatting(gateway, terminal, is_interactive=False, name="Ann", thread="lobby") as running:
            assert await done(running) == 0
        assert terminal.shown == "Parley: You said: one.\nParley: You said: two.\n".replace("Parley", "Assistant", 1)
        assert gateway.texts() == ["one", "You said: one.", "two", "You said: two."]
        hello = gateway.sent("hello")[0]
        assert (hello["name"], hello["thread"], hello["cursor"], hello["site"]) == ("Ann", "lobby", 0, "demo")
        assert terminal.remarks == []

    async def test_what_was_refused_for_good_ends_in_a_failure(self, gateway: FakeGateway) -> None:
        """A script has to notice. The sentence is the gateway's."""
        gateway.nacks = [{"code": "invalid", "message": "text: expected at most 5 characters"}]
        terminal = Terminal()
        terminal.type("too long", "ok")
        terminal.close()
        async with chatting(gateway, terminal, is_interactive=False) as running:
            assert await done(running) == 1
        assert terminal.remarks == ["not sent: text: expected at most 5 characters"]
        assert gateway.texts() == ["ok", "You said: ok."]

    async def test_what_was_refused_for_now_is_sent_again(self, gateway: FakeGateway) -> None:
        """Under the same id, after the time that the gateway asks for."""
        gateway.nacks = [{"code": "busy", "message": "later", "retry_after": 0.001}] * 2
        terminal = Terminal()
        terminal.type("hello")
        terminal.close()
        async with chatting(gateway, terminal, is_interactive=False) as running:
            assert await done(running) == 0
        sent = gateway.sent("send")
        assert (len(sent), len({frame["id"] for frame in sent})) == (3, 1)
        assert gateway.texts() == ["hello", "You said: hello."]

    async def test_quit_ends_it_and_blank_lines_are_nothing(self, gateway: FakeGateway) -> None:
        """The rest of the pipe is not sent."""
        terminal = Terminal()
        terminal.type("", "  ", "/quit", "never")
        async with chatting(gateway, terminal, is_interactive=False) as running:
            assert await done(running) == 0
        assert gateway.sent("send") == []


class TestCommands:
    """What begins with a slash."""

    async def test_stop_keeps_what_was_said(self, gateway: FakeGateway) -> None:
        """The answer ends where it was, and the next question is answered."""
        gateway.gate.clear()
        terminal = Terminal()
        terminal.type("a long story", "/stop", "short")
        terminal.close()
        async with chatting(gateway, terminal, is_interactive=False) as running:
            await gateway.until(lambda: bool(gateway.sent("stop")))
            gateway.gate.set()
            assert await done(running) == 0
        assert terminal.shown == "(stopped)\nAssistant: You said: short.\n"

    async def test_history_shows_who_said_what(self, gateway: FakeGateway) -> None:
        """Everybody's words under their name, one's own as one's own."""
        terminal = Terminal()
        async with chatting(gateway, terminal, thread="lobby", name="Ann") as running:
            terminal.type("hello")
            await terminal.until(lambda: terminal.shown.endswith("You said: hello.\n"))
            gateway.say_as("Bob", "me too")
            await terminal.until(lambda: terminal.shown.endswith("Bob: me too\n"))
            terminal.type("/history")
            await terminal.until(lambda: "(so far)" in terminal.shown)
            terminal.type("/quit")
            await done(running)
        assert terminal.shown.endswith("You: hello\nParley: You said: hello.\nBob: me too\n(so far)\n")

    async def test_an_unknown_command_is_not_said_to_everybody(self, gateway: FakeGateway) -> None:
        """A slip of the pen is answered with what there is."""
        terminal = Terminal()
        async with chatting(gateway, terminal):
            terminal.type("/stpo", "/stop")
            await terminal.until(lambda: len(terminal.remarks) == 3)
        assert "/history" in terminal.remarks[1]
        assert terminal.remarks[2] == "there is nothing to stop"
        assert gateway.sent("send") == []


class TestConnection:
    """Cuts, restarts and refusals."""

    async def test_a_lost_ack_does_not_double_a_message(self, gateway: FakeGateway) -> None:
        """Sent again under the same id after the reconnect; the answer is shown once."""
        gateway.drop_acks = 2
        terminal = Terminal()
        terminal.type("hello")
        terminal.close()
        async with chatting(gateway, terminal, is_interactive=False) as running:
            assert await done(running) == 0
        assert gateway.texts() == ["hello", "You said: hello."]
        assert terminal.shown.count("You said: hello.") == 1
        assert {frame.get("cursor") for frame in gateway.sent("hello")[1:]} != {None}
        assert len({frame["token"] for frame in gateway.sent("hello")[1:]}) == 1

    async def test_a_restart_in_mid_answer_loses_nothing(self, gateway: FakeGateway) -> None:
        """What is written before stays, what follows is written after it, nothing comes twice."""
        answer = HaltingAnswer(gateway.gate, ["One. ", "Two. ", "Three."])
        gateway.answer = lambda _: answer
        terminal = Terminal()
        terminal.type("count")
        terminal.close()
        async with chatting(gateway, terminal, is_interactive=False) as running:
            await terminal.until(lambda: terminal.shown == "Assistant: One. ")
            await gateway.restart()
            gateway.gate.set()
            assert await done(running) == 0
        assert terminal.shown == "Assistant: One. Two. Three.\n"
        assert terminal.remarks == ["the connection is lost; trying again", "connected again"]
        assert gateway.sent("hello")[-1]["epoch"] == "e1"

    async def test_a_message_written_while_away_is_sent_afterwards(self, gateway: FakeGateway) -> None:
        """The outbox follows the welcome."""
        terminal = Terminal()
        async with chatting(gateway, terminal) as running:
            await terminal.until(lambda: bool(terminal.remarks))
            await gateway.stop()
            await terminal.until(lambda: len(terminal.remarks) == 2)
            terminal.type("are you there?")
            await gateway.start()
            await terminal.until(lambda: terminal.shown.endswith("You said: are you there?.\n"))
            terminal.type("/quit")
            assert await done(running) == 0

    async def test_another_log_begins_anew(self, gateway: FakeGateway) -> None:
        """A database that was restored to earlier: the person is told, and can go on."""
        terminal = Terminal()
        async with chatting(gateway, terminal) as running:
            terminal.type("hello")
            await terminal.until(lambda: terminal.shown.endswith(".\n"))
            await gateway.restart(epoch="e2")
            await terminal.until(lambda: "begins anew" in terminal.shown)
            terminal.type("again")
            await terminal.until(lambda: terminal.shown.endswith("You said: again.\n"))
            terminal.type("/quit")
            await done(running)

    async def test_a_goodbye_says_when_to_come_again(self, gateway: FakeGateway) -> None:
        """1012 after `bye` is a restart, not an end."""
        terminal = Terminal()
        async with chatting(gateway, terminal):
            await terminal.until(lambda: bool(terminal.remarks))
            await gateway.close(1012, {"type": "bye", "reason": "restart", "reconnect_after_ms": 1})
            await terminal.until(lambda: terminal.remarks[-1] == "connected again")
        assert len(gateway.sent("hello")) == 2

    @pytest.mark.parametrize("code", [1008, 4400, 4401, 4403, 4404, 4410, 4426])
    async def test_a_refusal_ends_it_with_one_line(self, gateway: FakeGateway, code: int) -> None:
        """Coming again would be of no use."""
        gateway.refuse_with = (code, None)
        terminal = Terminal()
        async with chatting(gateway, terminal) as running:
            with pytest.raises(ChatEndedError, match=rf"the gateway refused \({code}\): \w+"):
                await done(running)
        assert gateway.connections == 1

    async def test_a_fatal_error_says_why(self, gateway: FakeGateway) -> None:
        """In the gateway's own words."""
        frame = {"type": "error", "code": "site", "message": "site: expected the key of a site", "fatal": True}
        gateway.refuse_with = (4403, frame)
        async with chatting(gateway, Terminal()) as running:
            with pytest.raises(ChatEndedError, match="site: expected the key of a site"):
                await done(running)

    async def test_a_gateway_that_was_never_there_is_told_at_once(self, gateway: FakeGateway) -> None:
        """Waiting is for those who were in a conversation."""
        await gateway.stop()
        async with chatting(gateway, Terminal()) as running:
            with pytest.raises(ChatEndedError, match=r"no gateway at http://127.0.0.1:\d+: Connection refused"):
                await done(running)

    @pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host", "http://", ""])
    def test_an_address_that_is_none_is_refused(self, url: str) -> None:
        """Naming the option."""
        with pytest.raises(ChatEndedError, match="--url: expected an address"):
            ChatOptions(url=url, site="demo").socket_url  # noqa: B018

    def test_waits_between_tries_grow_to_half_a_minute(self) -> None:
        """Soon at first, then not all at the same time."""
        delays = backoff()
        waits = [next(delays) for _ in range(50)]
        assert waits[0] == 0.12
        assert all(0 <= wait <= 30 for wait in waits)
        assert len(set(waits[10:])) > 30


async def test_lines_of_a_pipe_come_as_they_are_written(tmp_path: Path) -> None:
    """Also from a file, also without a line break at the end, also when it is not UTF-8."""
    (tmp_path / "lines").write_bytes("one\ntwö\n\xff".encode("latin-1"))
    with (tmp_path / "lines").open("rb") as file:
        async with asyncio.timeout(FAR):
            assert [line async for line in read_lines(file.fileno())] == ["one", "tw�", "�"]


async def test_a_reader_that_leaves_ends_the_command(gateway: FakeGateway) -> None:
    """`parley chat | head`: it is not a lost connection, and no traceback."""
    reader, writer = os.pipe()
    os.close(reader)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, gateway.url, stdin=asyncio.subprocess.PIPE, stdout=writer, stderr=asyncio.subprocess.PIPE
    )
    os.close(writer)
    async with asyncio.timeout(30):
        _, err = await process.communicate(b"hello\n")
    assert (err, process.returncode) == (b"parley: the answer cannot be written: Broken pipe\n", 1)
    assert gateway.connections == 1


async def test_the_command_talks_through_its_pipes(gateway: FakeGateway) -> None:
    """The answer on standard output, the exit code for scripts."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        gateway.url,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, err = await process.communicate(b"hello\n")
    assert (out, err, process.returncode) == (b"Assistant: You said: hello.\n", b"", 0)
