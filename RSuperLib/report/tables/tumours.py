"""Readings to the per-tumour table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from RSuperLib.io.files import write_whole
from RSuperLib.report.schema import Finding, OrganStatus, Reading
from RSuperLib.report.tables import columns as c
from RSuperLib.report.tables.cells import RowWriter, list_text
from RSuperLib.report.tables.fitting import MOST_IN_REGION, MOST_ROWS, fit
from RSuperLib.report.tables.ids import CtIds
from RSuperLib.report.tables.left_out import LeftOut, Written, why_left_out
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

_NO_ROOM = f"more than {MOST_ROWS} rows, or {MOST_IN_REGION} of one region"


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
    table = RowWriter((*c.TUMOUR_COLUMNS, *c.EXTRA_TUMOUR_COLUMNS))
    cases = rows = 0

    def save(temporary: Path) -> None:
        nonlocal cases, rows
        with temporary.open("wb") as file:
            file.write(table.header())
            for reading, text in readings:
                ct_id = "" if why_left_out(reading) else ids.of(reading.id)
                found = tumour_rows(reading, ct_id, text, underscores=underscores)
                file.writelines(map(table.line, found))
                _note(left_out, reading, found)
                cases += bool(found)
                rows += len(found)

    with LeftOut(path.parent) as left_out:
        write_whole(path, save)
        return Written(cases, rows, left_out.reports, left_out.lesions, left_out.save(path))


def _note(left_out: LeftOut, reading: Reading, rows: list[dict[str, str]]) -> None:
    if reason := why_left_out(reading):
        left_out.report(reading.id, reason)
        return
    kept = {row.get(c.FINDING) for row in rows}
    for number, finding in enumerate(reading.lesions, start=1):
        if str(number) not in kept:
            left_out.lesion(reading.id, finding.lesion_id, _NO_ROOM)


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
