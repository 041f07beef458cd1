"""Two processes on one database: a thread watched in one shows what runs in the other."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from agent.ids import AgentId, RunId, SessionId, WorkerId
from agent.loop import Agent
from agent.records import LogEntry, Message, RunNote, RunState
from agent.signals import Delta
from gateway.address import StoreAddress
from gateway.agents import AgentConfig, Agents
from gateway.compose import Gateway, open_gateway
from gateway.config import load_configuration
from gateway.hub import Hub
from gateway.ports import Bus
from gateway.relay import BusRelay, split_sessions
from gateway.settings import load_settings
from memory.database import Database
from memory.watchers import Watchers
from tests.support.database import PATIENCE_S
from tests.support.make import inbound
from tests.support.model_steps import Gate, says_slowly
from tests.support.scripted_model import ScriptedModel, build_scripted_claude

SESSION = SessionId("web:demo:shared")


@asynccontextmanager
async def open_two(url: str, model: ScriptedModel) -> AsyncIterator[tuple[Gateway, Gateway]]:
    """Two gateways on one database, each with its own pool, bus and worker id."""
    agent = Agent(agent_id=AgentId("assistant"), model="m", instructions="Answer.")
    config = AgentConfig(agent=agent, small_model="m")
    agents = Agents(by_id={agent.agent_id: config}, default_id=agent.agent_id)
    configuration = replace(load_configuration(load_settings(), {}), agents=agents)
    address = StoreAddress(dsn=url, direct_dsn=url, front_s=PATIENCE_S)
    claude = build_scripted_claude(model)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(claude.aclose)
        pair = [await stack.enter_async_context(open_gateway(configuration, address, claude)) for _ in range(2)]
        yield pair[0], pair[1]


async def next_event(
    events: AsyncIterator[LogEntry | Delta], wanted: Callable[[LogEntry | Delta], bool]
) -> LogEntry | Delta:
    """The first event that suits, within five seconds."""
    async with asyncio.timeout(5):
        async for event in events:
            if wanted(event):
                return event
    raise AssertionError("the events ended")


async def test_a_thread_watched_in_one_process_streams_what_runs_in_another(database_url: str) -> None:
    """People of one thread are spread over processes; all of them see the answer as it is written. Proves: RE-1."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["One ", "two ", "three."], gate))
    async with open_two(database_url, model) as (here, there), here.service.follow(SESSION, 0) as events:
        await there.service.accept(inbound("count", session_id=SESSION))
        message = await next_event(events, lambda e: isinstance(e, Message))
        assert isinstance(message, Message)
        assert message.text == "count"
        text = ""
        for piece in ("One ", "two ", "three."):
            gate.let()
            while not text.endswith(piece):
                delta = await next_event(events, lambda e: isinstance(e, Delta))
                assert isinstance(delta, Delta)
                text = text[: delta.offset] + delta.text
        assert text == "One two three."
        answer = await next_event(events, lambda e: isinstance(e, Message))
        assert isinstance(answer, Message)
        assert answer.text == "One two three."


async def test_who_joins_elsewhere_in_mid_run_gets_the_text_so_far(database_url: str) -> None:
    """A reload may land on another process. Proves: RE-1."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["The beginning, ", "the end."], gate))
    async with open_two(database_url, model) as (here, there), there.service.follow(SESSION, 0) as local:
        await there.service.accept(inbound("tell", session_id=SESSION))
        gate.let()
        await next_event(local, lambda e: isinstance(e, Delta))
        async with here.service.follow(SESSION, 0) as events:
            delta = await next_event(events, lambda e: isinstance(e, Delta))
            assert isinstance(delta, Delta)
            assert (delta.offset, delta.text) == (0, "The beginning, ")
            gate.open()
            end = await next_event(events, lambda e: isinstance(e, RunNote) and e.state.is_final)
            assert isinstance(end, RunNote)


async def test_stop_reaches_a_run_in_another_process(database_url: str) -> None:
    """The button works wherever the socket happens to be. Proves: RE-2."""
    gate, model = Gate(), ScriptedModel()
    model.add(says_slowly(["Never ", "ending."], gate))
    async with open_two(database_url, model) as (here, there), here.service.follow(SESSION, 0) as events:
        accepted = await there.service.accept(inbound("go on", session_id=SESSION))
        gate.let()
        await next_event(events, lambda e: isinstance(e, Delta))
        assert await here.service.stop_run(SESSION, accepted.run_id)
        end = await next_event(events, lambda e: isinstance(e, RunNote) and e.state.is_final)
        assert isinstance(end, RunNote)
        assert end.state is RunState.STOPPED


class LossyBus:
    """A bus between two relays in one process, which loses what a test wants to be lost."""

    def __init__(self) -> None:
        self.ends: dict[WorkerId, Callable[[str], None]] = {}
        self.loses: Callable[[str], bool] = lambda _: False

    def end(self, worker_id: WorkerId) -> Bus:
        """One process's end of it."""
        outer = self

        class End:
            def subscribe(self, on_frame: Callable[[str], None]) -> None:
                outer.ends[worker_id] = on_frame

            def send(self, to: WorkerId | None, frame: str) -> None:
                for name, hear in outer.ends.items():
                    if to in {None, name} and not outer.loses(frame):
                        hear(frame)

            async def run(self) -> None:
                await asyncio.Event().wait()

        return End()


