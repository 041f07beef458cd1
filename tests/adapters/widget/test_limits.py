"""Nobody gets more than their share, and counting it takes bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.widget.limits import FrameMeter, Limits, Quotas
from adapters.windows import Window, address_key


def test_twenty_messages_in_ten_seconds_and_no_more() -> None:
    """The limit that is promised, for a session. Proves: WI-16."""
    quotas = Quotas(Limits())
    waits = [quotas.take_message("s", f"ip{n}", n * 0.1) for n in range(21)]
    assert waits[:20] == [0.0] * 20
    assert waits[20] == 8.0
    assert quotas.take_message("s", "ip", 10.0) == 0.0


def test_an_address_is_limited_across_its_sessions() -> None:
    """A new session for each message would else be a way round. Proves: WI-16."""
    quotas = Quotas(Limits())
    assert [quotas.take_message(f"s{n}", "ip", 0.0) for n in range(21)][20] == 10.0
    assert quotas.take_message("s", "another", 0.0) == 0.0


def test_a_refused_message_does_not_count() -> None:
    """Who keeps trying is let in as soon as there is room. Proves: WI-16."""
    quotas = Quotas(Limits(message_count=1))
    quotas.take_message("s", "ip", 0.0)
    for second in range(1, 10):
        assert quotas.take_message("s", "ip", second) == 10.0 - second
    assert quotas.take_message("s", "ip", 10.0) == 0.0


@given(st.lists(st.floats(0, 5), max_size=120))
def test_no_span_ever_holds_more_than_the_count(gaps: list[float]) -> None:
    """Whatever the rhythm of the messages. Proves: WI-16."""
    window, now, taken = Window(5, 10.0), 0.0, list[float]()
    for gap in gaps:
        now += gap
        if window.wait_s("k", now) == 0.0:
            window.take("k", now)
            taken.append(now)
        assert sum(1 for at in taken if at > now - 10.0) <= 5


def test_idle_keys_are_forgotten_and_busy_ones_bounded() -> None:
    """Addresses are the peer's to invent. Proves: WI-16."""
    window = Window(2, 10.0, max_keys=100)
    for number in range(500):
        window.take(str(number), 0.0)
    assert len(window) == 100
    window.take("late", 11.0)
    assert len(window) == 1


def test_addresses_are_what_one_peer_has() -> None:
    """An IPv6 host has a whole /64, and would else be 2^64 peers. Proves: WI-17."""
    assert address_key("2001:db8:1:2:aaaa::1") == address_key("2001:db8:1:2:bbbb::2") == "2001:0db8:0001:0002"
    assert address_key("::ffff:192.0.2.1") == address_key("192.0.2.1")
    assert address_key("::1") == "::1"
    assert address_key("testclient") == "testclient"


def test_a_flood_of_frames_is_seen() -> None:
    """Frames that cost nothing each cost something together. Proves: WI-16."""
    meter = FrameMeter(0.0)
    assert not any(meter.is_flood(1.0) for _ in range(300))
    assert meter.is_flood(1.0)
    assert not meter.is_flood(12.0)
