"""Report rows to crop options, unknown voxels and volumes, as published, for `report_targets.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from RSuperLib.io.errors import InputError
from RSuperLib.supervision.published_targets import (
    Row,
    SelectionRow,
    crop_options,
    option_parts,
    option_sizes,
    select_cases,
    unknown_parts,
)

#: Structures of the published toy volume in order, where the file does not list them.
STRUCTURES = (
    "pancreas_head", "pancreas_body", "pancreas_tail", "kidney_left", "kidney_right",
    *(f"liver_segment_{number}" for number in range(1, 9)),
)  # fmt: skip
#: The published table batches ten lesions; this one case is described by its name alone and shows what more do.
_BATCHED, _MANY, _LISTED_BY_NAME = 10, 12, "twelve_in_head"
_SELECTIONS = ("kept_for_pancreas", "kept_for_kidney_pancreas")


def report_targets(content: dict[str, Any]) -> dict[str, Any]:
    """Every case, and the selection of cases.

    Raises:
        InputError: rows that are none.
    """
    voxels = structure_voxels(content.get("structures", STRUCTURES))
    results: dict[str, Any] = {"structure_voxels": voxels, "cases": {}}
    for name, case in content.get("cases", {}).items():
        if "rows" in case or name == _LISTED_BY_NAME:
            rows = case.get("rows") or [["pancreas", "head", "10.0"]] * _MANY
            results["cases"][name] = _case([_row(row) for row in rows], voxels)
    if "case_selection" in content:
        results["case_selection"] = _selection(content["case_selection"])
    return results


def structure_voxels(structures: Sequence[str]) -> dict[str, int]:
    """Voxels of the toy volume: structure n occupies [n, 0:2 + n, 0:3] of a cube of edge 24."""
    return {name: 3 * min(2 + index, 24) for index, name in enumerate(structures)}


def _row(row: Sequence[Any]) -> Row:
    if len(row) != 3 or not isinstance(row[0], str):
        raise InputError("A row of report_targets.json is not (organ, location, size).", "Copy the file again.")
    organ, location, size = row
    return organ, location, size


def _case(rows: list[Row], voxels: dict[str, int]) -> dict[str, Any]:
    options = crop_options(rows)
    result: dict[str, Any] = {
        "rows": [list(row) for row in rows],
        "crop_options": options,
        "crop_options_level": "segment" if options else None,
        "per_option": [],
    }
    try:
        result["unknown_voxels_per_channel"] = _counted(unknown_parts(rows), voxels)
    except InputError as error:
        result["unknown_voxels_error"] = f"{type(error).__name__}: {error.message}"
    try:
        result["per_option"] = [_option(rows, option, voxels) for option in options]
    except InputError as error:
        result["error"] = [type(error).__name__, error.message]
    if len(rows) > _BATCHED and result["per_option"]:
        volumes = result["per_option"][0]["volumes"]
        result |= {"n_volumes_returned": len(volumes), "diameters_shape": [len(volumes), 3]}
    return result


def _option(rows: list[Row], option: list[str], voxels: dict[str, int]) -> dict[str, Any]:
    volumes, diameters = option_sizes(rows, option)
    return {
        "option": option,
        "volumes": volumes,
        "diameters": [list(one) for one in diameters],
        "mask_voxels": _counted(option_parts(option), voxels),
    }


def _counted(parts: dict[str, list[str]], voxels: dict[str, int]) -> dict[str, int]:
    return {channel: sum(voxels[part] for part in names) for channel, names in parts.items()}


def _selection(table: dict[str, Any]) -> dict[str, Any]:
    rows = [SelectionRow(*row) for row in table["rows"]]
    names = [name for name in table if name.startswith("kept_for_")] or list(_SELECTIONS)
    kept = {name: select_cases(rows, name.removeprefix("kept_for_").split("_")) for name in names}
    return {"columns": table.get("columns"), "rows": table["rows"], **kept}
