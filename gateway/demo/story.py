"""A story that is long enough to reload the page, or kill the server, in the middle of it."""

from gateway.demo.scene import Scene

_OPENINGS = (
    "In a harbour town where the fog came in every evening like a guest with its own key, there stood a lighthouse "
    "without a keeper.",
    "At the end of the last tram line, where the rails stop at a hedge, there was a small post office that nobody had "
    "closed.",
    "High in the hills, above the place where the road gives up, there was a workshop that mended only clocks that had "
    "stopped of grief.",
)
_BODY = (
    "{hero} came there by mistake. The letter in {hero}'s pocket had been meant for somebody else, and the address on "
    "it had been washed out by rain until only one line was left: come before the tide turns. It was not much to go "
    "by, but it was more than most mornings offer.",
    "Inside it smelled of oil, paper and cold tea. On the table lay a ledger, open at a page that carried today's "
    "date, and below the date one question, written in a careful hand: what did you promise, and to whom? {hero} read "
    "it twice. Then, because there was a pen and nobody to forbid it, {hero} wrote down three promises. The first was "
    "easy, and long kept. The second had been forgotten. The third had never been said aloud.",
    "While the ink dried, a bell rang downstairs. A woman stood in the door with a cart full of lamps, all of them "
    "out. She did not ask who {hero} was. She asked only whether anybody had counted the boats. Nobody had. So they "
    "went out together along the wall, counting: one with a blue sail, two that were tied to each other, one that was "
    "more patch than plank, and far outside, where the water turns from green to grey, one more, with no light at all.",
    "That is the one, said the woman. It has been coming home for eleven years. It arrives each evening as far as the "
    "bar, and then the tide turns. They lit the lamps, all of them, and set them along the wall, a hand's breadth "
    "apart, until the stones looked like a street. {hero} thought of the third promise, and said it aloud, not loudly, "
    "to nobody in particular. The wind took it out over the water as if it had waited for just that.",
    "The boat came over the bar with the last of the flood. There was nobody in it but an old man, asleep, and on his "
    "knees a parcel with the same washed-out address. He woke when the keel touched the sand, looked at the lamps, and "
    "laughed. I thought, he said, that you had all gone to bed.",
    "They drank the cold tea and found it good. In the morning the ledger lay open at a new page, and the question on "
    "it was a different one. {hero} did not answer it at once. Some questions want to be carried about for a while, "
    "like a stone in a coat, until the hand knows its shape. The fog came in at its usual hour, with its own key, and "
    "this time somebody had put the kettle on.",
)
_END = "That is the end of the story. Ask me for another one, and it may begin somewhere else."


def tell_story(scene: Scene, *, is_long: bool) -> str:
    """A story with the asker in it: over 300 words, or its beginning and its end."""
    hero = scene.asker.split()[0] if scene.asker else "a stranger"
    opening = scene.pick(_OPENINGS)
    body = _BODY if is_long else (_BODY[0], _BODY[-1])
    paragraphs = [part.format(hero=hero) for part in (opening, *body, _END)]
    return "\n\n".join(part[:1].upper() + part[1:] for part in paragraphs)
