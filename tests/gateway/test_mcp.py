"""Servers of tools: offered where they may be used, told in a line when they misbehave, and tried again when away."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from structlog.testing import capture_logs

from agent.ids import AgentId, SessionId, TaskId
from agent.records import JsonObject, ToolCall
from agent.tasks import Task
from agent.tools import ToolContext, ToolUse, call_tools
from gateway import metrics
from gateway.backoff import Backoff
from gateway.doctor import check_servers
from gateway.mcp_connection import Connection
from gateway.mcp_limits import open_program, read_lines
from gateway.mcp_servers import Address, Program, ToolServer, find_fault, render_result
from gateway.mcp_source import ServedAgents
from tests.support import mcp_server
from tests.support.gateway import build_agent, configure, open_core
from tests.support.model_steps import calls, says
from tests.support.scripted_model import ScriptedModel

SCRIPT = str(Path(mcp_server.__file__))
TASK = Task(
    task_id=TaskId("task_1"),
    session_id=SessionId("s"),
    position=1,
    epoch=1,
    attempt=1,
    agent_id=AgentId("assistant"),
    user=None,
    prompt="hello",
)


def program(*tools: str, **settings: Any) -> ToolServer:
    """A server that is a program with these tools."""
    return ToolServer(name="test", place=Program(command=sys.executable, arguments=(SCRIPT, *tools)), **settings)


@asynccontextmanager
async def connected(server: ToolServer) -> AsyncIterator[Connection]:
    """A connection that has listed its tools."""
    connection = Connection(server, Backoff(first_s=0.01, longest_s=0.02))
    running = asyncio.create_task(connection.run())
    try:
        async with asyncio.timeout(20):
            while not connection.tools:
                connection.changed.clear()
                await connection.changed.wait()
            yield connection
    finally:
        running.cancel()
        await asyncio.wait([running])


async def use(connection: Connection, tool: str, **arguments: str) -> ToolCall:
    """One call, as an agent makes it."""
    asked: JsonObject = dict(arguments)
    use = ToolUse(call_id="c", name=f"test__{tool}", arguments=asked)
    [call] = await call_tools({tool.name: tool for tool in connection.tools}, [use], ToolContext(task=TASK))
    return call


async def test_a_tool_that_is_to_be_approved_and_that_the_server_does_not_have_is_told_in_the_log() -> None:
    """A misspelt name fails open, and a server without a list in the configuration is known only now. Proves: AG-7."""
    marked = program(
        "echo", "picture", needs_approval=frozenset({"echo", "ehco"}), agents_approve=frozenset({"pcture"})
    )
    with capture_logs() as logs:
        async with connected(marked):
            pass
    assert [one["tools"] for one in logs if one["event"] == "tools_not_there"] == [["ehco", "pcture"]]


async def test_a_programs_tools_are_named_after_it_and_called_with_what_the_model_gave() -> None:
    """Two servers may both have a tool `search`. Proves: AG-2."""
    async with connected(program("echo", "picture", "structured", tools=frozenset({"echo", "structured"}))) as server:
        assert [tool.name for tool in server.tools] == ["test__echo", "test__structured"]
        assert server.tools[0].spec.input_schema == mcp_server.ANY
        assert (await use(server, "echo", text="hi")).result == "you said hi"
        assert (await use(server, "structured")).result == '{"degrees": 21}'


async def test_whatever_a_tool_gives_back_the_model_reads_text() -> None:
    """Pictures, files, errors, half letters and too much of anything: a line each. Proves: AG-2."""
    server = program("picture", "broken", "huge", "odd", "environ", result_bytes=50_000)
    async with connected(server) as connection:
        picture = await use(connection, "picture")
        assert picture.result.splitlines() == [
            "here:",
            "[image, image/png, 300 bytes, not shown]",
            "[file, application/zip, 3 bytes, not shown]",
        ]
        broken = await use(connection, "broken")
        assert (broken.result, broken.is_error) == ("no such order", True)
        huge = await use(connection, "huge")
        assert (huge.result, huge.is_error) == ("test__huge gave more than 50,000 bytes. Ask for less.", True)
        assert "half a letter" in (await use(connection, "odd")).result


async def test_a_result_of_any_size_costs_no_memory_and_no_other_call() -> None:
    """It is thrown away while it comes; whoever else uses the server notices nothing. Proves: AG-2, CX-3."""
    refused = ("test__huge gave more than 50,000 bytes. Ask for less.", True)
    async with connected(program("huge", "echo", result_bytes=50_000)) as connection:
        for size in ("5000000", "60000000"):
            huge = await use(connection, "huge", text=size)
            assert (huge.result, huge.is_error) == refused
        connection.changed.clear()
        assert (await use(connection, "echo", text="hi")).result == "you said hi"
        assert not connection.changed.is_set(), "it was not started again"
    with http_server([]) as url:
        server = ToolServer(name="test", place=Address(url=url), result_bytes=50_000)
        async with connected(server) as connection:
            huge = await use(connection, "huge", text="20000000")
            assert (huge.result, huge.is_error) == refused
            assert (await use(connection, "echo", text="hi")).result == "you said hi"


async def test_lines_are_cut_at_their_limit_however_they_come() -> None:
    """What a program says comes in pieces of any size. Proves: CX-3."""
    stream = asyncio.StreamReader()
    for piece in (b"ab", b"cd\nefgh", b"ijkl\n", b"\nmn\nop"):
        stream.feed_data(piece)
    stream.feed_eof()
    assert [line async for line in read_lines(stream, 5)] == [
        (b"abcd", True),
        (b"efghi", False),
        (b"", True),
        (b"mn", True),
    ]


async def test_a_program_that_does_not_end_is_ended_and_what_it_started_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that is gone must leave nothing behind. Proves: AG-2."""
    monkeypatch.setattr("gateway.mcp_limits.END_S", 0.2)
    deaf = "trap '' TERM; sleep 98765 & echo $! ; while :; do sleep 98765; done"
    async with open_program(Program(command="/bin/sh", arguments=("-c", deaf)), 1_000) as (incoming, _):
        async with asyncio.timeout(5):
            assert isinstance(await incoming.receive(), ValueError), "no message of the protocol"
    left = await asyncio.to_thread(subprocess.run, ["pgrep", "-f", "sleep 98765"], capture_output=True, check=False)
    assert left.stdout == b""


