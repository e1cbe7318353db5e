"""Findings and lesions side by side: which belong together, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from RSuperLib.agreement.schema import Agreement, Lesion, Row, State
from RSuperLib.agreement.sizes import expected_diameter_mm, size_fits, size_in_words
from RSuperLib.anatomy import part, related
from RSuperLib.report.schema import Finding, Reading

#: What speaks against a pair; each outweighs all below it. Any pair of one organ is better than none, because a
#: difference that is named helps more than a finding and a lesion that are both left over.
_OTHER_SIDE, _OTHER_PART, _OTHER_SIZE = 100.0, 10.0, 1.0
_IMPOSSIBLE = 1e6
_MAX_GROUP = 20


@dataclass(frozen=True)
class MaskSource:
    """Where the lesions of a mask come from, and of what it may speak.

    Attributes:
        covers: whether a lesion of this organ (and side) would have been marked, had there been one. Only then may a
            finding be "missing in the mask".
        searched: whether lesions that no report names would have been marked too. Only then may one be "extra".
        placed: finding id to the labels that were marked for it, where the source knows.
        reasons: finding id to why nothing was marked for it.
    """

    covers: Callable[[str, str | None], bool]
    searched: bool = False
    placed: Mapping[str, Sequence[int]] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)


def agree(reading: Reading, lesions: Sequence[Lesion], source: MaskSource) -> Agreement:
    """Match the findings of a reading with the lesions of a mask, one to one, and say how each pair agrees.

    A finding that is a group ("multiple", a count) may match several lesions and then has a row with each.
    Findings that are denied, of an earlier date or resected have no row.

    Returns:
        Rows in the order of the findings, then lesions that no finding speaks of.
    """
    pairs = _match(reading.lesions, lesions, source)
    matched = {lesion.label for found in pairs.values() for lesion in found}
    rows = []
    for finding in reading.lesions:
        found = pairs.get(finding.lesion_id, [])
        rows += [_pair_row(finding, lesion) for lesion in found] or [_unmatched_finding(finding, source)]
    rows += [_unmatched_lesion(lesion, reading, source) for lesion in lesions if lesion.label not in matched]
    return Agreement(rows=rows, lesions=list(lesions))


def _match(findings: Sequence[Finding], lesions: Sequence[Lesion], source: MaskSource) -> dict[str, list[Lesion]]:
    pairs = {
        finding.lesion_id: [lesion for lesion in lesions if lesion.label in source.placed.get(finding.lesion_id, ())]
        for finding in findings
    }
    taken = {lesion.label for found in pairs.values() for lesion in found}
    free = [lesion for lesion in lesions if lesion.label not in taken]
    open_seats = [finding for finding in findings for _ in range(_seats(finding) - len(pairs[finding.lesion_id]))]
    if free and open_seats:
        for seat, lesion in zip(*_assign(open_seats, free), strict=True):
            pairs[seat.lesion_id].append(lesion)
    return pairs


def _seats(finding: Finding) -> int:
    """How many lesions one finding may stand for."""
    if finding.count is not None and finding.count_kind == "exact":
        return min(finding.count, _MAX_GROUP)
    return _MAX_GROUP if finding.multiplicity == "multiple" else 1


def _assign(seats: Sequence[Finding], lesions: Sequence[Lesion]) -> tuple[list[Finding], list[Lesion]]:
    """The cheapest one-to-one assignment (Hungarian algorithm), without the impossible pairs."""
    costs = np.array([[_cost(seat, lesion) for lesion in lesions] for seat in seats])
    rows, columns = linear_sum_assignment(costs)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    kept = [(row, column) for row, column in pairs if costs[row, column] < _IMPOSSIBLE]
    return [seats[row] for row, _ in kept], [lesions[column] for _, column in kept]


def _cost(finding: Finding, lesion: Lesion) -> float:
    if finding.organ != lesion.organ:
        return _IMPOSSIBLE
    cost = 0.0 if _same_side(finding, lesion) else _OTHER_SIDE
    cost += 0.0 if _same_part(finding, lesion) else _OTHER_PART
    cost += 0.0 if size_fits(finding, lesion.diameters_mm) else _OTHER_SIZE
    return cost + _size_distance(finding, lesion)


def _size_distance(finding: Finding, lesion: Lesion) -> float:
    """0 to 0.5: among equals, the nearest size wins; a member of a group may be smaller than its largest."""
    if not finding.diameters_mm:
        return 0.25
    return 0.5 * min(1.0, abs(float(np.log(lesion.diameters_mm[0] / max(finding.diameters_mm)))))


def _same_side(finding: Finding, lesion: Lesion) -> bool:
    sides = {part(name).side for name in lesion.parts} - {None}
    return finding.laterality not in ("left", "right") or not sides or finding.laterality in sides


def _same_part(finding: Finding, lesion: Lesion) -> bool:
    """Whether the lesion lies in a reported part, or in nothing finer than what holds that part."""
    if not finding.organ_masks or not lesion.parts:
        return True
    return any(related(said, seen) for said in finding.organ_masks for seen in lesion.parts)


def _pair_row(finding: Finding, lesion: Lesion) -> Row:
    reasons = [reason for reason in _differences(finding, lesion) if reason]
    state: State = "differs" if reasons else "agrees"
    if not reasons and expected_diameter_mm(finding) is None:
        reasons = ["The report gives no size."]
    return Row(finding=finding.lesion_id, lesion=lesion.label, state=state, reasons=reasons)


def _differences(finding: Finding, lesion: Lesion) -> list[str]:
    place = ", ".join(name.replace("_", " ") for name in lesion.parts)
    reasons = []
    if not _same_side(finding, lesion):
        reasons.append(f"The report says {finding.laterality}, the lesion lies in: {place}.")
    elif not _same_part(finding, lesion):
        said = ", ".join(finding.parts) or ", ".join(finding.organ_masks).replace("_", " ")
        reasons.append(f"The report says {said}, the lesion lies in: {place}.")
    if not (_is_smaller_member(finding, lesion) or size_fits(finding, lesion.diameters_mm)):
        measured = f"{lesion.diameters_mm[0]:.0f} x {lesion.diameters_mm[1]:.0f} mm"
        reasons.append(f"The report says {size_in_words(finding)}, the lesion measures {measured}.")
    return reasons


def _is_smaller_member(finding: Finding, lesion: Lesion) -> bool:
    """The size of a group is that of its largest member."""
    interval = expected_diameter_mm(finding)
    return finding.multiplicity == "multiple" and interval is not None and lesion.diameters_mm[0] < interval[0]


def _unmatched_finding(finding: Finding, source: MaskSource) -> Row:
    if source.covers(finding.organ, finding.laterality):
        return Row(finding=finding.lesion_id, lesion=None, state="missing", reasons=["No lesion of the mask fits it."])
    reason = source.reasons.get(finding.lesion_id, f"Nothing was looked for in the {_words(finding.organ)}.")
    return Row(finding=finding.lesion_id, lesion=None, state="cannot tell", reasons=[reason])


def _unmatched_lesion(lesion: Lesion, reading: Reading, source: MaskSource) -> Row:
    row = Row(finding=None, lesion=lesion.label, state="cannot tell")
    if reading.status == "not_read":
        return row.model_copy(update={"reasons": ["The report was not read."]})
    if not (source.searched and source.covers(lesion.organ, None)):
        return row.model_copy(update={"reasons": [f"What marked it is not made for the {_words(lesion.organ)}."]})
    cleared = any(one.organ == lesion.organ and one.status in ("normal", "no_lesion") for one in reading.organs)
    said = f"calls the {_words(lesion.organ)} free of lesions" if cleared else "does not speak of it"
    return row.model_copy(update={"state": "extra", "reasons": [f"The report {said}."]})


def _words(organ: str) -> str:
    return organ.replace("_", " ")
