"""The per-tumour table, ours or a published one, to cases."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from RSuperLib.io.errors import InputError
from RSuperLib.report.known_ids import KnownIds
from RSuperLib.report.place import masks_of
from RSuperLib.report.schema import Evidence, Organ, OrganStatus
from RSuperLib.report.tables import columns as c
from RSuperLib.report.tables.cells import Row, items_of, rows_of
from RSuperLib.report.tables.fitting import possible_sizes
from RSuperLib.report.tables.records import SCHEMA_VERSION, Span, TableCase, TableLesion
from RSuperLib.report.tables.tumours import published_cells
from RSuperLib.report.tables.values import (
    MULTIPLE,
    attenuation_of,
    diameters_of,
    malignancy_of,
    organ_of,
    parts_of_location,
    truth_of,
)

_TUMOUR = re.compile(r"(?:tumou?r|lesion) (\d+)")
_SPAN = re.compile(r"(\d+)-(\d+)(?: (.*))?", re.DOTALL)
_LARGEST_MM = 1000
#: What a person may have changed in a spreadsheet, and then has to agree with our columns.
_COMPARED = (c.LOCATION, c.ATTENUATION, "malignancy", "metastasis", "Series", "Image")


def is_tumour_table(header: list[str]) -> bool:
    """Whether a table with these columns has one row per tumour."""
    return c.TUMOUR_ID in header or c.SIZE in header


def read_tumour_table(path: Path) -> Iterator[TableCase]:
    """The cases of a per-tumour table, one after the other; only the current one is held.

    Missing columns mean "not stated". Values that the published grammar does not explain become flags of the lesion
    (`size_not_possible`, `organ_not_known`), because published files have them; what is no value at all is an error.

    Raises:
        InputError: naming row and column: no id, no tumour number, a size or a truth value that is none, our columns
            and the published ones disagree, or the rows of a case do not stand together.
    """
    with KnownIds() as known:
        for case_id, rows in groupby(rows_of(path), _case_id):
            group = list(rows)
            if not known.add(case_id):
                raise InputError(
                    f"Row {group[0].number} of {path.name}: the rows of its CT do not stand together.",
                    "Sort the table by its ids.",
                )
            yield _case(group)


def _case_id(row: Row) -> str:
    for column in (c.ACCESSION, c.CT_ID):
        if row.get(column):
            return row.cells[column] if c.FINDING in row.cells else row.get(column)
    raise row.wrong(c.ACCESSION, f"and {c.CT_ID!r} are both empty or missing")


def _case(rows: list[Row]) -> TableCase:
    first = rows[0]
    lesions = [_lesion(group) for group in _by_lesion([row for row in rows if not _says_no_lesion(row)])]
    if lesions and any(map(_says_no_lesion, rows)):
        raise first.wrong(c.NO_LESION, "is true beside rows with tumours")
    try:
        return TableCase(
            id=_case_id(first), ct_id=first.get(c.CT_ID), no_lesion=not lesions, lesions=lesions,
            organs=[_statement(text) for text in items_of(first.get(c.STATEMENTS))], text_sha256=first.get(c.CHECKSUM),
        )  # fmt: skip
    except ValueError as error:
        raise first.wrong(c.STATEMENTS, "is no list of organs with their status") from error


def _says_no_lesion(row: Row) -> bool:
    stated = truth_of(row.get(c.NO_LESION) or "False")
    if stated is None:
        raise row.wrong(c.NO_LESION, "is neither True nor False")
    tumour = row.get(c.TUMOUR_ID).lower()
    if tumour and tumour != "no lesion" and not _TUMOUR.fullmatch(tumour):
        raise row.wrong(c.TUMOUR_ID, "is neither 'tumor' and a number nor 'no lesion'")
    if not tumour and not stated and not row.get(c.SIZE):
        raise row.wrong(c.TUMOUR_ID, "is empty or missing")
    return stated or tumour == "no lesion"


def _by_lesion(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows of one finding together; in a published table every row is one."""
    seen: set[str] = set()
    for row in rows:
        tumour = row.get(c.TUMOUR_ID).lower()
        if tumour and tumour in seen:
            raise row.wrong(c.TUMOUR_ID, "repeats that of an earlier row")
        seen.add(tumour)
    for _, group in groupby(rows, lambda row: row.get(c.FINDING) or row.number):
        yield list(group)


def _lesion(rows: list[Row]) -> TableLesion:
    return _own_lesion(rows) if rows[0].get(c.FINDING) else _published_lesion(rows[0])


