"""A thread with the demo model."""

from collections.abc import AsyncIterator

import pytest

from agent.pricing import build_prices
from gateway.claude import build_claude
from gateway.demo.model import build_demo_transport
from tests.support.demo_talk import DemoTalk


@pytest.fixture
async def talk() -> AsyncIterator[DemoTalk]:
    """A fresh thread with the demo model, with a memory block in it."""
    claude = build_claude(api_key="demo", prices=build_prices({}), transport=build_demo_transport(0))
    yield DemoTalk(claude)
    await claude.aclose()
