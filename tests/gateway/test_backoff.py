"""Pauses between starts, by a clock in the test's hand."""

from gateway.backoff import Backoff


def test_the_pause_grows_while_lives_are_short_and_starts_over_after_a_long_one() -> None:
    """What dies at once must not eat the machine; what lived well comes back at once."""
    now = 0.0
    backoff = Backoff(first_s=0.1, longest_s=1.0, steady_s=10.0, now=lambda: now)

    def live(seconds: float) -> float:
        nonlocal now
        backoff.begin()
        now += seconds
        return backoff.next_s()

    assert [live(1) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert live(10) == 0.1
    assert live(9) == 0.2
