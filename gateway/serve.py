"""`parley serve`: one process, or a supervisor with several, from start to a graceful end."""

import signal
import sys
from contextlib import closing

import uvloop

from gateway.config import Configuration, add_operator_token
from gateway.listening import listen, url_of
from gateway.server import Serving, Stop, name_model, run_gateway
from gateway.settings import Settings
from gateway.start_errors import START_ERRORS, explain_start_error
from gateway.store import Store, kept_running, open_store
from gateway.supervisor import supervise
from memory.database import store_errors
from memory.migrate import migrate


def serve(settings: Settings, configuration: Configuration) -> int:
    """Serve until SIGTERM or SIGINT. Returns the exit code; what is wrong is one line on standard error."""
    try:
        if settings.workers == 1:
            _serve_alone(settings, configuration)
        else:
            supervise(settings, configuration, _announce)
    except START_ERRORS as error:
        print(f"parley: {explain_start_error(error)}", file=sys.stderr)
        return 1
    finally:
        signal.alarm(0)
    return 0


def _serve_alone(settings: Settings, configuration: Configuration) -> None:
    sock = listen(settings.host, settings.port)
    with closing(sock), open_store(settings) as store:
        configuration = add_operator_token(configuration, settings)
        serving = Serving(settings=settings, configuration=configuration, address=store.address, sock=sock)
        uvloop.run(_run(serving, store))


async def _run(serving: Serving, store: Store) -> None:
    with store_errors():
        await migrate(store.address.direct_dsn)
    stop = Stop()
    stop.catch_signals()
    async with kept_running(store.embedded):
        url = url_of(serving.sock)
        await run_gateway(serving, stop, lambda: _announce(serving.settings, serving.configuration, store, url))


def _announce(settings: Settings, configuration: Configuration, store: Store, url: str) -> None:
    """What was started, in a few lines for a person."""
    lines = [
        "Parley is up.",
        f"  database  {store.name}",
        f"  model     {name_model(settings)}",
        f"  sites     {', '.join(configuration.sites) or 'none'}",
        *([f"  workers   {settings.workers}"] if settings.workers > 1 else []),
        *configuration.notices,
        f"  open      {url}",
    ]
    print("\n".join(lines), flush=True)
