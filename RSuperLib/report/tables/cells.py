"""The cells of a table: what may stand in one, and rows in and out of CSV files."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from RSuperLib.io.errors import InputError
from RSuperLib.report.collection import delimiter_of

#: What a spreadsheet would take for a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_STEP = "See Docs/tables.md for the columns."


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table that is being read."""

    file: str
    number: int
    cells: dict[str, str]

    def get(self, column: str) -> str:
        """The text of a cell, without blanks around it; "" if there is none."""
        return self.cells.get(column, "").strip()

    def wrong(self, column: str, problem: str) -> InputError:
        """The error of a cell; its content may be of a report and is not quoted."""
        return InputError(f"Row {self.number} of {self.file}: {column!r} {problem}.", _STEP)


def harmless(text: str) -> str:
    """The text of a cell, marked with an apostrophe where a spreadsheet would run it as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def as_written(cell: str) -> str:
    """The text of a cell without that mark."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def list_text(items: Sequence[object]) -> str:
    """`upper pole; cortical`, or JSON where that could not be told apart."""
    texts = [str(item) for item in items]
    plain = all(text and text == text.strip() and ";" not in text and not text.startswith("[") for text in texts)
    return "; ".join(texts) if plain else json.dumps(texts, ensure_ascii=False)


def items_of(cell: str) -> list[str]:
    """The items of `list_text`.

    Raises:
        ValueError: the cell begins like JSON and is none.
    """
    if not cell.startswith("["):
        return cell.split("; ") if cell else []
    found = json.loads(cell)
    return [str(item) for item in found]


def header_of(path: Path) -> list[str]:
    """The names of a table's columns; [] if the file cannot be read as one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return [name.strip() for name in next(csv.reader(file, delimiter=delimiter_of(file)), [])]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a CSV with comma, semicolon or tab, with or without a byte order mark.

    Raises:
        InputError: the file is no CSV in UTF-8, a column comes twice, or a row has more cells than the first.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.reader(file, delimiter=delimiter_of(file), strict=True)
            names = [name.strip() for name in next(table, [])]
            _check_names(path, names)
            for number, cells in enumerate(table, start=2):
                if len(cells) > len(names) and any(cells[len(names) :]):
                    raise InputError(f"Row {number} of {path.name} has more cells than the first row.", _STEP)
                if any(cells):
                    yield Row(path.name, number, dict(zip(names, map(as_written, cells), strict=False)))
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror or error}).", "Give a CSV file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not a text in UTF-8.", "Save it as CSV in UTF-8.") from error
    except csv.Error as error:
        raise InputError(f"{path.name} is no CSV: {error}.", "Save it as CSV in UTF-8.") from error


def _check_names(path: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(f"{path.name} has two columns {twice[0]!r}.", "Give every column its own name.")


class RowWriter:
    """Rows as the lines of a CSV; commas, UTF-8, no cell is a formula."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._text = io.StringIO()
        self._table = csv.writer(self._text, lineterminator="\r\n")  # with "\n" it would leave a bare \r unquoted

    def header(self) -> bytes:
        """The first line."""
        return self._line(self._columns)

    def line(self, cells: dict[str, str]) -> bytes:
        """The line of a row; columns that it lacks stay empty."""
        unknown = cells.keys() - set(self._columns)
        if unknown:
            raise ValueError(f"no such columns: {sorted(unknown)}")
        return self._line([harmless(cells.get(name, "")) for name in self._columns])

    def _line(self, cells: Sequence[str]) -> bytes:
        self._text.seek(0)
        self._text.truncate()
        self._table.writerow(cells)
        return (self._text.getvalue().removesuffix("\r\n") + "\n").encode()
