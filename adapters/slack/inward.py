"""Slack's text in: mentions become names, links plain, escapes characters."""

import html
import re
from collections.abc import Mapping

from adapters.slack.records import SharedFile

_TOKEN = re.compile(r"<([^<>]+)>")


def read_text(text: str, names: Mapping[str, str], bot_user: str | None, bot_name: str) -> str:
    """What a person sees of a message. `names` by user id; whoever is not in it is `@somebody`.

    A mention of the bot at the beginning only calls it and is left out.
    """
    if bot_user is not None:
        text = re.sub(rf"^\s*<@{re.escape(bot_user)}(\|[^<>]*)?>[\s,:]*", "", text)
    known = {**names, **({bot_user: bot_name} if bot_user else {})}
    return html.unescape(_TOKEN.sub(lambda match: _read_token(match[1], known), text)).strip()


def _read_token(token: str, names: Mapping[str, str]) -> str:
    target, _, label = token.partition("|")
    match target[:1]:
        case "@":
            return f"@{names.get(target[1:]) or label or 'somebody'}"
        case "#":
            return f"#{label or target[1:]}"
        case "!":
            return _read_special(target[1:], label)
        case _:
            address = target.removeprefix("mailto:")
            return address if not label or label == address else f"{label} ({address})"


def _read_special(target: str, label: str) -> str:
    if target in {"here", "channel", "everyone"}:
        return f"@{target}"
    return label or "@group" if target.startswith("subteam") else label


def render_file(file: SharedFile, content: str | None) -> str:
    """A file as the agent reads it: as a quotation, since it is not what its sender says; or that it was not read."""
    if content is None:
        return f"[file {file.name} ({file.mimetype}, {file.size_bytes} bytes): its content is not available here]"
    lines = "\n".join(f"> {line}" for line in content.splitlines())
    return f"[file {file.name}]\n{lines}\n[end of file {file.name}]"
