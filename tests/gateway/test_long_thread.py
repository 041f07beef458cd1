"""Five hundred runs of three people in one thread, with tools and memories that change."""

import random

from agent.compaction import CompactionRules
from agent.ids import UserId
from agent.memories import MemoryDraft
from agent.records import User
from agent.tools import build_tool
from tests.support.accounting_model import AccountingModel
from tests.support.gateway import build_agent, configure, open_core, run_sql
from tests.support.make import ANN, BOB, SESSION
from tests.support.model_steps import prompt_text

RUNS = 500
WINDOW_TOKENS = 8_000
PEOPLE = (ANN, BOB, User(id=UserId("cleo"), first_name="Cleo"))


def look_up(item: str) -> str:
    """Look an item up."""
    return f"{item}: " + "found on shelf seven, in good order; " * 4


def line_of(n: int) -> str:
    """What is said in run n: every twentieth is a decision."""
    if n % 20 == 0:
        return f"We decided: part {n} goes to plan {n}x."
    if n % 3 == 0:
        return f"Please look up item {n} for me, and mind the colour of it."
    return f"And here is a thought about number {n}, which nobody has to remember for long."


async def test_a_thread_of_five_hundred_runs_stays_small_cheap_and_knows_who_decided_what(database_url: str) -> None:
    """Triggers at 80 % ± 2 % by the bill; no pair is split (the model checks); 90 % comes from cache; nobody is lost.

    Proves: CX-1, CX-5, CX-6.
    """
    rnd = random.Random(7)
    model = AccountingModel(window_tokens=WINDOW_TOKENS)
    rules = CompactionRules(cap_tokens=10_000)
    tools = build_tool(look_up)
    agent = build_agent(tools, history_runs=100, memory_mode="manual", compaction=rules, max_tokens=500)
    speakers: dict[int, User] = {}
    async with open_core(database_url, model, configure(agent)) as core:
        for n in range(RUNS):
            speakers[n] = user = rnd.choice(PEOPLE)
            await core.ask(line_of(n), user=user)
            if n % 25 == 0:
                draft = MemoryDraft(memory=f"likes dish number {n}", visibility="thread")
                await core.gateway.service.memories.add_memory(user.id, draft)
            await core.gateway.compactor.wait_idle()
    shares = [billed / WINDOW_TOKENS for billed in model.billed_before]
    assert len(shares) >= 8, "the test has to try something"
    assert all(0.78 <= share <= 0.82 for share in shares), " ".join(f"{share:.3f}" for share in shares)
    assert max(one.prompt for one in model.bills) <= 0.82 * WINDOW_TOKENS
    assert model.cache_read_share >= 0.9, model.cache_read_share
    assert model.counts <= len(model.bills) / 20
    rows = await run_sql(database_url, "SELECT * FROM compactions WHERE session_id = $1 ORDER BY upto", SESSION)
    assert len(rows) >= len(shares) - 1, "a run may have begun while another's summary was written"
    lines = prompt_text(model.requests[-1]).splitlines()
    for n in range(0, RUNS, 20):
        found = [at for at, line in enumerate(lines) if f"goes to plan {n}x." in line]
        assert found, f"the decision of run {n} is lost"
        told = f"{lines[found[0] - 1]} {lines[found[0]]}"
        assert f"{speakers[n].first_name} · " in told, told
