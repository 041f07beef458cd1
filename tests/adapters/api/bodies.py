"""A body that each operation of the API takes."""

from typing import Any

from pydantic import BaseModel

from adapters.api.agent_files import WriteFile
from adapters.api.approvals import Decide
from adapters.api.bodies import CreateTask, SayAsOperator, TakeSession
from adapters.api.memory_bodies import DeleteMemories, ImportMemories, OptimizeMemories, WriteMemory, WriteOwnMemory
from adapters.api.people_views import SayCode
from tests.adapters.api.fake_memories import TEA
from tests.adapters.api.fake_people import CODE

BODIES: dict[type[BaseModel], dict[str, Any]] = {
    CreateTask: {"prompt": "Hi"},
    Decide: {"decision": "approved", "user_details": {"id": "ann"}},
    WriteMemory: {"memory": "likes tea"},
    WriteOwnMemory: {"memory": "likes tea"},
    DeleteMemories: {"memory_ids": [TEA.memory_id]},
    ImportMemories: {"file": {}},
    OptimizeMemories: {"apply": False},
    SayCode: {"code": CODE},
    TakeSession: {"name": "Mia"},
    SayAsOperator: {"name": "Mia", "text": "I am here."},
    WriteFile: {"text": "Open from 9 to 5.", "cause": "new hours"},
}
