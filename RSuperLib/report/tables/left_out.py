"""The list of what a table leaves out: nothing is dropped without a word."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from RSuperLib.io.errors import RSuperError
from RSuperLib.io.files import write_whole
from RSuperLib.report.schema import Reading
from RSuperLib.report.tables.cells import RowWriter
from RSuperLib.report.tables.columns import ACCESSION

NOT_READ = "the report could not be read"
SILENT = "the report mentions no lesion and says of no organ that it is clear"
_CLEAR = ("normal", "no_lesion", "absent")


def why_left_out(reading: Reading) -> str:
    """Why a report has no row; "" if it has. Silence is not "no lesion", and supervises nothing."""
    if reading.status == "not_read":
        return NOT_READ
    if not reading.lesions and not any(organ.status in _CLEAR for organ in reading.organs):
        return SILENT
    return ""


@dataclass(frozen=True)
class Written:
    """What a table holds.

    Attributes:
        cases: CTs with rows.
        rows: all rows.
        left_out_reports: reports without a row: not read, or silent.
        left_out_lesions: lesions of other reports without a row or a column.
        left_out: file that names them with the reason; None if there are none.
    """

    cases: int
    rows: int
    left_out_reports: int
    left_out_lesions: int
    left_out: Path | None


class LeftOut:
    """Reports and lesions without a row, in a temporary file until `save`.

    Attributes:
        reports: how many reports.
        lesions: how many lesions of other reports.
    """

    def __init__(self, folder: Path) -> None:
        self.reports = 0
        self.lesions = 0
        self._writer = RowWriter((ACCESSION, "lesion", "reason"))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__
        except OSError as error:
            words = f"Nothing can be written to {folder} ({error.strerror or error})."
            raise RSuperError(words, "Choose another folder.") from error
        self._file.write(self._writer.header())

    def report(self, report_id: str, reason: str) -> None:
        """Note a report."""
        self.reports += 1
        self._file.write(self._writer.line({ACCESSION: report_id, "reason": reason}))

    def lesion(self, report_id: str, lesion_id: str, reason: str) -> None:
        """Note a lesion."""
        self.lesions += 1
        self._file.write(self._writer.line({ACCESSION: report_id, "lesion": lesion_id, "reason": reason}))

    def save(self, table: Path) -> Path | None:
        """Write the list beside the table, as `TABLE.left_out.csv`, and return its path; None if it is empty."""
        if not self.reports and not self.lesions:
            return None
        path = table.with_name(f"{table.stem}.left_out.csv")
        write_whole(path, self._copy)
        return path

    def _copy(self, path: Path) -> None:
        self._file.seek(0)
        with path.open("wb") as file:
            file.writelines(self._file)

    def __enter__(self) -> LeftOut:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
