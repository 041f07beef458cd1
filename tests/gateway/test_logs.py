"""Logs hold ids and our own words: never what people wrote, never a secret, whoever writes the line."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import ModelUnavailableError
from gateway.log_filter import LIMIT, clean, clean_fields, clean_text, tell_error
from gateway.logs import configure_logs

SAID = "the blue door at the harbour"
KEY = "sk-ant-api03-Zk4Tq9XwLm2Rv7Yb5Nc8PdJ4sGf6Ea1Hh3Uu0"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
RUN = "run_0123456789abcdef0123456789abcdef"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the logs go; afterwards logging is as it was."""
    root, names = logging.getLogger(), ("uvicorn.access", "uvicorn.error", "uvicorn", "aiohttp.access", "asyncio")
    before = (root.handlers[:], root.level, logging.raiseExceptions)
    levels = {name: (logging.getLogger(name).level, logging.getLogger(name).disabled) for name in names}
    stream = io.StringIO()
    with warnings.catch_warnings():
        configure_logs("json", stream)
        yield stream
        logging.captureWarnings(capture=False)
    structlog.reset_defaults()
    root.handlers[:], root.level, logging.raiseExceptions = before
    for name, (level, is_disabled) in levels.items():
        logging.getLogger(name).level = level
        logging.getLogger(name).disabled = is_disabled


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was written, one object a line."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_when_how_bad_what_and_who(stream: io.StringIO) -> None:
    """One JSON object a line, the time in UTC, ids as they are."""
    structlog.get_logger("gateway.test").info("run_finished", run_id=RUN, session_id="web:demo:lobby", seconds=0.5)
    (line,) = lines(stream)
    assert str(line.pop("at")).endswith("Z")
    assert line == {
        "level": "info",
        "event": "run_finished",
        "logger": "gateway.test",
        "run_id": RUN,
        "session_id": "web:demo:lobby",
        "seconds": 0.5,
    }


@pytest.mark.parametrize(
    "name", ["text", "prompt", "answer", "body", "arguments", "result", "author_name", "memory", "token"]
)
def test_what_people_wrote_is_withheld_by_its_name(stream: io.StringIO, name: str) -> None:
    """No message text, wherever it is nested. Proves: OP-6."""
    structlog.get_logger().warning("odd", **{name: SAID, "detail": {name: SAID, "n": 1}, "many": [{name: [SAID]}]})
    assert SAID not in stream.getvalue()
    assert lines(stream)[0]["detail"] == {name: f"({len(SAID)} withheld)", "n": 1}


@pytest.mark.parametrize(
    "secret",
    [
        KEY,
        JWT,
        "xoxb-123456789012-abcdefghijklmnop",
        "ann.smith+x@mail.example.org",
        "jörg@example.de",
        "postgresql://parley:hunter2@db.example.com/parley",
        "Bearer Zk4Tq9XwLm2Rv7Yb5Nc8Pd",
        "/widget/ws?ticket=Zk4Tq9",
    ],
)
def test_secrets_and_addresses_are_taken_out_of_every_value(stream: io.StringIO, secret: str) -> None:
    """Under any name, in our own lines and in those of other libraries. The rest of the line stays.

    Proves: OP-6.
    """
    structlog.get_logger().error("odd", reason=f"because of {secret} it failed", many=[secret], also={"k": secret})
    logging.getLogger("some.library").error("because of %s it failed", secret)
    ours, theirs = lines(stream)
    core = secret.rpartition("=")[2].removeprefix("Bearer ").removeprefix("postgresql://").partition("@db")[0]
    assert core not in stream.getvalue()
    assert ours["reason"].startswith("because of ")
    assert theirs["event"].endswith(" it failed") or "query removed" in theirs["event"]


