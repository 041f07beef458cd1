"""What a file is, what it may be called, and what the model is told of it."""

import io
import zipfile

import pytest

from agent.files import ENDINGS, EXCERPT_CHARACTERS, find_media_type, fit_name, read_excerpt, render_files
from agent.ids import AttachmentId
from agent.records import Attachment

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def zipped(*names: str) -> bytes:
    """An archive with these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"),
        (b"GIF89a" + bytes(9), "image/gif"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x18ftypheic", "image/heic"),
        (b"%PDF-1.7\n", "application/pdf"),
        ("Grüße\tan alle\r\n".encode(), "text/plain"),
        (b"<script>alert(1)</script>", "text/plain"),
        (zipped("[Content_Types].xml", "word/document.xml"), next(t for t in ENDINGS if "wordprocessing" in t)),
    ],
)
def test_a_file_is_what_its_content_says(content: bytes, media_type: str) -> None:
    """A name and a declared type are only what somebody claims. Proves: WI-37."""
    assert find_media_type(content) == media_type


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\x00",
        b"\x7fELF\x02",
        b"text with a \x00 in it",
        b"\xff\xfe\x00",
        zipped("run.exe"),
        zipped("[Content_Types].xml", "word/vbaProject.bin", "word/document.xml"),
        b"\x1f\x8b\x08\x00",
    ],
)
def test_programs_archives_and_what_is_nothing_are_not_taken(content: bytes) -> None:
    """Nobody here can read them, and others might run them. Proves: WI-37."""
    assert find_media_type(content) is None


@pytest.mark.parametrize(
    ("given", "media_type", "kept"),
    [
        ("photo.PNG", "image/png", "photo.PNG"),
        ("photo.exe", "image/png", "photo.exe.png"),
        ("page.html", "text/plain", "page.html.txt"),
        ("notes.md", "text/plain", "notes.md"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("C:\\temp\\a.txt", "text/plain", "a.txt"),
        ("", "application/pdf", "file.pdf"),
        (".png", "image/png", "png.png"),
        ("a\u202egnp.txt\r\nX: y", "image/png", "a gnp.txt X y.png"),
        ("x" * 300 + ".pdf", "application/pdf", "x" * 116 + ".pdf"),
    ],
)
def test_a_name_ends_as_the_content_is_and_has_no_tricks(given: str, media_type: str, kept: str) -> None:
    """Whoever saves the file is not deceived by its name. Proves: WI-37."""
    assert fit_name(given, media_type) == kept


def attachment(content: bytes, media_type: str, name: str) -> Attachment:
    """A file as it is kept."""
    return Attachment(
        attachment_id=AttachmentId("file_1"),
        name=name,
        media_type=media_type,
        size_bytes=len(content),
        excerpt=read_excerpt(content, media_type),
    )


def test_the_model_reads_texts_and_is_told_of_the_rest() -> None:
    """A text is there to be read; of an image it knows name and type. Proves: WI-38."""
    told = render_files([attachment(b"one\ntwo", "text/plain", "a.txt"), attachment(PNG, "image/png", "b.png")])
    assert told == (
        "\n\n[attached file: a.txt, text/plain, 7 bytes]\none\ntwo\n[end of a.txt]"
        "\n\n[attached file: b.png, image/png, 28 bytes; its content is not shown to you]"
    )
    assert render_files([]) is None


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_of_a_long_text_the_model_reads_the_beginning(letter: str) -> None:
    """One file must not fill the context. Proves: WI-38."""
    content = (letter * 20_000).encode()
    assert read_excerpt(content, "text/plain") == letter * EXCERPT_CHARACTERS
    told = render_files([attachment(content, "text/plain", "a.txt")])
    assert told is not None
    assert "only its beginning is shown" in told
