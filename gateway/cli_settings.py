"""The settings for a command, imported when it runs."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.settings import Settings


def load_settings_quietly() -> "Settings":
    """The settings; from here on logs go to standard error. Raises `ConfigurationError`."""
    from gateway.logs import configure_logs
    from gateway.settings import load_settings

    settings = load_settings()
    configure_logs(settings.log_format)
    return settings
