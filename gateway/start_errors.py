"""What can be expected to keep a gateway from starting, and how it is said.

StartError
├── PortTakenError          another program listens there
└── WorkersFailedError      the workers of a supervisor cannot be started
"""

from agent.errors import StoreUnavailableError
from gateway.config_errors import ConfigurationError
from memory.embedded.errors import EmbeddedPostgresError
from memory.errors import StoreSetupError


class StartError(Exception):
    """The gateway cannot be started."""


class PortTakenError(StartError):
    """Another program listens where the gateway should."""


class WorkersFailedError(StartError):
    """The worker processes cannot be started."""


START_ERRORS = (StartError, EmbeddedPostgresError, StoreSetupError, ConfigurationError, StoreUnavailableError)


def explain_start_error(error: BaseException) -> str:
    """One of `START_ERRORS` as a line for the person who starts it."""
    if isinstance(error, StoreUnavailableError):
        return f"the database is not reachable: {error}"
    return str(error)
