"""How long a connection sleeps."""

import pytest

from adapters.widget.socket import find_wait_s


@pytest.mark.parametrize("wait_s", [5.0, 24.9, 25.0, 1800.0])
def test_what_is_due_long_from_now_is_due_together_with_others(wait_s: float) -> None:
    """Five thousand heartbeats are to wake the process four times a second, not two hundred. Proves: WI-25."""
    ends = {round(now_s + find_wait_s(1000.1 + wait_s, now_s), 6) for now_s in (1000.0, 1000.03, 1000.09)}
    assert len(ends) == 1
    assert 1000.1 + wait_s < ends.pop() <= 1000.1 + wait_s + 0.26


@pytest.mark.parametrize("wait_s", [-3.0, 0.0, 0.05, 4.9])
def test_what_is_due_soon_is_due_when_it_is(wait_s: float) -> None:
    """A hello that does not come in time must not be waited for longer. Proves: WI-25."""
    assert find_wait_s(1000.0 + wait_s, 1000.0) == pytest.approx(max(0.0, wait_s) + 0.002)
