"""A file of readings to the published tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from RSuperLib.io.errors import InputError
from RSuperLib.io.progress import Progress, no_progress
from RSuperLib.report.collection import LONGEST_LINE, reports_of
from RSuperLib.report.schema import Reading
from RSuperLib.report.tables.cts import write_ct_table
from RSuperLib.report.tables.ids import CtIds
from RSuperLib.report.tables.left_out import Written
from RSuperLib.report.tables.tumours import write_tumour_table


def readings_of(path: Path, progress: Progress = no_progress) -> Iterator[Reading]:
    """The readings of a file, one a line; nothing but the current one is held.

    Raises:
        InputError: the file cannot be read, or a line is no reading.
    """
    try:
        size = max(1, path.stat().st_size)
        done = 0
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                done += len(line)
                if number % 1000 == 0:
                    progress("writing the tables", done / size)
                yield Reading.model_validate_json(line)
    except ValidationError as error:
        raise InputError(f"Line {number} of {path.name} is no reading.", "Read the reports again.") from error
    except OSError as error:
        raise InputError(
            f"{path.name} cannot be read ({error.strerror or error}).", "Give a file of readings."
        ) from error


def write_tables(
    readings: Path, *, per_tumour: Path | None = None, per_ct: Path | None = None, ids: Path | None = None,
    reports: Path | None = None, underscores: bool = False, progress: Progress = no_progress,
) -> dict[str, Any]:  # fmt: skip
    """Write one or both tables of a file of readings.

    Args:
        readings: the file.
        per_tumour: the per-tumour table.
        per_ct: the per-CT table.
        ids: table of the user's ids and those of the CTs. It is read if it is there, and written with the ids that it
            lacked; the default lies beside the first table and ends in `.ids.csv`. So a CT keeps its id.
        reports: the file that the readings are of, in the same order; puts the texts into the per-tumour table.
        underscores: spell organs as the training code compares them.
        progress: told how far the first table is.

    Returns:
        What `rsuper read --json` says of the tables.
    """
    first = per_tumour or per_ct
    if first is None:
        return {}
    ids = ids or first.with_name(f"{first.stem}.ids.csv")
    ct_ids = CtIds(ids if ids.exists() else None)
    ct_ids.reserve(reading.id for reading in readings_of(readings, progress))
    result: dict[str, Any] = {}
    if per_tumour:
        texts = _texts(readings, reports)
        result["per_tumour"] = _said(per_tumour, write_tumour_table(per_tumour, texts, ct_ids, underscores=underscores))
    if per_ct:
        result["per_ct"] = _said(per_ct, write_ct_table(per_ct, readings_of(readings), ct_ids))
    if ct_ids.differ:
        ct_ids.write(ids)
        result["ids"] = str(ids)
    return result


def holds_readings(path: Path) -> bool:
    """Whether a file of JSON lines begins with a reading rather than with a report."""
    try:
        with path.open("rb") as file:
            first = json.loads(file.readline(LONGEST_LINE))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "findings" in first and "text" not in first


def _said(table: Path, written: Written) -> dict[str, Any]:
    left_out = str(written.left_out) if written.left_out else None
    return {"table": str(table), **asdict(written), "left_out": left_out}


def _texts(readings: Path, reports: Path | None) -> Iterator[tuple[Reading, str]]:
    if reports is None:
        yield from ((reading, "") for reading in readings_of(readings))
        return
    for reading, report in zip(readings_of(readings), reports_of(reports), strict=True):
        yield reading, report.text