async def test_a_program_sees_only_the_variables_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's key and the database's password are in the gateway's environment. Proves: AG-2."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-1")
    place = Program(command=sys.executable, arguments=(SCRIPT, "environ"), environ={"ORDERS_TOKEN": "t"})
    async with connected(ToolServer(name="test", place=place)) as connection:
        seen = (await use(connection, "environ")).result.split()
    assert "ORDERS_TOKEN" in seen
    assert "ANTHROPIC_API_KEY" not in seen


async def test_a_tool_that_does_not_answer_is_given_up_after_its_time() -> None:
    """One program that hangs must not hold the run. Proves: AG-2."""
    async with connected(program("silent", timeout_s=0.2)) as connection:
        call = await use(connection, "silent")
    assert call.is_error
    assert "test__silent" in call.result


async def test_a_server_that_ends_is_started_again_and_its_tools_are_away_meanwhile() -> None:
    """Operators see it, agents go on without it. Proves: AG-2."""
    async with connected(program("exit", "echo")) as connection:
        assert metrics.REGISTRY.get_sample_value("parley_mcp_up", {"server": "test"}) == 1
        connection.changed.clear()
        call = await use(connection, "exit")
        assert call.is_error
        was_away = False
        while not (was_away and connection.tools):
            await connection.changed.wait()
            connection.changed.clear()
            was_away |= not connection.tools
        assert (await use(connection, "echo", text="again")).result == "you said again"


async def test_a_program_that_is_not_there_costs_nothing_but_its_tools() -> None:
    """A wrong path is a line in the log, not the end of the gateway. Proves: AG-2."""
    connection = Connection(ToolServer(name="test", place=Program(command="/no/such/program")))
    running = asyncio.create_task(connection.run())
    async with asyncio.timeout(5):
        await connection.changed.wait()
    assert connection.tools == ()
    assert metrics.REGISTRY.get_sample_value("parley_mcp_up", {"server": "test"}) == 0
    running.cancel()
    await asyncio.wait([running])


