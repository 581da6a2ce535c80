"""Open files as bytes or text: gzip unpacked under a guard, byte order marks obeyed, bad bytes marked."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from weaksup.errors import CorpusError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = [
    "BLOCK",
    "LIMIT",
    "TextFile",
    "check_encoding",
    "find_flaw",
    "is_unicode",
    "open_bytes",
    "open_text",
    "size_text",
]

LIMIT = 64 * 2**20  # characters of a record, bytes of a cell
BLOCK = 16 * 2**20  # characters after which a block of rows is handed on, however few rows it has

# Half surrogates, which no decoder produces: no text of a file holds them by itself.
MARK = "\udcff"  # stands where bytes could not be decoded
OVERLONG = "\udcfe"  # stands for the first characters of an endless line
_PIECE = 2**20
_FIRST_END = re.compile(r"\r\n|\r(?!\Z)|\n")  # a "\r" at the end of a piece does not tell

_MARKING = "weaksup.mark"
codecs.register_error(_MARKING, lambda error: (MARK, cast(UnicodeDecodeError, error).end))

_BOMS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}
# These decoders give half surrogates, or are no encodings of files.
_REFUSED = {"utf-7", "unicode-escape", "raw-unicode-escape", "idna", "punycode", "undefined"}

# Text packs to a tenth, logs to a hundredth; zeros, as bombs have them, to a thousandth.
_BOMB_RATIO = 200
_BOMB_FREE = 64 * 2**20


class TextFile:
    """An open text, read in batches of lines; `chars` counts the characters read."""

    def __init__(self, text: io.TextIOWrapper, raw: BinaryIO) -> None:
        self._text, self._raw = text, raw
        self.chars = 0

    @property
    def bytes_read(self) -> int:
        """How far the file (as it lies on disk) has been read."""
        return self._raw.tell()

    def lines(self, *, lone_cr: bool = False, piece_chars: int = _PIECE) -> Iterator[list[str]]:
        """Give batches of whole lines with their ends; a line of more than LIMIT characters becomes OVERLONG.

        A line ends at "\\n", as it does for grep and sed. With `lone_cr`, it ends at every "\\r" too if the first line
        of the file does.
        """
        held: list[str] = []  # a line whose end is still to come, in pieces: joined once, however long it is
        newline = "\n"
        while piece := self._text.read(piece_chars):
            if lone_cr and (end := _FIRST_END.search((held[-1][-1] if held else "") + piece)):
                newline = "" if end[0] == "\r" else "\n"  # "" means to StringIO: "\n", "\r" and "\r\n"
                lone_cr = False
            self.chars += len(piece)
            lines = io.StringIO(piece, newline=newline).readlines()
            if held and held[-1][-1] == "\r" and not newline and lines[0] != "\n":
                lines.insert(0, "".join(held))
                held = []
            rest = "" if lines[-1].endswith("\n") else lines.pop()  # "\r" waits: "\n" may follow
            if lines:
                lines[0] = "".join([*held, lines[0]])
                held = []
                yield lines
            held += [rest] if rest else []
            if sum(map(len, held)) > LIMIT:
                held = [OVERLONG, held[-1][-1]]
        if held:
            yield ["".join(held)]


def find_flaw(text: str) -> str | None:
    """Say what is wrong with a text of a file that cannot be used as it came, if anything."""
    if OVERLONG in text or len(text) > LIMIT:
        return f"a line of more than {size_text(LIMIT)}"
    return "bytes that the encoding cannot decode" if MARK in text else None


class _Unpacked(io.RawIOBase):
    """A gzip file's content; stops when a few bytes grow beyond reason."""

    def __init__(self, packed: BinaryIO, path: Path) -> None:
        super().__init__()
        self._packed, self._path, self._out = packed, path, 0
        self._content = gzip.GzipFile(fileobj=packed)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        count = self._content.readinto(buffer)
        self._out += count
        if self._out > _BOMB_FREE and self._out > _BOMB_RATIO * self._packed.tell():
            grown = f"{size_text(self._packed.tell())} grew to {size_text(self._out)}"
            raise CorpusError(f"{self._path}: expected packed text, got {grown}; unpack it yourself if you trust it")
        return count


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[io.BufferedReader, io.BufferedReader]]:
    """Open a file, unpacked if it ends in .gz; give its content and the file beneath.

    Whatever goes wrong with the file while it is open becomes a CorpusError.
    """
    try:
        with path.open("rb") as raw:
            packed = path.suffix.lower() == ".gz"
            yield (io.BufferedReader(_Unpacked(raw, path), 2**17) if packed else raw), raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        advice = "fetch it again, or unpack what can be saved"
        raise CorpusError(f"{path}: expected a whole gzip file, got a damaged one ({error}); {advice}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise CorpusError(f"cannot read {path}: {reason}; check that it exists and may be read") from None


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextFile]:
    """Open a file as text; a byte order mark is dropped, and under "utf-8" one of UTF-16 or UTF-32 is obeyed."""
    with open_bytes(path) as (content, raw):
        codec = _codec(encoding, content.peek(4)[:4])
        bom = _BOMS.get(codec, b"")
        if bom and content.peek(4).startswith(bom):
            content.read(len(bom))
        with io.TextIOWrapper(content, encoding=codec, errors=_MARKING, newline="") as text:
            yield TextFile(text, raw)


def _codec(encoding: str, head: bytes) -> str:
    name = codecs.lookup(encoding).name
    if name not in ("utf-8", "utf-8-sig"):
        return name
    # UTF-32's mark begins with UTF-16's, so it is looked for first. None of these bytes is valid UTF-8.
    for wide in ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be"):
        if head.startswith(_BOMS[wide]):
            return wide
    return "utf-8"


def is_unicode(text: str) -> bool:
    """Tell whether a string can be written at all: one with half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_encoding(encoding: str) -> None:
    """Raise CorpusError unless Python knows the encoding and it is one of text."""
    try:
        info = codecs.lookup(encoding)
        if info.name in _REFUSED or not info._is_text_encoding:
            raise LookupError
    except (LookupError, ValueError):
        raise CorpusError(f'expected an encoding such as "utf-8" or "latin-1", got "{encoding}"') from None


def size_text(size: int) -> str:
    """Show a number of bytes."""
    return f"{size / 2**20:,.1f} MiB" if size >= 2**20 else f"{size:,} bytes"
