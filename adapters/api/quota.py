"""How often people may ask the API for what is theirs. Programs are not counted: who runs the gateway trusts them."""

import math
import time
from collections.abc import Callable

from starlette.requests import Request

from adapters.api.errors import ApiError, ErrorCode
from adapters.windows import Window, address_key
from agent.ids import UserId

SPAN_S = 60.0


class Quota:
    """Of one process: so many requests a minute for each person and for each address, whoever comes from there."""

    def __init__(self, by_person: int, by_address: int, now_s: Callable[[], float] = time.monotonic) -> None:
        self._people = Window(by_person, SPAN_S)
        self._addresses = Window(by_address, SPAN_S)
        self._now_s = now_s

    def take_address(self, request: Request) -> None:
        """Count a request that is not known to be anybody's yet. Raises `ApiError`."""
        if request.client is not None:
            self._take(self._addresses, address_key(request.client.host))

    def take_person(self, user_id: UserId) -> None:
        """Count a request of this person. Raises `ApiError`."""
        self._take(self._people, user_id)

    def take_many(self, request: Request, user_id: UserId, count: int) -> None:
        """Count a request that was counted once as so many, since it is that much work. Raises `ApiError`."""
        for _ in range(count - 1):
            self.take_address(request)
            self.take_person(user_id)

    def _take(self, window: Window, key: str) -> None:
        now = self._now_s()
        if (wait_s := window.wait_s(key, now)) > 0:
            headers = {"retry-after": str(math.ceil(wait_s))}
            raise ApiError(ErrorCode.BUSY, "too many requests at once; please wait a moment", headers=headers)
        window.take(key, now)
