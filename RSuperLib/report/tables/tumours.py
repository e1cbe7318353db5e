"""Readings to the per-tumour table."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RSuperLib.io.files import write_whole
from RSuperLib.report.schema import Finding, OrganStatus, Reading
from RSuperLib.report.tables import columns as c
from RSuperLib.report.tables.cells import RowWriter, list_text
from RSuperLib.report.tables.fitting import MOST_IN_REGION, MOST_ROWS, fit
from RSuperLib.report.tables.ids import CtIds
from RSuperLib.report.tables.records import SCHEMA_VERSION
from RSuperLib.report.tables.values import (
    UNKNOWN,
    attenuation_text,
    location_text,
    malignancy_text,
    metastasis_text,
    number_text,
    published_organ,
)

NOT_READ = "the report could not be read"
SILENT = "the report mentions no lesion and says of no organ that it is clear"
_NO_ROOM = f"more than {MOST_ROWS} rows, or {MOST_IN_REGION} of one region"
_CLEAR = ("normal", "no_lesion", "absent")


@dataclass(frozen=True)
class Written:
    """What a table holds.

    Attributes:
        cases: CTs with rows.
        rows: all rows.
        left_out_reports: reports without a row: not read, or silent.
        left_out_lesions: lesions without a row.
        list: file that names what was left out; None if nothing was.
    """

    cases: int
    rows: int
    left_out_reports: int
    left_out_lesions: int
    list: Path | None


def write_tumour_table(
    path: Path, readings: Iterable[tuple[Reading, str]], ids: CtIds, *, underscores: bool = False
) -> Written:
    """Write the per-tumour table, whole or not at all, and beside it the list of what it leaves out.

    Args:
        path: the table; `PATH.left_out.csv` lists reports and lesions that have no row, if there are any.
        readings: readings, each with the text of its report, or "" to keep texts out of the table.
        ids: gives the ids of the CTs.
        underscores: spell organs as the published training code compares them (`adrenal_gland`), not as the
            published table has them (`adrenal gland`).

    Raises:
        RSuperError: the disk is full or the folder cannot be written; the table is then as it was before.
    """
    writer = _TableWriter(path, ids, underscores=underscores)
    write_whole(path, lambda temporary: writer.write(temporary, readings))
    return writer.written


def write_list(path: Path, save: Callable[[Any], object]) -> None:
    """Write a list of what was left out, whole or not at all."""

    def to(temporary: Path) -> None:
        with temporary.open("wb") as file:
            save(file)

    write_whole(path, to)


def why_left_out(reading: Reading) -> str:
    """Why a report has no row; "" if it has. Silence is not "no lesion", and supervises nothing."""
    if reading.status == "not_read":
        return NOT_READ
    if not reading.lesions and not any(organ.status in _CLEAR for organ in reading.organs):
        return SILENT
    return ""


def tumour_rows(reading: Reading, ct_id: str, text: str = "", *, underscores: bool = False) -> list[dict[str, str]]:
    """The rows of a reading, as columns and cells; one `no lesion` row if it mentions none."""
    if why_left_out(reading):
        return []
    common = {
        c.ACCESSION: reading.id, c.CT_ID: ct_id, c.REPORT: text, c.SCHEMA: str(SCHEMA_VERSION),
        c.STATEMENTS: list_text([_statement_text(organ) for organ in reading.organs]), c.CHECKSUM: reading.text_sha256,
    }  # fmt: skip
    if not reading.lesions:
        return [{**common, c.TUMOUR_ID: "no lesion", c.NO_LESION: "True", c.UNKNOWN_SIZE: "no", c.SIZE: UNKNOWN}]
    fitted = fit(reading.lesions)
    rows = []
    for number, (finding, sizes) in enumerate(zip(reading.lesions, fitted.sizes, strict=True), start=1):
        cells = {**common, **published_cells(finding, underscores=underscores), **own_cells(finding)}
        cells |= {c.FINDING: str(number), c.UNKNOWN_SIZE: "yes" if finding.organ in fitted.unknown else "no"}
        rows += [{**cells, c.SIZE: size} for size in sizes]
    return [{**row, c.TUMOUR_ID: f"tumor {number}"} for number, row in enumerate(rows, start=1)]


def published_cells(finding: Finding, *, underscores: bool = False) -> dict[str, str]:
    """What the published columns say of a lesion, but for its size and number."""
    place = finding.laterality if finding.laterality not in (None, "midline") else ""
    return {
        "Organ": published_organ(finding.organ),
        "Tumor Type": finding.kind_text or finding.kind,
        "Tumor Location": ", ".join(word for word in (place or "", *finding.parts) if word) or UNKNOWN,
        "Tumor Attenuation": (finding.attenuation or UNKNOWN).replace("_", " "),
        "Type Certainty": UNKNOWN if finding.type_certainty == "not_stated" else finding.type_certainty,
        c.ORGAN: published_organ(finding.organ, underscores=underscores),
        c.LOCATION: location_text(finding),
        c.ATTENUATION: attenuation_text(finding.attenuation),
        c.NO_LESION: "False",
        "malignancy": malignancy_text(finding),
        "metastasis": metastasis_text(finding),
        "Series": "" if finding.series is None else str(finding.series),
        "Image": "" if finding.image is None else str(finding.image),
    }


def own_cells(finding: Finding) -> dict[str, str]:
    """What our columns say of a lesion: every field, and where in the report it stands."""
    cells = {c.own_column(name): _field_text(getattr(finding, name)) for name in c.FIELDS}
    spans = [f"{span.start}-{span.end} {span.section}".strip() for span in finding.evidence]
    return {**cells, c.SPANS: list_text(spans)}


def _field_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return list_text([_field_text(item) for item in value])
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number_text(value) if isinstance(value, float) else str(value)


def _statement_text(organ: OrganStatus) -> str:
    """`kidney left normal`, `lymph_node - no_lesion mediastinal`."""
    return f"{organ.organ} {organ.laterality or '-'} {organ.status} {organ.region or ''}".strip()


class _TableWriter:
    def __init__(self, path: Path, ids: CtIds, *, underscores: bool) -> None:
        self._path, self._ids, self._underscores = path, ids, underscores
        self._cases = self._rows = self._reports = self._lesions = 0
        self.written = Written(0, 0, 0, 0, None)

    def write(self, temporary: Path, readings: Iterable[tuple[Reading, str]]) -> None:
        table = RowWriter((*c.TUMOUR_COLUMNS, *c.EXTRA_TUMOUR_COLUMNS))
        left = RowWriter((c.ACCESSION, "lesion", "reason"))
        with temporary.open("wb") as file, tempfile.TemporaryFile(dir=temporary.parent) as left_out:
            file.write(table.header())
            left_out.write(left.header())
            for reading, text in readings:
                rows = self._rows_of(reading, text)
                file.writelines(map(table.line, rows))
                left_out.writelines(map(left.line, self._left_out(reading, rows)))
            self.written = self._finish(left_out)

    def _rows_of(self, reading: Reading, text: str) -> list[dict[str, str]]:
        if why_left_out(reading):
            return []
        rows = tumour_rows(reading, self._ids.of(reading.id), text, underscores=self._underscores)
        self._cases += 1
        self._rows += len(rows)
        return rows

    def _left_out(self, reading: Reading, rows: list[dict[str, str]]) -> Iterator[dict[str, str]]:
        if reason := why_left_out(reading):
            self._reports += 1
            yield {c.ACCESSION: reading.id, "reason": reason}
            return
        kept = {row.get(c.FINDING) for row in rows}
        for number, finding in enumerate(reading.lesions, start=1):
            if str(number) not in kept:
                self._lesions += 1
                yield {c.ACCESSION: reading.id, "lesion": finding.lesion_id, "reason": _NO_ROOM}

    def _finish(self, left_out: Any) -> Written:
        path = None
        if self._reports or self._lesions:
            path = self._path.with_name(f"{self._path.stem}.left_out.csv")
            left_out.seek(0)
            write_list(path, lambda file: file.writelines(left_out))
        return Written(self._cases, self._rows, self._reports, self._lesions, path)
