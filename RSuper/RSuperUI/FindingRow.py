"""One row of the findings table: what the report says of a lesion and what the mask shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from RSuperUI.Finding import Finding
from RSuperUI.Reading import Reading


@dataclass(frozen=True)
class FindingRow:
    """A finding, a lesion that the report does not name (`extra`), or a pair of both.

    Attributes:
        finding: None for a lesion that the report does not name.
        lesions: numbers of the lesions that belong to it; none for a finding without a lesion in the mask.
        state: agreement state; empty before the first run.
        reasons: plain sentences that explain the state.
    """

    finding: Finding | None
    lesions: tuple[int, ...]
    organ: str
    place: str
    size: str
    count: str
    presence: str
    state: str
    reasons: tuple[str, ...]


def findingRows(reading: Reading, agreement: dict[str, Any]) -> list[FindingRow]:
    """All rows: the findings in the order of the report, then the lesions that it does not name.

    Args:
        reading: the reading of the report.
        agreement: content of `agreement.json`; empty before the first run.
    """
    matches = agreement.get("rows", [])
    rows = [
        _rowOf(finding, [match for match in matches if match["finding"] == finding.id]) for finding in reading.findings
    ]
    measured = {lesion["label"]: lesion for lesion in agreement.get("lesions", [])}
    return rows + [_extraRow(match, measured) for match in matches if match["finding"] is None]


def _rowOf(finding: Finding, matches: list[dict[str, Any]]) -> FindingRow:
    return FindingRow(
        finding=finding,
        lesions=tuple(match["lesion"] for match in matches if match["lesion"] is not None),
        organ=organName(finding.organ),
        place=_place(finding),
        size=_size(finding),
        count=_count(finding),
        presence=_presence(finding),
        state=_worst([match["state"] for match in matches]),
        reasons=tuple(dict.fromkeys(reason for match in matches for reason in match["reasons"])),
    )


def _extraRow(match: dict[str, Any], measured: dict[int, dict[str, Any]]) -> FindingRow:
    lesion = measured[match["lesion"]]
    return FindingRow(
        finding=None,
        lesions=(match["lesion"],),
        organ=organName(lesion["organ"]),
        place=partName(lesion["parts"][0]) if lesion["parts"] else "",
        size=_millimetres(lesion["diameters_mm"][:2]),
        count="1",
        presence="",
        state=match["state"],
        reasons=tuple(match["reasons"]),
    )


def organName(organ: str) -> str:
    """An organ of the schema as people write it: `lymph_node` is "Lymph node"."""
    return organ.replace("_", " ").capitalize()


def partName(part: str) -> str:
    """A part's name as people write it: `kidney_left` is "kidney left"."""
    return part.replace("_", " ")


def stateName(state: str) -> str:
    """An agreement state in words; empty before the first run."""
    names = {
        "agrees": _("agrees"),
        "differs": _("differs"),
        "missing": _("missing in mask"),
        "extra": _("extra in mask"),
        "cannot tell": _("cannot tell"),
    }
    return names.get(state, state)


def _place(finding: Finding) -> str:
    sides = {"left": _("left"), "right": _("right"), "bilateral": _("both sides"), "midline": _("midline")}
    words = [sides[finding.laterality]] if finding.laterality in sides else []
    return ", ".join([*words, *_shortened([part for part in finding.partWords if part.lower() not in words])])


def _shortened(parts: list[str]) -> list[str]:
    """ "segment 5", "segment 6" as "segment 5", "6": columns are narrow."""
    heads = {part.rpartition(" ")[0] for part in parts}
    if len(heads) != 1 or "" in heads:
        return parts
    return [parts[0], *(part.rpartition(" ")[2] for part in parts[1:])]


def _size(finding: Finding) -> str:
    if finding.diameters:
        return _millimetres(finding.diameters)
    low, high = finding.sizeRange
    if low is not None and high is not None:
        return _("{low:.3g} to {high:.3g} mm").format(low=low, high=high)
    if high is not None:
        return _("< {high:.3g} mm").format(high=high)
    return _("> {low:.3g} mm").format(low=low) if low is not None else ""


def _millimetres(diameters: Any) -> str:
    return _("{sizes} mm").format(sizes=" × ".join(f"{diameter:.3g}" for diameter in diameters))


def _count(finding: Finding) -> str:
    if finding.count is None:
        return _("several") if finding.countKind == "multiple" else ""
    signs = {"at_least": "≥ ", "about": "~ "}
    return f"{signs.get(finding.countKind, '')}{finding.count}"


def _presence(finding: Finding) -> str:
    if finding.temporality != "current":
        return {"prior": _("earlier"), "resected": _("resected")}[finding.temporality]
    names = {
        "present": _("present"),
        "probable": _("probable"),
        "possible": _("possible"),
        "unlikely": _("unlikely"),
        "absent": _("absent"),
    }
    return names[finding.presence]


def _worst(states: list[str]) -> str:
    """The state that a person should look at first, of a finding that stands for several lesions."""
    order = ("missing", "differs", "cannot tell", "agrees")
    return next((state for state in order if state in states), "")
