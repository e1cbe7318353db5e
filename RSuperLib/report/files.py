"""The text of a report file, exactly as it was saved."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

from RSuperLib.io.errors import InputError
from RSuperLib.report.refusals import why_unreadable

#: Bytes. The reader itself refuses much shorter texts; this only keeps a wrong file out of memory.
LONGEST_FILE = 1_000_000


def load_report(path: Path) -> str:
    """The text of one report; `-` is standard input.

    Line ends and every other character stay as they are, so that evidence spans fit what the user has.

    Raises:
        InputError: the file is missing, empty, binary, too long for one report, or in an unknown encoding.
    """
    name = "The text" if str(path) == "-" else path.name
    content = sys.stdin.buffer.read(LONGEST_FILE + 1) if str(path) == "-" else _bytes_of(path)
    if len(content) > LONGEST_FILE:
        raise InputError(f"{name} is over 1 MB, too long for one report.", "Give the text of one report.")
    text = _decoded(name, content)
    if reason := why_unreadable(text):
        raise InputError(f"{name}: {reason[:1].lower()}{reason[1:]}", "Give the text of one report.")
    return text


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}).", "Give the file of a report.") from error


def _decoded(name: str, content: bytes) -> str:
    """UTF-8, or what Windows calls Unicode (UTF-16 with its mark)."""
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not a text in UTF-8.", "Save the report as plain text in UTF-8.") from error
