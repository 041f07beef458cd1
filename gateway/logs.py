"""Structured logs on standard error: ours through structlog, other libraries' through the standard library, one form.

structlog ──┐
logging ────┴─► level, time ─► what was raised ─► filter ─► JSON or console
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO, TypeAlias

import structlog

from gateway.log_filter import ErrorInfo, clean_fields, tell_error
from gateway.settings import LogFormat

EventDict: TypeAlias = MutableMapping[str, Any]
_FIRST = ("at", "level", "event", "logger")
_QUIET = ("aiohttp", "anthropic", "asyncio", "asyncpg", "httpcore2", "httpx2", "uvicorn", "uvicorn.error", "websockets")
"""Libraries of which only warnings are of interest; at INFO some of them write addresses."""
_SILENT = ("uvicorn.access", "aiohttp.access")


def configure_logs(log_format: LogFormat, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send all logs of the process to `stream` (standard error). `auto` is console on a terminal, else JSON."""
    target = sys.stderr if stream is None else stream
    is_console = log_format == "console" or (log_format == "auto" and target.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer(colors=target.isatty(), timestamp_key="at")
        if is_console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_filter, _order, renderer])
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.raiseExceptions = False  # where a line cannot be written, its bare arguments must not be either
    logging.captureWarnings(capture=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in _SILENT:
        logging.getLogger(name).disabled = True
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # its lines show what tools gave back
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _filter(_: object, __: str, line: EventDict) -> EventDict:
    """The last step before a line is written; nothing goes round it."""
    is_ours = line.pop("_from_structlog")
    del line["_record"]
    info = _error_info(line.pop("exc_info", None))
    line.pop("stack_info", None)
    if not is_ours:
        line["event"] = str(line["event"]).strip().partition("\n")[0]  # what follows may show an object whole
    fields = clean_fields(line)
    return fields | tell_error(info) if info else fields


def _error_info(given: object) -> ErrorInfo | None:
    if given is True:
        given = sys.exc_info()
    if isinstance(given, BaseException):
        return type(given), given, given.__traceback__
    return given if isinstance(given, tuple) and isinstance(given[1], BaseException) else None


def _order(_: object, __: str, line: EventDict) -> EventDict:
    first = {name: line[name] for name in _FIRST if name in line}
    return first | {name: value for name, value in line.items() if name not in _FIRST}
