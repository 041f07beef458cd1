"""A fake platform: shows what is posted to it, under the key that comes along, and is as unreliable as a real one.

It shows every post that reaches it, also a second one with the same key: keeping them apart is the gateway's part.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.demo.endpoint import HttpAsk, HttpReply, json_reply
from tests.chaos.speech import draw


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformFaults:
    """How often, of 1, an answer is lost after the post was taken, or the post itself, or it has to wait."""

    lost_answer: float = 0.07
    lost_post: float = 0.03
    busy: float = 0.03
    broken: float = 0.02
    lost_look: float = 0.03
    latest_s: float = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPost:
    """What people see."""

    conversation: str
    text: str
    key: str


@dataclass(slots=True, kw_only=True)
class Platform:
    """`posts` in the order in which they became visible; `lost` counts what was lost by kind."""

    seed: int
    faults: PlatformFaults = field(default_factory=PlatformFaults)
    posts: list[ShownPost] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    _tries: Counter[str] = field(default_factory=Counter)

    async def respond(self, ask: HttpAsk) -> HttpReply:
        """One exchange: `POST /posts` or `POST /find`."""
        body = ask.json()
        assert isinstance(body, dict)
        key = str(body["key"])
        self._tries[ask.path + key] += 1
        chance = draw(self.seed, "platform", ask.path, key, self._tries[ask.path + key])
        if ask.path == "/find":
            return self._find(key, is_lost=chance.random() < self.faults.lost_look)
        post = ShownPost(conversation=str(body["conversation"]), text=str(body["text"]), key=key)
        return self._take(post, chance.random(), chance.uniform(0, self.faults.latest_s))

    def _find(self, key: str, *, is_lost: bool) -> HttpReply:
        if is_lost:
            self.lost["look"] += 1
            raise ConnectionResetError("lost by the suite")
        found = next((n for n, post in enumerate(self.posts) if post.key == key), None)
        return json_reply({"post": None if found is None else f"post {found}"})

    def _take(self, post: ShownPost, die: float, late_s: float) -> HttpReply:
        faults = self.faults
        outcomes: tuple[tuple[str, float, Callable[[], HttpReply]], ...] = (
            ("answer", faults.lost_answer, lambda: self._lose(post, late_s)),
            ("post", faults.lost_post, lambda: self._lose(None, 0)),
            ("busy", faults.busy, lambda: json_reply({"error": "busy"}, 429, {"retry-after": "0.2"})),
            ("broken", faults.broken, lambda: self._break(post, late_s)),
        )
        for name, share, outcome in outcomes:
            die -= share
            if die < 0:
                self.lost[name] += 1
                return outcome()
        self.posts.append(post)
        return json_reply({"post": f"post {len(self.posts) - 1}"})

    def _lose(self, post: ShownPost | None, late_s: float) -> HttpReply:
        """Hang up; what was taken becomes visible a little later."""
        if post is not None:
            asyncio.get_running_loop().call_later(late_s, self.posts.append, post)
        raise ConnectionResetError("lost by the suite")

    def _break(self, post: ShownPost, late_s: float) -> HttpReply:
        """An error that does not say whether the post was taken: it was in half of the cases."""
        if int(post.key[-1], 16) % 2:
            asyncio.get_running_loop().call_later(late_s, self.posts.append, post)
        return json_reply({"error": "broken"}, 500)