def test_what_is_told_of_many_sessions_goes_in_frames_that_are_short_enough_and_keeps_each_once() -> None:
    """The callers of the API name their sessions, and a name may be long. Proves: RE-4."""
    sessions = [SessionId(f"api:{n:03}" + sign * 190) for n in range(50) for sign in ("x", '"', "🙂")]
    parts = list(split_sessions(sessions))
    assert [session_id for part in parts for session_id in part] == sessions
    assert max(len(json.dumps(part, ensure_ascii=False).encode()) for part in parts) < 7_500
    assert [len(part) for part in split_sessions([SessionId(f"web:demo:{n:026}") for n in range(100)])] == [100]
    assert list(split_sessions([])) == []


class SlowRegister(Watchers):
    """The register, with a moment between what it is asked for and the answer's coming."""

    def __init__(self, database: Database, worker_id: WorkerId) -> None:
        super().__init__(database, worker_id)
        self.gate = Gate()

    async def list_others(self) -> dict[SessionId, set[WorkerId]]:
        found = await super().list_others()
        await self.gate.wait()
        return found


@asynccontextmanager
async def open_relay(database: Database) -> AsyncIterator[tuple[LossyBus, BusRelay, SlowRegister, list[str]]]:
    """A process `a` that has asked what others watch, and what comes of it in the process `b`."""
    bus, heard = LossyBus(), list[str]()
    register = SlowRegister(database, WorkerId("a"))
    relay = BusRelay(Hub(), bus.end(WorkerId("a")), register, WorkerId("a"), lambda *_: False)
    bus.ends[WorkerId("b")] = heard.append
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        running = group.create_task(relay.run())
        relay.set_others(2)
        await register.gate.reached.wait()
        yield bus, relay, register, heard
        running.cancel()


async def until_told(relay: BusRelay, heard: list[str], wanted: bool) -> None:
    """Until a head of the session is told to `b`, or is not."""
    while True:
        heard.clear()
        relay.tell_head(SESSION, 1)
        if bool(heard) is wanted:
            return
        await asyncio.sleep(0.005)


async def test_who_begins_to_watch_while_the_register_is_read_is_not_forgotten(database: Database) -> None:
    """They would see nothing of an answer before it is over. Proves: RE-3."""
    async with open_relay(database) as (bus, relay, register, heard):
        hear = bus.ends[WorkerId("a")]
        hear(json.dumps({"t": "-", "n": "b", "s": ["other"]}))
        hear(json.dumps({"t": "+", "n": "b", "s": [SESSION]}))
        register.gate.open()
        while not any('"j"' in frame for frame in heard):  # noqa: ASYNC110 - only looking can tell
            await asyncio.sleep(0.005)
        heard.clear()
        relay.tell_head(SESSION, 1)
        assert len(heard) == 1


async def test_what_a_process_watched_that_was_killed_is_told_to_nobody_any_more(database: Database) -> None:
    """It says no farewell, and each piece would go out for nobody for as long as the others live. Proves: RE-6."""
    await Watchers(database, WorkerId("b")).add([SESSION])
    async with open_relay(database) as (_, relay, register, heard):
        register.gate.open()
        await until_told(relay, heard, wanted=True)
        await Watchers(database, WorkerId("b")).remove([SESSION])
        relay.set_others(1)
        await until_told(relay, heard, wanted=False)


async def test_a_lost_piece_leads_to_a_resync_and_never_to_a_hole(database: Database) -> None:
    """Whatever a bus loses, the watcher's text is a beginning of the answer at all times. Proves: RE-3."""
    for seed in range(30):
        await watch_over_a_lossy_bus(database, random.Random(seed))


async def watch_over_a_lossy_bus(database: Database, chance: random.Random) -> None:
    """An answer of forty pieces, half of which are lost on the way to another process."""
    bus, run_id = LossyBus(), RunId("run_1")
    hubs = {name: Hub() for name in (WorkerId("a"), WorkerId("b"))}
    for name, hub in hubs.items():
        hub.relay = BusRelay(hub, bus.end(name), Watchers(database, name), name, lambda *_: False)
        hub.relay.set_others(1)
    bus.ends[WorkerId("b")](f'{{"t":"+","n":"a","s":["{SESSION}"]}}')
    mailbox = hubs[WorkerId("a")].attach(SESSION)
    bus.loses = lambda frame: '"t":"d"' in frame and chance.random() < 0.5
    hubs[WorkerId("b")].begin_run(SESSION, run_id)
    said, seen = "", ""
    for n in range(40):
        said += f"word{n} 🙂 "
        hubs[WorkerId("b")].add_text(SESSION, f"word{n} 🙂 ")
        hubs[WorkerId("b")].flush(SESSION)
        if n == 39:
            bus.loses = lambda _: False
            hubs[WorkerId("b")].add_text(SESSION, "end")
            hubs[WorkerId("b")].flush(SESSION)
        units = seen.encode("utf-16-le")
        while mailbox.is_filled:
            delta = await mailbox.get()
            assert isinstance(delta, Delta)
            assert 2 * delta.offset <= len(units)
            units = units[: 2 * delta.offset] + delta.text.encode("utf-16-le")
        seen = units.decode("utf-16-le")
        assert (said + "end").startswith(seen)
    assert seen == said + "end"
