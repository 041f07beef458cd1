"""What does not pass as a secret: a blank, a placeholder, what is short or monotonous. No answer holds the value."""

import re

SECRET_MIN_LENGTH = 16
_DISTINCT = 5
_PLACEHOLDERS = re.compile(
    r"change|changeme|changethis|replaceme|replacethis|secret|supersecret|mysecret|topsecret|password|passwd|token|key|"
    r"apikey|mykey|mytoken|todo|fixme|tbd|none|null|undefined|nil|placeholder|example|sample|dummy|default|insecure|"
    r"redacted|hidden|unset|empty|test|testing|foobar"
)
_BEGINNINGS = ("sk", "ant", "api03", "sk-ant", "sk-ant-api03", "xoxb", "xapp", "xapp-1", "bearer")
_NO_KEY = frozenset({"test", "testing", "dummy", "none", "null", "nil", "unset", "empty", "default"})
"""What people give to a server that asks for a key and does not look at it."""
_PHRASE = re.compile(r"your[-_ ].*|(?:my|insert|put|enter|paste)[-_ ][a-z _-]{0,24}", re.DOTALL)
_PHRASES = ("changeme", "change-me", "change_me", "change me", "replace-me", "replace_me", "replaceme", "placeholder")
_FILLED = re.compile(r"[xX*.…?_#-]{3,}|<.*>|\[.*\]|\{.*\}|\$\{?\w+\}?|%\w+%", re.DOTALL)


def find_fault(secret: str) -> str | None:
    """Why the value may not guard anything, as in `expected …; found …`; none when it may."""
    expected = f"expected a secret of at least {SECRET_MIN_LENGTH} characters"
    if fault := find_emptiness(secret):
        return f"{expected}; found {fault}"
    if len(secret) < SECRET_MIN_LENGTH:
        return f"{expected}; found {len(secret)}"
    if len(set(secret)) < _DISTINCT:
        return f"{expected}, drawn at random; found {len(set(secret))} different ones"
    return None


def find_fault_of_foreign_key(secret: str) -> str | None:
    """The same for a key that somebody else's server checks: it may be as short as that server likes."""
    if _without_beginning(secret.casefold()) in _NO_KEY:
        return None
    fault = find_emptiness(secret)
    return f"expected a key; found {fault}" if fault else None


def find_emptiness(secret: str) -> str | None:
    """What stands there instead of a secret, or none."""
    if not secret.strip():
        return "a blank value"
    if is_placeholder(secret):
        return "a placeholder"
    if not all("!" <= char <= "~" for char in secret):
        return "spaces or characters that are not ASCII"
    return None


def is_placeholder(value: str) -> bool:
    """Whether the value only marks the place for a secret."""
    text = value.strip().strip("'\"").casefold()
    bare = _without_beginning(text)
    is_word = _PLACEHOLDERS.fullmatch(re.sub(r"[^a-z]", "", bare)) is not None and not re.search(r"\d{4}", bare)
    return is_word or bool(_FILLED.fullmatch(bare) or _PHRASE.fullmatch(bare)) or any(x in text for x in _PHRASES)


def _without_beginning(text: str) -> str:
    """`sk-ant-xxx` is as empty as `xxx`."""
    for beginning in sorted(_BEGINNINGS, key=len, reverse=True):
        if text.startswith(f"{beginning}-"):
            return text.removeprefix(f"{beginning}-")
    return text
