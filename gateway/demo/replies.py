"""The demo model's small talk: who it is, greetings, a story, numbers."""

from re import Match

from gateway.demo.scene import Scene
from gateway.demo.story import tell_story

WHO_I_AM = (
    "I am Parley's built-in demo model: a few fixed rules, no AI. Set ANTHROPIC_API_KEY and start Parley again to talk "
    "to Claude."
)
ABILITIES = (
    "I can greet you, remember what you tell me about yourself (I like tea. I live in Berlin.) and forget it again, "
    "answer from that (What do I like?) and from this thread (What did Bob say? Who is here?), use two tools (What "
    "time is it in Tokyo? What is 17*23?), and tell you a long story."
)


def introduce(scene: Scene, _: Match[str]) -> str:
    """Says what it is, and to whom."""
    return f"{WHO_I_AM} {ABILITIES}"


def greet(scene: Scene, _: Match[str]) -> str:
    """A greeting by name; the first one says who speaks."""
    name = f" {scene.asker}" if scene.asker else ""
    if scene.is_first_contact:
        return f"Hello{name}! {WHO_I_AM} {ABILITIES}"
    return scene.pick((f"Hello again{name}!", f"Hello{name}, good to see you.", f"Hi{name}! What can I do for you?"))


def say_after(scene: Scene, found: Match[str]) -> str:
    """The words it was asked to say."""
    return found["words"].strip(" \"'") or "What shall I say?"


def count_up(scene: Scene, found: Match[str]) -> str:
    """Numbers, which show how an answer streams."""
    return " ".join(str(number) for number in range(1, min(int(found["n"]), 500) + 1))


def long_story(scene: Scene, found: Match[str]) -> str:
    """A story; long, unless a short one was asked for."""
    return tell_story(scene, is_long="short" not in found.group().lower())


def thank(scene: Scene, _: Match[str]) -> str:
    """An answer to thanks."""
    return scene.pick(("You are welcome.", "Gladly.", "Any time."))


def part(scene: Scene, _: Match[str]) -> str:
    """An answer to a farewell."""
    return f"Goodbye{f', {scene.asker}' if scene.asker else ''}."


def tell_mood(scene: Scene, _: Match[str]) -> str:
    """An answer to how it is."""
    return scene.pick(("As well as a handful of rules can be.", "All my rules are in order, thank you."))


def fall_back(scene: Scene) -> str:
    """What to say when no rule fits."""
    opening = scene.pick(
        (
            "I have no rule for that, and no AI to think about it.",
            "That is more than my few rules can do.",
            "For that you need a real model; I am only the demo.",
        )
    )
    return f"{opening} {ABILITIES}"
