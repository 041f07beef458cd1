"""The settings for a command, imported when it runs."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gateway.settings import Settings


def load_settings_quietly() -> "Settings":
    """The settings; from here on logs go to standard error. Raises `ConfigurationError`."""
    from gateway.logs import configure_logs
    from gateway.settings import load_settings

    settings = load_settings()
    configure_logs(settings.log_format)
    return settings


def _find_local_url() -> str:
    return f"http://127.0.0.1:{load_settings_quietly().port}"


URL = click.option(
    "--url", default=_find_local_url, show_default="on this machine, at PARLEY_PORT", help="Where the gateway is."
)
"""For commands that ask a gateway which is up."""
