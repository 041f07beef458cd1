"""How long ids may be: they are looked up by indexes, which take short ones only, and Slack's own are shorter still."""

from collections.abc import Iterator
from dataclasses import fields

from adapters.slack.errors import PayloadError
from adapters.slack.records import Event, Interaction, Origin, Said

ID_LIMIT = 500
_WORDS = frozenset({"text", "username", "before", "question", "value", "metadata"})
"""What people or we ourselves wrote: it may be long, and is looked up nowhere."""


def check_ids(event: Event | Interaction) -> None:
    """Before an id of a delivery is looked up anywhere. Raises `PayloadError`."""
    if any(len(found) > ID_LIMIT for found in _list_ids(event)):
        raise PayloadError("expected shorter ids")


def _list_ids(record: Event | Interaction | Origin) -> Iterator[str]:
    for field in fields(record):
        match getattr(record, field.name):
            case str() as found if field.name not in _WORDS:
                yield found
            case Origin() | Said() as inner:
                yield from _list_ids(inner)
            case tuple() as several:
                yield from (one for one in several if isinstance(one, str))
