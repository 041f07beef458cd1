"""The demo model's summaries stand up to the checks that a real model's have to pass."""

from agent.pricing import DEMO_MODEL
from agent.summarizing import SCHEMA, Source, believe_summary, build_summarizing
from gateway.demo.checks import parse_request
from gateway.demo.extraction import answer_schema
from gateway.messages_api import render_request
from tests.agent.test_summarizing import RUNS, run_of


def test_what_was_decided_and_asked_is_kept_under_its_authors_name() -> None:
    """The whole path of a long thread can be tried without a key. Proves: AG-6."""
    source = Source(runs=(*RUNS, run_of(4, "I like tea.")))
    request = parse_request(render_request(build_summarizing(DEMO_MODEL, source)))
    summary = believe_summary(answer_schema(request, SCHEMA), source)
    assert [(one.author and one.author.name, one.text) for one in summary.decisions] == [
        ("Ann", "We decided to use Postgres."),
        ("Bob", "Agreed, and order AB-4711 goes to https://shop.example/x?y=1"),
    ]
    assert [one.text for one in summary.questions] == ["Who pays for it?"]
    assert [one.text for one in summary.facts] == ["I like tea."]
