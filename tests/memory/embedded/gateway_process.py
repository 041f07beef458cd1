"""A process that owns an embedded PostgreSQL as a gateway does, for tests that kill it.

Run with a data directory, it prints its server's process number and address as one line of JSON (or the error's text),
and stops the server when its input ends. With `half` behind the directory it says so and stands still in the middle of
making the database.
"""

import json
import signal
import sys
import time
from pathlib import Path

from memory.embedded.errors import EmbeddedPostgresError
from memory.embedded.owner import EmbeddedPostgres


def main(data_dir: str, *how: str) -> None:
    owner = EmbeddedPostgres(Path(data_dir), settings={"fsync": "off"})
    if how:
        stand_still_half_way(owner)
    try:
        owner.start()
    except EmbeddedPostgresError as error:
        say(error=str(error), kind=type(error).__name__)
        return
    say(pid=owner.pid, dsn=owner.dsn)
    sys.stdin.read()
    owner.stop()


def stand_still_half_way(owner: EmbeddedPostgres) -> None:
    for pause_s in owner._start():
        time.sleep(pause_s)
        if (owner.home / "data.new" / "global" / "pg_control").exists():
            say(pid=0, dsn="")
            signal.pause()


def say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)  # noqa: T201 - read by the test


if __name__ == "__main__":
    main(*sys.argv[1:])
