"""The gateway from your own Python: no web server, the same database, agents, memory and order of tasks.

async with start_gateway(hooks=Hooks(on_task=greet)) as gateway:
    accepted = await gateway.create_task(prompt="What do I like?", user_details=User(id=UserId("ann")))
    status = await gateway.wait_for_task(accepted.task_id, timeout_s=60)
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

from gateway.compose import open_gateway
from gateway.config import load_configuration
from gateway.hooks import Hooks
from gateway.server import build_model
from gateway.service import GatewayService
from gateway.settings import Settings, load_settings
from gateway.store import kept_running, open_store
from memory.database import store_errors
from memory.migrate import migrate

DRAIN_S = 7.0


@asynccontextmanager
async def start_gateway(
    settings: Settings | None = None, *, hooks: Hooks | None = None
) -> AsyncGenerator[GatewayService, None]:
    """A gateway as the environment and `parley.toml` describe it, until the context ends; running turns end first.

    To be called on the main thread, which the embedded database needs. `hooks` go before those of the file. Raises
    `ConfigurationError`, `EmbeddedPostgresError`, `StoreSetupError` and `StoreUnavailableError`.
    """
    settings = settings or load_settings()
    configuration, model = build_model(settings, load_configuration(settings))
    if hooks is not None:
        configuration = replace(configuration, hooks=hooks)
    with open_store(settings) as store:
        async with kept_running(store.embedded), aclosing(model):
            with store_errors():
                await migrate(store.address.direct_dsn)
            async with open_gateway(configuration, store.address, model, lease_s=settings.lease_s) as gateway:
                yield gateway.service
                await gateway.drain(DRAIN_S)
