"""A peer's frame, from text to its form: the last check before the wire decides. Pure."""

from adapters.widget.codes import CloseCode
from adapters.widget.errors import BadFrameError, RefusedError
from adapters.widget.frames import VERSION, Frame, Hello, parse_frame, read_id, read_version
from adapters.widget.limits import FRAME_BYTES


def read_frame(data: str | bytes) -> Frame:
    """A frame as it came. Raises `BadFrameError`, and `RefusedError` for another version of the protocol."""
    if isinstance(data, bytes):
        raise BadFrameError("frame", "a text frame")
    if len(data) > FRAME_BYTES or (not data.isascii() and len(data.encode(errors="replace")) > FRAME_BYTES):
        raise BadFrameError("frame", f"at most {FRAME_BYTES} bytes", reply_id=read_id(data))
    try:
        frame = parse_frame(data)
    except BadFrameError:
        if read_version(data) not in {None, VERSION}:
            raise _wrong_version() from None
        raise
    if isinstance(frame, Hello) and frame.v != VERSION:
        raise _wrong_version()
    return frame


def _wrong_version() -> RefusedError:
    return RefusedError(CloseCode.VERSION, f"v: expected {VERSION}")
