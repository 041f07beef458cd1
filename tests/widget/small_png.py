"""A screenshot made small: the 256 colours it has most of, and the nearest of them for every other."""

import struct
import zlib
from collections import Counter

_HEAD = b"\x89PNG\r\n\x1a\n"


def shrink_png(png: bytes) -> bytes:
    """An indexed PNG that looks the same. Takes what a browser's screenshot is: 8 bits per channel, not interlaced."""
    width, height, channels, packed = _read(png)
    rows = _unfilter(zlib.decompress(packed), width * channels, height, channels)
    pixels = [bytes(row[at : at + 3]) for row in rows for at in range(0, len(row), channels)]
    counted = Counter(pixels)
    palette = [pixel for pixel, _ in counted.most_common(256)]
    number = {pixel: _nearest(pixel, palette) for pixel in counted}
    raw = b"".join(
        b"\x00" + bytes(number[pixel] for pixel in pixels[at : at + width]) for at in range(0, len(pixels), width)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", head), (b"PLTE", b"".join(palette)), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return _HEAD + b"".join(_chunk(kind, data) for kind, data in parts)


def _nearest(pixel: bytes, palette: list[bytes]) -> int:
    return min(range(len(palette)), key=lambda n: sum((a - b) ** 2 for a, b in zip(pixel, palette[n], strict=True)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _read(png: bytes) -> tuple[int, int, int, bytes]:
    at, packed = len(_HEAD), b""
    width = height = channels = 0
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        data = png[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", data[:10])
            channels = {2: 3, 6: 4}[colour]
        packed += data if kind == b"IDAT" else b""
        at += 12 + size
    return width, height, channels, packed


def _unfilter(raw: bytes, size: int, height: int, step: int) -> list[bytearray]:
    rows: list[bytearray] = []
    above = bytearray(size)
    for y in range(height):
        start = y * (size + 1)
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + size])
        for x in range(size):
            left = row[x - step] if x >= step else 0
            corner = above[x - step] if x >= step else 0
            row[x] = (row[x] + _predict(kind, left, above[x], corner)) & 255
        rows.append(row)
        above = row
    return rows


def _predict(kind: int, left: int, up: int, corner: int) -> int:
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
