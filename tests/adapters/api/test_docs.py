"""The page on the API against the API."""

import json
import re
from pathlib import Path

import pytest

from adapters.api import bodies, routes
from adapters.api.approvals import Decide
from adapters.api.bodies import CreateTask, UserDetails
from adapters.api.errors import STATUS, ErrorCode
from adapters.api.event_views import EVENTS
from adapters.api.operation import Operation
from adapters.api.operations import OPERATIONS
from adapters.api.tokens import SECRET_MIN_LENGTH, Scope
from adapters.api.views import AnsweredView, ErrorView
from adapters.http_limits import BODY_TIMEOUT_S, MAX_BODY_BYTES
from agent.records import Audience, RunState

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_is_on_the_page(operation: Operation) -> None:
    """A route that nobody can read about is not there. Proves: API-14."""
    assert f"{operation.method} {operation.path}" in PAGE


def test_no_other_path_is_on_the_page() -> None:
    """A route that went away must go from the page too. Proves: API-14."""
    named = {
        path.rstrip("`.,")
        .replace("$TASK_ID", "{task_id}")
        .replace("$SESSION_ID", "{session_id}")
        .replace("$APPROVAL_ID", "{approval_id}")
        for path in re.findall(r"/api/v1/[^\s`]+", PAGE)
    }

    assert named <= {operation.path for operation in OPERATIONS}


def test_every_error_is_on_the_page_with_its_status() -> None:
    """And no other. Proves: API-14."""
    table = {row[1].strip("`"): int(row[0]) for row in ROWS if row[0].isdecimal()}

    assert table == {code.value: STATUS[code] for code in ErrorCode}


def test_every_field_event_scope_and_state_is_on_the_page() -> None:
    """What a caller may send and will get. Proves: API-14."""
    first = {row[0].strip("`") for row in ROWS}
    words = set(re.findall(r"`(\w+)`", PAGE))

    assert first >= set(CreateTask.model_fields) | set(EVENTS) | set(Scope)
    assert words >= set(UserDetails.model_fields) | set(RunState) | set(Audience)


@pytest.mark.parametrize(
    ("figure", "words"),
    [
        (bodies.PROMPT_LIMIT == 100_000, "100,000 characters"),
        (bodies.ATTRIBUTES_LIMIT_BYTES == 16 * 1024, "up to 16 KiB"),
        ((bodies.WAIT_LIMIT_S, bodies.DEFAULT_WAIT_S) == (120, 60), "up to 120; `true` is 60"),
        ((bodies.PAGE_LIMIT, bodies.DEFAULT_PAGE) == (200, 50), "1 to 200, 50 unless told"),
        (SECRET_MIN_LENGTH == 16, "at\nleast 16 characters"),
        (MAX_BODY_BYTES == 256 * 1024, "over 256 KiB"),
        (BODY_TIMEOUT_S == 10, "within 10 seconds"),
        (routes.BOUNDS.heartbeat_s == 15, "every 15 seconds of silence"),
        (routes.BOUNDS.send_timeout_s == 30, "dropped after 30 seconds"),
    ],
)
def test_the_figures_on_the_page_are_those_in_force(figure: bool, words: str) -> None:
    """A limit is a promise. Proves: API-14."""
    assert figure
    assert words in PAGE


def test_the_requests_on_the_page_are_right() -> None:
    """People copy them. Proves: API-14."""
    sent = re.findall(r"-d '(.+)'", PAGE)

    assert len(sent) == 5
    for body in sent:
        (Decide if "decision" in body else CreateTask).model_validate(json.loads(body))


def test_the_answers_on_the_page_have_the_form_of_answers() -> None:
    """Programs are written after them. Proves: API-14."""
    answered, error = re.findall(r"```json\n(.+?)```", PAGE, flags=re.DOTALL)

    AnsweredView.model_validate(json.loads(answered))
    ErrorView.model_validate(json.loads(error))
