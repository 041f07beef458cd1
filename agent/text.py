"""What every text must be before it is kept: text that any store and any screen can hold."""

import json
import math

from agent.records import JsonObject, JsonValue

BYTES_PER_TOKEN = 3
"""Of text that was never billed."""
_UNSTORABLE = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def storable(text: str) -> str:
    """The text with NUL characters and lone surrogates replaced by U+FFFD; everything else stays as it was."""
    return text.translate(_UNSTORABLE) if not text.isascii() or "\x00" in text else text


def storable_json(value: JsonValue) -> JsonValue:
    """The same for every string in a JSON value, keys among them; numbers that JSON has not become their names."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    if isinstance(value, list):
        return [storable_json(item) for item in value]
    if isinstance(value, dict):
        return storable_object(value)
    return value


def storable_object(value: JsonObject) -> JsonObject:
    """The same for a JSON object."""
    return {storable(key): storable_json(item) for key, item in value.items()}


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, as browsers count."""
    return len(text) + sum(1 for c in text if c > "\uffff")


def estimate_tokens(text: str) -> int:
    """Tokens of a text that was never billed: its UTF-8 bytes by three, rounded up."""
    return -(-len(text.encode(errors="surrogatepass")) // BYTES_PER_TOKEN)
