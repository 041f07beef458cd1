"""What people attach to a message: what a file is by its content, what it may be called, what the model is told of it.

Pure. A file's declared type counts for nothing, and its name only where it fits the content.
"""

import re
import unicodedata
from collections.abc import Iterable

from agent.records import Attachment

NAME_CHARACTERS = 120
EXCERPT_CHARACTERS = 8_000
_BOM = "\ufeff".encode()
_TEXT_BYTES = 4 * EXCERPT_CHARACTERS
TEXT = "text/plain"
_OFFICE = "application/vnd.openxmlformats-officedocument"

ENDINGS: dict[str, tuple[str, ...]] = {
    "image/png": ("png",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/gif": ("gif",),
    "image/webp": ("webp",),
    "image/heic": ("heic", "heif"),
    "application/pdf": ("pdf",),
    f"{_OFFICE}.wordprocessingml.document": ("docx",),
    f"{_OFFICE}.spreadsheetml.sheet": ("xlsx",),
    f"{_OFFICE}.presentationml.presentation": ("pptx",),
    TEXT: ("txt", "md", "csv", "tsv", "json", "log", "yaml", "yml", "toml", "ini", "diff"),
}
"""The types that are taken, each with the endings that fit it, the usual one first."""

_MARKS: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("image/png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("image/jpeg", re.compile(rb"\xff\xd8\xff")),
    ("image/gif", re.compile(rb"GIF8[79]a")),
    ("image/webp", re.compile(rb"RIFF....WEBPVP8", re.DOTALL)),
    ("image/heic", re.compile(rb"....ftyp(?:heic|heix|mif1)", re.DOTALL)),
    ("application/pdf", re.compile(rb"%PDF-\d")),
)
_FOLDERS = {b"word/": "docx", b"xl/": "xlsx", b"ppt/": "pptx"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")


def find_media_type(content: bytes) -> str | None:
    """What the content is; none for what is not taken: programs, archives, media that nobody here can read."""
    for media_type, mark in _MARKS:
        if mark.match(content):
            return media_type
    if content.startswith(b"PK\x03\x04"):
        return _find_office_type(content)
    return TEXT if content and _is_text(content) else None


def _find_office_type(content: bytes) -> str | None:
    """An office document is an archive with a list of its parts and a folder of its kind; any other is none."""
    if b"[Content_Types].xml" not in content or b"vbaProject.bin" in content:
        return None
    ending = next((ending for folder, ending in _FOLDERS.items() if folder in content), "")
    return next((media_type for media_type, endings in ENDINGS.items() if ending in endings), None)


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text)


def fit_name(name: str, media_type: str) -> str:
    """A name that tells the truth: one line of readable characters without a folder, ending as the content is."""
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in last)
    plain = " ".join(re.sub(r'[<>:"|?*]', " ", kept).split()).strip(". ") or "file"
    stem, dot, ending = plain.rpartition(".")
    endings = ENDINGS[media_type]
    if dot and stem and ending.lower() in endings:
        return f"{stem[: NAME_CHARACTERS - len(ending) - 1]}.{ending}"
    return f"{plain[: NAME_CHARACTERS - len(endings[0]) - 1]}.{endings[0]}"


def read_excerpt(content: bytes, media_type: str) -> str | None:
    """The beginning of a text, as much as the model is given; none for what is no text."""
    if media_type != TEXT:
        return None
    return content[:_TEXT_BYTES].decode(errors="ignore").removeprefix("\ufeff")[:EXCERPT_CHARACTERS]


def render_files(attachments: Iterable[Attachment]) -> str | None:
    """What the model reads under a message's own words: every file's name and type, and the texts themselves."""
    parts = [_render(one) for one in attachments]
    return "\n\n" + "\n\n".join(parts) if parts else None


def _render(one: Attachment) -> str:
    head = f"[attached file: {one.name}, {one.media_type}, {one.size_bytes} bytes"
    if one.excerpt is None:
        return f"{head}; its content is not shown to you]"
    cut = "; only its beginning is shown" if one.size_bytes > len(one.excerpt.encode()) + len(_BOM) else ""
    return f"{head}{cut}]\n{one.excerpt}\n[end of {one.name}]"
