"""Times that come from outside."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

FIRST_YEAR, LAST_YEAR = 2, 9998
"""One year from the ends: any zone's times can be converted, and none is what a store takes for infinity."""
YEARS = {"first": FIRST_YEAR, "last": LAST_YEAR}


def _to_utc(at: datetime) -> datetime:
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise PydanticCustomError("expected", "expected a time within the years {first} to {last}", YEARS)
    return at.astimezone(UTC)


UtcTime = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""A field of a pydantic model: a time with its zone, converted to UTC. What is too early or late is refused."""
