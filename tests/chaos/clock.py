"""The wall clock of a gateway process, which jumps when told to: an hour ahead on SIGUSR1, two back on SIGUSR2."""

import signal
import time

JUMPS_S = {signal.SIGUSR1: 3600.0, signal.SIGUSR2: -7200.0}


def install_clock() -> None:
    """From now on `time.time` can be made to jump. The monotonic clock goes on as it is, as on a real machine."""
    read_clock, shift_s = time.time, 0.0

    def jump(number: int, _: object) -> None:
        nonlocal shift_s
        shift_s += JUMPS_S[signal.Signals(number)]

    vars(time)["time"] = lambda: read_clock() + shift_s
    for number in JUMPS_S:
        signal.signal(number, jump)