def _published_lesion(row: Row) -> TableLesion:
    flags: list[str] = []
    organ = _organ(row, flags)
    diameters = _diameters(row, flags)
    parts, side = parts_of_location(organ, row.get(c.LOCATION))
    metastasis = row.get("metastasis").lower() == "yes"
    certainty = row.get("Type Certainty").lower()
    tumour = _TUMOUR.fullmatch(row.get(c.TUMOUR_ID).lower())
    values: dict[str, Any] = {
        "lesion_id": f"lesion {tumour[1]}" if tumour else "lesion",
        "organ": organ, "parts": parts, "laterality": side, "organ_masks": masks_of(organ, tuple(parts), side),
        "diameters_mm": diameters, "size_kind": "exact" if diameters else "not_stated",
        "size_min_mm": max(diameters, default=None), "size_max_mm": max(diameters, default=None),
        "attenuation": attenuation_of(row.get(c.ATTENUATION)), "kind": "metastasis" if metastasis else "indeterminate",
        "kind_text": row.get("Tumor Type"), "malignancy": malignancy_of(row.get("malignancy")),
        "is_metastasis": metastasis, "series": _whole(row, "Series"), "image": _whole(row, "Image"), "flags": flags,
        "type_certainty": certainty if certainty in ("certain", "high", "low") else "not_stated",
    }  # fmt: skip
    if row.get(c.SIZE).lower() == MULTIPLE:
        return TableLesion(**values, multiplicity="multiple", count_kind="multiple")
    return TableLesion(**values, multiplicity="single", count=1, count_kind="exact")


def _organ(row: Row, flags: list[str]) -> Organ:
    text = row.get(c.ORGAN) or row.get("Organ")
    organ = organ_of(text)
    if organ == "other" and row.get(c.ORGAN).lower() == "u":
        organ = organ_of(row.get("Organ"))
    if organ is None:
        flags.append("organ_not_known")
    return organ or "other"


def _diameters(row: Row, flags: list[str]) -> list[float]:
    """The diameters; those that no lesion has are none, and a flag (zero, four numbers, a metre)."""
    diameters = diameters_of(row.get(c.SIZE))
    if diameters is None:
        raise row.wrong(c.SIZE, "is no size such as 23.0 x 19.0")
    if len(diameters) > 3 or not all(0 < diameter <= _LARGEST_MM for diameter in diameters):
        flags.append("size_not_possible")
        return []
    return diameters


def _whole(row: Row, column: str) -> int | None:
    text = row.get(column).lower()
    if text in ("", "u", "nan"):
        return None
    if not re.fullmatch(r"\d{1,9}(?:\.0*)?", text):
        raise row.wrong(column, "is no whole number")
    return int(float(text))


def _own_lesion(rows: list[Row]) -> TableLesion:
    row = rows[0]
    if row.get(c.SCHEMA) not in ("", str(SCHEMA_VERSION)):
        raise row.wrong(c.SCHEMA, "is of a newer version of RSuper")
    spans = _spans(row)
    values = {name: _field(row, name) for name in c.FIELDS if row.cells.get(c.own_column(name))}
    try:
        lesion = TableLesion(**{"lesion_id": "", **values}, spans=spans, evidence=_evidence(row, spans))
    except ValidationError as error:
        raise row.wrong(c.own_column(str(error.errors()[0]["loc"][0])), "holds a value that cannot be") from error
    _check_agreement(rows, lesion)
    return lesion


def _field(row: Row, name: str) -> Any:
    text = row.cells[c.own_column(name)]
    try:
        if name in c.LIST_FIELDS:
            return items_of(text)
        return json.loads(text) if name in c.DICT_FIELDS else text
    except ValueError as error:
        raise row.wrong(c.own_column(name), "holds a value that cannot be") from error


def _spans(row: Row) -> list[Span]:
    try:
        found = [_SPAN.fullmatch(item) for item in items_of(row.cells.get(c.SPANS, ""))]
        return [Span(start=int(one[1]), end=int(one[2]), section=one[3] or "") for one in found if one]
    except ValueError as error:
        raise row.wrong(c.SPANS, "is no list of spans such as 12-40 findings") from error


def _evidence(row: Row, spans: list[Span]) -> list[Evidence]:
    """The words of the spans, if the table holds the report as it was read."""
    report = row.cells.get(c.REPORT, "")
    if not report or hashlib.sha256(report.encode()).hexdigest() != row.get(c.CHECKSUM):
        return []
    return [Evidence(text=report[span.start : span.end], **span.model_dump()) for span in spans]


def _check_agreement(rows: list[Row], lesion: TableLesion) -> None:
    """A value that was changed in a published column only would be lost without a word."""
    expected = published_cells(lesion)
    if organ_of(rows[0].get(c.ORGAN)) not in (lesion.organ, None):
        raise rows[0].wrong(c.ORGAN, f"and {c.own_column('organ')!r} disagree")
    for row in rows:
        for column in _COMPARED:
            if column in row.cells and row.get(column) != expected[column]:
                raise row.wrong(column, "and the columns that begin with 'rsuper' disagree")
    if [row.get(c.SIZE) for row in rows] not in possible_sizes(lesion):
        raise rows[0].wrong(c.SIZE, "and the columns that begin with 'rsuper' disagree")


def _statement(text: str) -> OrganStatus:
    organ, side, status, *region = text.split(" ", 3)
    values: dict[str, Any] = {"organ": organ, "status": status, "laterality": None if side == "-" else side}
    return OrganStatus(**values, region=region[0] if region else None)
