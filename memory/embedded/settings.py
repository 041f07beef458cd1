"""The server's settings, given on its command line so that an upgrade of Parley brings its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from memory.embedded.binaries import Binaries

PORT = 5432

SETTINGS: Mapping[str, str] = {
    # only through the socket, only for the server's own user and root
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    # one small machine
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "io_method": "sync",
    "jit": "off",
    "cluster_name": "parley",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # what is committed is kept
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # the log says how the server fares, never what people wrote: errors of statements quote values, and are the
    # client's to report
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}


def server_command(binaries: Binaries, data: Path, sockets: Path, overrides: Mapping[str, str]) -> Sequence[str]:
    """The postmaster's command line."""
    quoted = '"' + str(sockets).replace('"', '""') + '"'
    settings = {**SETTINGS, **overrides, "unix_socket_directories": quoted}
    return [
        binaries.postgres,
        "-D",
        str(data),
        *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
    ]
