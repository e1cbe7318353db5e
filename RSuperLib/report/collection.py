"""Many reports in one file: JSON lines `{"id": …, "text": …}`, or a CSV with a column of ids and one of texts."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from RSuperLib.io.errors import InputError
from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.report.known_ids import KnownIds

#: Bytes of one line. A report has at most 100,000 characters; this only keeps a wrong file out of memory.
LONGEST_LINE = 4_000_000
#: A file with more broken lines than this is something else.
MOST_BROKEN = 10_000
#: Names of the columns in a CSV, in order of preference; the later ones are those of the published files.
ID_COLUMNS = ("id", "encrypted accession number", "accession number", "bdmap id", "report_id", "report id")
TEXT_COLUMNS = ("text", "report", "report text", "anon report text", "findings", "report_text")
_JSON_STEP = 'Each line is {"id": "…", "text": "…"}.'
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Report:
    """One report of a file."""

    line: int
    id: str
    text: str


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that holds no report.

    Attributes:
        line: its number in the file, from 1; of a CSV, the number of the row, as a spreadsheet shows it.
        problem: what is wrong with it, the end of a sentence that begins with the line, without its content.
        next_step: what a line has to look like.
    """

    line: int
    problem: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds: how many reports, and which lines are broken."""

    reports: int
    broken: list[BrokenLine]


def is_table(path: Path) -> bool:
    """Whether the reports of a file stand in a CSV."""
    return path.suffix.lower() in (".csv", ".tsv")


def survey(path: Path, progress: Progress = no_progress) -> Survey:
    """Go through a file before it is read: a broken last line should not show after an hour.

    Raises:
        InputError: the file cannot be read, lacks a column, or has more than `MOST_BROKEN` broken lines.
    """
    reports, broken = 0, []
    for row in lines_of(path, progress):
        if isinstance(row, Report):
            reports += 1
            continue
        broken.append(row)
        if len(broken) > MOST_BROKEN:
            raise InputError(f"{path.name} has more than {MOST_BROKEN:,} broken lines.", row.next_step)
    return Survey(reports, broken)


def reports_of(path: Path) -> Iterator[Report]:
    """The reports of a file, without its broken lines; nothing but the current one is held."""
    return (row for row in lines_of(path) if isinstance(row, Report))


def lines_of(path: Path, progress: Progress = no_progress) -> Iterator[Report | BrokenLine]:
    """Every line of a file that is not blank. The second of two reports with one id is broken.

    Raises:
        InputError: the file cannot be read, or lacks a column.
    """
    rows = _table_rows(path, progress) if is_table(path) else _json_rows(path, progress)
    with KnownIds() as known, _readable(path):
        for row in rows:
            if isinstance(row, Report) and not known.add(row.id):
                yield BrokenLine(row.line, "repeats an id", "Give every report its own id.")
            else:
                yield row


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read ({error.strerror or error}).", "Give a .jsonl file with one report a line."
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not a text in UTF-8.", "Save it as UTF-8.") from error


def _json_rows(path: Path, progress: Progress) -> Iterator[Report | BrokenLine]:
    size = max(1, path.stat().st_size)
    done = 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), start=1):
            row = _json_row(number, line)
            while len(line) > LONGEST_LINE and not line.endswith(b"\n"):  # the rest of a line that is too long
                line = file.readline(LONGEST_LINE + 1)  # noqa: PLW2901
            if file.tell() - done > size // 100:
                done = file.tell()
                progress("checking the reports", done / size)
            if row is not None:
                yield row


def _json_row(number: int, line: bytes) -> Report | BrokenLine | None:
    """The report of a line; None if it is blank."""
    if len(line) > LONGEST_LINE:
        return BrokenLine(number, "is too long for one report", _JSON_STEP)
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        if not text.strip():
            return None
        row = json.loads(text)
    except UnicodeDecodeError:
        return BrokenLine(number, "is not a text in UTF-8", "Save the reports as UTF-8.")
    except (ValueError, RecursionError):
        return BrokenLine(number, "is not JSON", _JSON_STEP)
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get("text"), str):
        return BrokenLine(number, "lacks the strings id and text", _JSON_STEP)
    return _checked(Report(number, row["id"], row["text"]))


def _checked(report: Report) -> Report | BrokenLine:
    if not report.id.strip():
        return BrokenLine(report.line, "has no id", "Give every report an id.")
    if _LONE_SURROGATE.search(report.id):  # half a character; no file can hold it
        return BrokenLine(report.line, "has an id that is not a text", "Give every report an id of letters and digits.")
    return report


def _table_rows(path: Path, progress: Progress) -> Iterator[Report | BrokenLine]:
    size = max(1, path.stat().st_size)
    with path.open("rb") as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        table = csv.reader(file, delimiter=delimiter_of(file), strict=True)
        rows = _numbered(table)
        header = next(rows, (1, []))[1]
        if isinstance(header, str):
            raise InputError(f"The first row of {path.name} {header}.", "Save it as CSV in UTF-8, with a row of names.")
        id_column, text_column = _column(path, header, ID_COLUMNS), _column(path, header, TEXT_COLUMNS)
        for number, cells in rows:
            if number % 1000 == 0:
                progress("checking the reports", min(1.0, raw.tell() / size))
            if isinstance(cells, str):
                yield BrokenLine(number, cells, "Put quotation marks around texts with commas and line breaks.")
            elif len(cells) <= max(id_column, text_column):
                if any(cells):
                    yield BrokenLine(number, "has fewer cells than the first row", "Give every row an id and a text.")
            elif not cells[id_column].strip():
                yield BrokenLine(number, "has no id", "Give every report an id.")
            else:
                yield Report(number, cells[id_column].strip(), cells[text_column])


def _numbered(table: Iterator[list[str]]) -> Iterator[tuple[int, list[str] | str]]:
    """The rows with their numbers; of a row that cannot be told, what is wrong with it."""
    number = 0
    while True:
        number += 1
        try:
            yield number, next(table)
        except StopIteration:
            return
        except csv.Error:
            yield number, "has quotation marks that do not match, or a cell that is too long"


def delimiter_of(file: TextIO) -> str:
    """The mark between the cells of a CSV: comma, semicolon (as some spreadsheets save) or tab; by its first line."""
    line = file.readline(LONGEST_LINE)
    file.seek(0)
    return max(_DELIMITERS, key=line.count)


def _column(path: Path, header: Sequence[str], names: tuple[str, ...]) -> int:
    found = [name.strip().lower() for name in header]
    for name in names:
        if name in found:
            return found.index(name)
    raise InputError(f"{path.name} has no column {names[0]!r}.", "The columns of a CSV of reports are id and text.")
