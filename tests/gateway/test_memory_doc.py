"""The page on memories against what there is."""

import inspect
import re
from pathlib import Path
from typing import Any

from agent import errors
from agent.ids import UserId
from agent.memories import SLOTS, MemoryDraft
from gateway.config_models import AgentMemory
from gateway.memories import UserMemories
from gateway.memory_tool import NAME
from memory.database import Database
from memory.memories import Memories
from memory.memory_optimizations import MemoryOptimizations
from memory.memory_records import MemoryRecords
from memory.users import Users
from tests.support.make import ANN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "memory.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
METHODS = {
    name for name, _ in inspect.getmembers(UserMemories, inspect.iscoroutinefunction) if not name.startswith("_")
}


def run(block: str, name: str) -> Any:
    """What a block defines under this name."""
    scope: dict[str, Any] = {}
    exec(compile(block, "docs/memory.md", "exec"), scope)  # our own page
    return scope[name]


def test_every_method_slot_mode_and_error_is_on_the_page() -> None:
    """Whoever looks for one finds it. Proves: UM-6."""
    named = set(re.findall(r"`(\w+)[`(]", PAGE))
    assert named >= METHODS - {"find_by_text", "find_asker", "export_memories", "import_memories"}
    assert named >= set(SLOTS)
    assert named >= {"off", "manual", "agentic", NAME, *AgentMemory.model_fields}
    told = {name for name in named if name.endswith("Error")}
    assert told == {
        name for name, kind in vars(errors).items() if name.startswith("Memory") and inspect.isclass(kind)
    } | {"UserNotFoundError", "AskerChangedError"}


def test_every_source_that_the_page_names_is_there() -> None:
    """A file that was renamed must be renamed here too."""
    sources = re.findall(r"`([\w/]+\.(?:py|sql))`", PAGE)
    assert len(sources) > 10
    assert [source for source in sources if not (ROOT / source).is_file()] == []


async def test_the_examples_on_the_page_run(database: Database) -> None:
    """People copy them. Proves: UM-6, UM-7."""
    await Users(database).save(ANN)
    stores = (MemoryRecords(database), Memories(database), MemoryOptimizations(database))
    memories = UserMemories(*stores, None, "")

    class Gateway:
        """As far as the example needs one."""

    gateway = Gateway()
    gateway.memories = memories  # type: ignore[attr-defined]
    look_after, strategy = run(BLOCKS[0], "look_after"), run(BLOCKS[1], "JoinLikes")()
    await look_after(gateway)
    for text in ("likes tea", "likes milk"):
        await memories.add_memory(UserId("ann"), MemoryDraft(memory=text))
    done = await memories.optimize_memories(UserId("ann"), strategy)
    assert [merge.draft.memory for merge in done.merges] == ["likes tea, likes milk".replace(", likes", ",")]
