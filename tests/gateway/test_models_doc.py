"""docs/models.md says what the code does: its tables are looked up."""

from decimal import Decimal
from pathlib import Path

import pytest

from agent.errors import ModelError
from agent.pricing import LIST_PRICES, UNKNOWN_MODEL, Price
from gateway.claude import CallLimits
from gateway.demo.model import WORDS_PER_S
from gateway.demo.rules import RULES
from gateway.model_faults import OPERATOR_RETRY_S, fault_of_status

DOC = (Path(__file__).parents[2] / "docs" / "models.md").read_text()


def row(name: str, price: Price) -> str:
    """A line of the price table."""
    figures = (price.input, price.output, price.cache_read, price.cache_write_5m, price.cache_write_1h)
    return f"| {name} | {' | '.join(_plain(figure) for figure in figures)} |"


def _plain(figure: Decimal) -> str:
    return format(figure.normalize(), "f")


@pytest.mark.parametrize("model", LIST_PRICES)
def test_every_price_stands_in_the_docs(model: str) -> None:
    """Who checks a bill reads them there."""
    assert row(f"`{model}`", LIST_PRICES[model]) in DOC


def test_the_price_of_an_unknown_model_stands_in_the_docs() -> None:
    """It is the one that surprises."""
    assert row("any other", UNKNOWN_MODEL) in DOC


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529])
def test_every_status_stands_in_the_line_of_its_error(status: int) -> None:
    """An operator looks the status up."""
    error: ModelError = fault_of_status(status, "", "", {})
    lines = [line for line in DOC.splitlines() if line.startswith("| ") and str(status) in line]
    assert any(f"`{type(error).__name__}`" in line for line in lines)


def test_the_limits_stand_in_the_docs() -> None:
    """The figures are repeated there."""
    limits = CallLimits()
    assert f"{limits.connect_s:.0f} s, and {limits.silence_s:.0f} s may pass" in DOC
    assert limits.max_retries == 2
    assert "three times" in DOC
    assert f"up to {limits.patience_s:.0f} s" in DOC
    assert f"again in {OPERATOR_RETRY_S:.0f} s" in DOC
    assert f"about {WORDS_PER_S:.0f} words a second" in DOC


QUESTIONS = [
    cell.strip()
    for line in DOC.partition("| say | and it |")[2].splitlines()[2:]
    if line.startswith("| ")
    for cell in line.split("|")[1].split("·")
]


@pytest.mark.parametrize("question", [q for q in QUESTIONS if q.endswith("?") and "Tokyo" not in q])
def test_every_question_in_the_docs_has_a_rule(question: str) -> None:
    """Somebody will say just that."""
    assert any(pattern.search(question) for pattern, _ in RULES)