@contextmanager
def http_server(seen: list[str]) -> Iterator[str]:
    """The same server over streamable HTTP. Notes the authorization of each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.headers.get("authorization", ""))
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            reply = mcp_server.answer(asked, ["echo", "huge"])
            body = json.dumps(reply).encode() if reply else b""
            self.send_response(200 if reply else 202)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.send_response(405)
            self.send_header("content-length", "0")
            self.end_headers()

        do_DELETE = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def test_a_server_on_the_network_gets_its_token_and_its_tools_are_called() -> None:
    """Most servers are not programs of one's own. Proves: AG-2."""
    seen: list[str] = []
    with http_server(seen) as url:
        async with connected(ToolServer(name="test", place=Address(url=url, token="secret"))) as connection:
            assert (await use(connection, "echo", text="hi")).result == "you said hi"
    assert set(seen) == {"Bearer secret"}


async def test_an_agent_has_only_the_servers_of_its_own_and_a_channel_only_its_tools() -> None:
    """What support may do in Slack, a stranger on the website may not. Proves: AG-2, AG-4."""
    own = frozenset({AgentId("assistant")})
    async with connected(program("echo", agents=own, channels=frozenset({"slack"}))) as connection:
        agents = configure().agents
        served = ServedAgents(agents, [connection])
        config = served.get(AgentId("assistant"))
        assert "test__echo" in config.on_channel("slack").agent.tools
        assert "test__echo" not in config.on_channel("widget").agent.tools
        other = Connection(replace(connection.server, agents=frozenset({AgentId("sales")})))
        other.tools = connection.tools
        assert "test__echo" not in ServedAgents(agents, [other]).get(AgentId("assistant")).agent.tools


async def test_a_run_calls_a_servers_tool_and_works_without_one_that_is_away(database_url: str) -> None:
    """The whole way, from the message to the answer. Proves: AG-2."""
    model = ScriptedModel(checks_prefix=False)
    model.add(calls(("test__echo", {"text": "hi"})), says("It said hi."))
    away = replace(program(), name="away", place=Program(command="/no/such/program"))
    configuration = replace(configure(build_agent()), servers=(program("echo"), away))
    async with open_core(database_url, model, configuration) as core:
        gauge = metrics.mcp_up.labels("test")
        async with asyncio.timeout(20):
            while not gauge._value.get():  # noqa: ASYNC110  the gauge is all that tells it from outside
                await asyncio.sleep(0.01)
        assert (await core.ask("say hi")).text == "It said hi."
    assert "you said hi" in json.dumps(model.requests[-1].messages)


def test_a_tool_that_no_model_could_be_shown_is_left_out_with_a_reason() -> None:
    """One bad tool would make the vendor refuse every request of the agent. Proves: AG-2."""
    server = program()
    assert find_fault(server, "find_order", {"type": "object"}) is None
    assert find_fault(server, "find order", {"type": "object"})
    assert find_fault(server, "a" * 80, {"type": "object"})
    assert find_fault(server, "a", {"type": "string"})
    assert find_fault(server, "a", {"type": "object", "properties": {"x": {"enum": ["y" * 30_000]}}})


def test_links_and_texts_of_files_are_shown_as_text() -> None:
    """What can be read is read."""
    link: JsonObject = {"type": "resource_link", "name": "Order 7", "uri": "https://shop/7"}
    text: JsonObject = {"type": "resource", "resource": {"uri": "a", "text": "inside"}}
    assert render_result([link, text], None) == "[a link: Order 7 https://shop/7]\ninside"


def test_the_doctor_names_a_program_that_is_not_there() -> None:
    """A slip of the pen in a path is found before it is missed. Proves: AG-2."""
    missing = ToolServer(name="away", place=Program(command="/no/such/program"))
    on_net = ToolServer(name="far", place=Address(url="https://tools.example.com/mcp"))
    assert [finding.line for finding in check_servers([missing, program(), on_net])] == [
        "error    mcp away: there is no program /no/such/program",
        f"ok       mcp test: the program {sys.executable}",
        "ok       mcp far: at https://tools.example.com/mcp",
    ]


def test_a_gateway_without_servers_does_not_load_the_library() -> None:
    """It takes as long to load as all the rest, and most need none. Proves: AG-2."""
    code = "import sys, gateway.compose; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0
