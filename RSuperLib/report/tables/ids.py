"""Ids of CTs as the training code wants them: `BDMAP_` and eight digits."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from RSuperLib.io.errors import InputError
from RSuperLib.io.files import write_whole
from RSuperLib.report.tables.cells import RowWriter, rows_of
from RSuperLib.report.tables.columns import ACCESSION, CT_ID

#: The training code cuts ids at 14 characters, the length of these.
_OWN = re.compile(r"(?:BDMAP|PanTS)_\d{8}")
#: Numbers that we give begin here, so that they are not those of a published data set.
_FIRST = 90_000_001


class CtIds:
    """Which CT id belongs to which id of the user; kept in a temporary database on disk."""

    def __init__(self, table: Path | None = None) -> None:
        """Begin with the pairs of a CSV with the columns `Encrypted Accession Number` and `BDMAP ID`, if there is one.

        Raises:
            InputError: the table cannot be read, lacks a column, names an id twice, or holds one of another form.
        """
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE ids (number INTEGER PRIMARY KEY, accession TEXT UNIQUE, ct TEXT UNIQUE)")
        self._database.execute("BEGIN")
        self._next = _FIRST
        if table is not None:
            self._load(table)

    def _load(self, table: Path) -> None:
        for row in rows_of(table):
            accession, ct = row.get(ACCESSION), row.get(CT_ID)
            if not accession:
                raise row.wrong(ACCESSION, "is empty or missing")
            if not _OWN.fullmatch(ct):
                raise row.wrong(CT_ID, "is not BDMAP_ and eight digits")
            if not self._add(accession, ct):
                raise row.wrong(CT_ID, "or the id beside it stands in an earlier row too")

    def reserve(self, accessions: Iterable[str]) -> None:
        """Keep the ids that have the form already for those that have them.

        Raises:
            InputError: the table gave such an id to another report.
        """
        for accession in accessions:
            if _OWN.fullmatch(accession) and self._known(accession) is None and not self._add(accession, accession):
                raise InputError(
                    f"The table of ids gives {accession} to another report.", "Correct the table, or give another one."
                )

    def of(self, accession: str) -> str:
        """The CT id of a report: from the table, its own if it has the form, else the next free number."""
        known = self._known(accession)
        if known is not None:
            return known
        while True:
            if self._next > 99_999_999:
                raise InputError("There are more reports than ids of eight digits.", "Give a table of ids.")
            ct = accession if _OWN.fullmatch(accession) else f"BDMAP_{self._next:08d}"
            self._next += ct != accession
            if self._add(accession, ct):
                return ct

    @property
    def differ(self) -> bool:
        """Whether a CT id is not the user's own."""
        return self._database.execute("SELECT 1 FROM ids WHERE accession <> ct LIMIT 1").fetchone() is not None

    def write(self, path: Path) -> None:
        """Write the table of ids, whole or not at all."""
        writer = RowWriter((ACCESSION, CT_ID))

        def lines() -> Iterator[bytes]:
            yield writer.header()
            for accession, ct in self._database.execute("SELECT accession, ct FROM ids ORDER BY number"):
                yield writer.line({ACCESSION: accession, CT_ID: ct})

        def save(temporary: Path) -> None:
            with temporary.open("wb") as file:
                file.writelines(lines())

        write_whole(path, save)

    def _known(self, accession: str) -> str | None:
        found = self._database.execute("SELECT ct FROM ids WHERE accession = ?", (accession,)).fetchone()
        return str(found[0]) if found else None

    def _add(self, accession: str, ct: str) -> bool:
        row = (accession, ct)
        return self._database.execute("INSERT OR IGNORE INTO ids (accession, ct) VALUES (?, ?)", row).rowcount == 1
