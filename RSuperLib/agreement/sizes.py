"""Whether a measured lesion has the size that a report states."""

from __future__ import annotations

from collections.abc import Sequence

from RSuperLib.report.schema import Finding

#: Longest axial diameter of the expert mask over the size in the clinic's report, 2.5th and 97.5th percentile of 100
#: kidney tumours (KiTS19 masks and clinical table; median 1.13: masks are drawn generously, reports measure tightly).
MASK_OVER_REPORT = (0.78, 1.50)
#: Reports round to the millimetre or half centimetre, and a mask knows its border to about a voxel.
SLACK_MM = 3.0


def expected_diameter_mm(finding: Finding) -> tuple[float, float] | None:
    """Interval of the largest diameter that a mask of this finding may have; None if the report gives no size."""
    stated = [*finding.diameters_mm, *filter(None, (finding.size_min_mm, finding.size_max_mm))]
    if not stated:
        return None
    low = finding.size_min_mm if finding.size_min_mm is not None else max(finding.diameters_mm, default=0.0)
    high = finding.size_max_mm if finding.size_max_mm is not None else max(finding.diameters_mm, default=float("inf"))
    if finding.size_kind == "upper_bound":
        low = 0.0
    elif finding.size_kind == "lower_bound":
        high = float("inf")
    return max(0.0, low * MASK_OVER_REPORT[0] - SLACK_MM), high * MASK_OVER_REPORT[1] + SLACK_MM


def size_fits(finding: Finding, diameters_mm: Sequence[float]) -> bool:
    """Whether the longest axial or the longest of all measured diameters is what the report lets expect."""
    interval = expected_diameter_mm(finding)
    if interval is None:
        return True
    return any(interval[0] <= diameter <= interval[1] for diameter in (diameters_mm[0], max(diameters_mm)))


def size_in_words(finding: Finding) -> str:
    """The reported size as a person would say it."""
    if finding.diameters_mm:
        return " x ".join(f"{diameter:g}" for diameter in finding.diameters_mm) + " mm"
    bounds = [("at least", finding.size_min_mm), ("at most", finding.size_max_mm)]
    return " and ".join(f"{word} {value:g} mm" for word, value in bounds if value is not None) or "no size"
