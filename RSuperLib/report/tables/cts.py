"""The per-CT table: how many lesions of each organ a report mentions, and how large the largest is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from pydantic import BaseModel, ConfigDict

from RSuperLib.io.files import write_whole
from RSuperLib.report.known_ids import KnownIds
from RSuperLib.report.schema import Finding, Organ, OrganState, Reading
from RSuperLib.report.tables import columns as c
from RSuperLib.report.tables.cells import Row, RowWriter, rows_of
from RSuperLib.report.tables.fitting import row_sizes
from RSuperLib.report.tables.ids import CtIds
from RSuperLib.report.tables.left_out import LeftOut, Written, why_left_out
from RSuperLib.report.tables.values import (
    UNKNOWN,
    diameters_of,
    malignancy_text,
    metastasis_text,
    number_text,
    places_of,
    truth_of,
)

_NO_COLUMN = "its organ has no column"
_STATES = get_args(OrganState)


@dataclass(frozen=True)
class CtOrgan:
    """What a table says of one organ.

    Attributes:
        instances: lesions that the report mentions; a group that it does not count is one, or two with a measured one.
        largest_mm: the largest diameter that it gives; None if it gives none.
        places: where the largest is: "7"; "head"; "left". Only of liver, pancreas and kidney.
        status: what the report says of the organ as a whole; "not_stated" in a published table.
    """

    instances: int = 0
    largest_mm: float | None = None
    places: tuple[str, ...] = ()
    status: OrganState = "not_stated"


class CtRow(BaseModel):
    """One CT of a table.

    Attributes:
        id: the user's id, else the CT's.
        ct_id: `BDMAP_` and eight digits, where the table has it.
        no_lesion: the report mentions no lesion in any organ, also none without a column; None = the table lacks it.
        organs: organs of which the table has columns.
        malignancy: yes, no, u.
        metastasis: yes, no, u.
        text_sha256: checksum of the report; "" in a published table.
    """

    model_config = ConfigDict(extra="forbid")

    schema_version: Literal[1] = 1
    id: str
    ct_id: str = ""
    no_lesion: bool | None = None
    organs: dict[Organ, CtOrgan] = {}
    malignancy: str = UNKNOWN
    metastasis: str = UNKNOWN
    text_sha256: str = ""


def ct_row(reading: Reading, ct_id: str) -> CtRow:
    """The row of a reading."""
    malignant = {malignancy_text(finding) for finding in reading.lesions}
    spread = {metastasis_text(finding) for finding in reading.lesions}
    return CtRow(
        id=reading.id, ct_id=ct_id, no_lesion=not reading.lesions,
        organs={organ: _organ(reading, organ) for organ in c.CT_ORGANS}, text_sha256=reading.text_sha256,
        malignancy=_worst(malignant), metastasis=_worst(spread),
    )  # fmt: skip


def _worst(values: set[str]) -> str:
    """Of a CT: yes if one lesion is, u if one may be, no if none is."""
    return next((value for value in ("yes", UNKNOWN) if value in values), "no")


def _organ(reading: Reading, organ: Organ) -> CtOrgan:
    findings = [finding for finding in reading.lesions if finding.organ == organ]
    stated: list[OrganState] = [
        one.status for one in reading.organs if (one.organ, one.laterality, one.region) == (organ, None, None)
    ]
    status: OrganState = "lesion" if findings else stated[0] if stated else "not_stated"
    measured = [(size, finding) for finding in findings if (size := _largest(finding)) is not None]
    if not measured:
        return CtOrgan(sum(len(row_sizes(finding)) for finding in findings), status=status)
    size, finding = max(measured, key=lambda pair: pair[0])
    places = tuple(place.removeprefix("segment ") for place in places_of(finding)) if c.place_column(organ) else ()
    return CtOrgan(sum(len(row_sizes(finding)) for finding in findings), size, places, status)


def _largest(finding: Finding) -> float | None:
    return max((size for text in row_sizes(finding) for size in diameters_of(text) or []), default=None)


def write_ct_table(path: Path, readings: Iterable[Reading], ids: CtIds) -> Written:
    """Write the per-CT table, whole or not at all, and beside it the list of what it leaves out.

    Reports that were not read, or that mention no lesion and clear no organ, have no row: silence is no truth. Lesions
    of organs without a column only make `no lesion` false.

    Raises:
        RSuperError: the disk is full or the folder cannot be written; the table is then as it was before.
    """
    writer = RowWriter((*c.CT_COLUMNS, *c.EXTRA_CT_COLUMNS))
    rows = 0

    def save(temporary: Path) -> None:
        nonlocal rows
        with temporary.open("wb") as file:
            file.write(writer.header())
            for reading in readings:
                if reason := why_left_out(reading):
                    left_out.report(reading.id, reason)
                    continue
                file.write(writer.line(_cells(ct_row(reading, ids.of(reading.id)))))
                rows += 1
                for finding in reading.lesions:
                    if finding.organ not in c.CT_ORGANS:
                        left_out.lesion(reading.id, finding.lesion_id, _NO_COLUMN)

    with LeftOut(path.parent) as left_out:
        write_whole(path, save)
        return Written(rows, rows, left_out.reports, left_out.lesions, left_out.save(path))


def _cells(row: CtRow) -> dict[str, str]:
    cells = {
        c.ACCESSION: row.id, c.CT_ID: row.ct_id, c.NO_LESION: str(row.no_lesion), "malignancy": row.malignancy,
        "metastasis": row.metastasis, c.CHECKSUM: row.text_sha256,
    }  # fmt: skip
    for organ, said in row.organs.items():
        cells[c.instances_column(organ)] = str(said.instances)
        cells[c.diameter_column(organ)] = _centimetres(said)
        cells[c.status_column(organ)] = said.status
        if place := c.place_column(organ):
            cells[place] = " / ".join(said.places)
    return cells


def _centimetres(said: CtOrgan) -> str:
    """As published: 0 where there is no lesion, empty where there is one of unknown size."""
    if said.largest_mm is None:
        return "" if said.instances else "0.0"
    return number_text(round(said.largest_mm / 10, 9))


def is_ct_table(header: list[str]) -> bool:
    """Whether a table with these columns has one row per CT."""
    return any(c.instances_column(organ) in header for organ in c.CT_ORGANS)


def read_ct_table(path: Path) -> Iterator[CtRow]:
    """The rows of a per-CT table, ours or a published one; organs without columns are left out of `organs`.

    Raises:
        InputError: naming row and column: no id, an id that comes twice, or a number that is none.
    """
    with KnownIds() as known:
        for row in rows_of(path):
            name = row.get(c.ACCESSION) or row.get(c.CT_ID)
            if not name:
                raise row.wrong(c.ACCESSION, f"and {c.CT_ID!r} are both empty or missing")
            if not known.add(name):
                raise row.wrong(c.ACCESSION, "repeats that of an earlier row")
            yield _row(row, name)


def _row(row: Row, name: str) -> CtRow:
    no_lesion = truth_of(row.get(c.NO_LESION))
    if row.get(c.NO_LESION) and no_lesion is None:
        raise row.wrong(c.NO_LESION, "is neither True nor False")
    return CtRow(
        id=row.cells[c.ACCESSION] if c.CHECKSUM in row.cells else name, ct_id=row.get(c.CT_ID),
        no_lesion=no_lesion,
        organs={organ: _read_organ(row, organ) for organ in c.CT_ORGANS if c.instances_column(organ) in row.cells},
        malignancy=row.get("malignancy") or UNKNOWN, metastasis=row.get("metastasis") or UNKNOWN,
        text_sha256=row.get(c.CHECKSUM),
    )  # fmt: skip


def _read_organ(row: Row, organ: Organ) -> CtOrgan:
    column = c.instances_column(organ)
    instances = _number(row, column)
    if instances is None or not instances.is_integer():
        raise row.wrong(column, "is no whole number")
    status = row.get(c.status_column(organ)) or "not_stated"
    if status not in _STATES:
        raise row.wrong(c.status_column(organ), "is no status of an organ")
    size = _number(row, c.diameter_column(organ))
    place = row.get(c.place_column(organ) or "")
    return CtOrgan(
        int(instances), round(size * 10, 8) if size else None,
        tuple(re.split(r" ?[/,] ?", place)) if place else (), cast(OrganState, status),
    )  # fmt: skip


def _number(row: Row, column: str) -> float | None:
    text = row.get(column)
    if text.lower() in ("", "nan"):
        return None
    if not re.fullmatch(r"\d{1,6}(?:\.\d*)?", text):
        raise row.wrong(column, "is no number")
    return float(text)
