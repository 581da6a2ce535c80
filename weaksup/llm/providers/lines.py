"""Cut a stream of bytes into lines, none of which may be too long to be kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["cut_lines"]


def cut_lines(parts: Iterable[bytes], *, most: int) -> Iterator[bytes | None]:
    """Cut a stream into its lines, but empty ones; one of more than `most` bytes becomes `None`, and is not kept."""
    kept = bytearray()
    too_long = False
    for part in parts:
        for piece in part.splitlines(keepends=True) if b"\n" in part else (part,):
            too_long = too_long or len(kept) + len(piece.rstrip(b"\n")) > most
            if too_long:
                kept.clear()
            else:
                kept += piece
            if piece.endswith(b"\n"):
                yield from _line(kept, too_long)
                kept, too_long = bytearray(), False
    yield from _line(kept, too_long)


def _line(kept: bytearray, too_long: bool) -> list[bytes | None]:
    if too_long:
        return [None]
    line = bytes(kept).strip()
    return [line] if line else []