def test_an_exception_is_told_by_its_kind_and_place(stream: io.StringIO) -> None:
    """Its text may quote a row or a message; where it was raised is what an operator needs."""
    try:
        try:
            json.loads("{}")[SAID]
        except KeyError as error:
            raise ValueError(f"bad value {SAID}") from error
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("some.library").exception("Task failed\nfuture: <%s>", SAID)
    assert SAID not in stream.getvalue()
    for line in lines(stream):
        assert (line["error"], line["caused_by"]) == ("ValueError", ["KeyError"])
        assert line["raised_at"][0].startswith("gateway/test_logs.py:")
    assert lines(stream)[1]["event"] == "Task failed"


def test_the_text_of_an_error_that_quotes_nothing_is_told() -> None:
    """`connection refused` is worth reading."""
    error = ConnectionRefusedError(111, f"Connection refused {KEY}")
    assert tell_error((type(error), error, None))["error_says"] == "[Errno 111] Connection refused [API key removed]"
    model = ModelUnavailableError("overloaded (529)")
    assert tell_error((type(model), model, None))["error_says"] == "overloaded (529)"
    group = ExceptionGroup(SAID, [ValueError(SAID), OSError("x")])
    assert tell_error((type(group), group, None)) == {
        "error": "ExceptionGroup",
        "raised_at": [],
        "caused_by": ["ValueError", "OSError"],
    }


def test_other_libraries_are_quiet(stream: io.StringIO) -> None:
    """The access log has addresses with query strings; what connects and leaves is not worth a line."""
    logging.getLogger("uvicorn.access").warning("GET /x?token=1")
    logging.getLogger("uvicorn.error").info('("127.0.0.1", 1) - "WebSocket /widget/ws?x=1" [accepted]')
    logging.getLogger("httpx2").info("HTTP Request: POST https://api")
    logging.getLogger("some.library").debug("detail")
    structlog.get_logger().debug("detail")
    assert stream.getvalue() == ""


def test_a_line_that_cannot_be_written_is_not_printed_bare(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own handler would print the arguments as they are."""
    stream.close()
    logging.getLogger("some.library").error("because of %s", SAID)
    assert SAID not in capsys.readouterr().err


def test_console_lines_pass_the_same_filter() -> None:
    """People at a terminal share their screens."""
    stream = io.StringIO()
    configure_logs("console", stream)
    try:
        structlog.get_logger().error("odd", text=SAID, reason=KEY, run_id=RUN)
    finally:
        logging.getLogger().handlers.clear()
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()
    assert SAID not in stream.getvalue()
    assert KEY not in stream.getvalue()
    assert RUN in stream.getvalue()


@pytest.mark.parametrize(
    "unchanged", [RUN, "web:demo:lobby", "slack:T0A1:C0B2:1700000000.000100", "1.2.3.4:80", "run_done"]
)
def test_ids_are_left_alone(unchanged: str) -> None:
    """A log without ids is of no use."""
    assert clean_text(unchanged) == unchanged


def test_a_value_is_one_line_of_bounded_length() -> None:
    """Nobody forges a second line, and no body fills the disk."""
    assert clean_text("a\nb\r\nc") == "a b c"
    assert len(clean_text("word " * 10_000)) < LIMIT + 50
    assert clean_text("x@" * 40_000).endswith("(cut: 80000 characters)")


def test_nothing_in_a_line_steers_a_terminal_or_breaks_the_encoding() -> None:
    """Control characters and lone surrogates come from outside."""
    assert clean_text("a\x1b[2Jb\x00c\ud800 d\u202ee") == "a�[2Jb�c� d�e"


def test_an_object_of_which_nothing_is_known_is_only_named() -> None:
    """Its repr may show all that it holds."""
    assert clean({"a": object(), "b": b"bytes", "c": ValueError(SAID)}) == {
        "a": "<object>",
        "b": "<bytes>",
        "c": "ValueError",
    }


@given(
    st.recursive(
        st.none() | st.text() | st.integers() | st.floats(allow_nan=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_is_logged_becomes_json_in_one_line(value: object) -> None:
    """A log line must never be what fails."""
    assert "\n" not in json.dumps(clean_fields({"value_of": value, "text": value}), ensure_ascii=False)
