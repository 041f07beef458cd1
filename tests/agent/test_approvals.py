"""How a call that needs approval is shown: plain lines, nothing secret, nothing that could be taken for markup."""

from agent.approvals import HIDDEN, LINE_CHARACTERS, LINES, build_ask, render_arguments, render_question
from agent.ids import UserId
from agent.records import ToolCall

CARD = "4111 1111 1111 1111"


def test_arguments_are_lines_in_which_nothing_secret_stands() -> None:
    """Everybody in the thread reads the question. Proves: AG-7."""
    lines = render_arguments(
        {"order": 17, "to": "Ann\nB", "api_key": "abc", "nested": {"password": "x", "n": [1, True, None]}, "card": CARD}
    )
    assert lines[:4] == [
        "order: 17",
        "to: Ann B",
        f"api_key: {HIDDEN}",
        f"nested: password: {HIDDEN}, n: 1, true, null",
    ]
    assert CARD not in lines[4]


def test_many_and_long_arguments_are_cut() -> None:
    """A question fits a message. Proves: AG-7."""
    lines = render_arguments({"text": "x" * 100_000})
    assert len(lines[0]) == LINE_CHARACTERS + 1
    many = render_arguments({f"a{n}": n for n in range(LINES + 5)})
    assert (len(many), many[-1]) == (LINES + 1, "… and 5 more")


def test_neither_a_name_nor_an_argument_is_markup() -> None:
    """A question whose arguments could draw another question would be signed for something else. Proves: AG-7."""
    call = ToolCall(call_id="c", name="pay_[x](http://evil)", arguments={"note": "```\n**Nothing** happens."})
    text = render_question([(build_ask({}, call, UserId("ann")), call)], "Ann](http://evil) **Bob**")
    assert text.startswith("**pay x http://evil** waits for the approval of Ann http://evil Bob.")
    assert text.count("```") == 2
    assert text.endswith("note: ''' **Nothing** happens.\n```")
