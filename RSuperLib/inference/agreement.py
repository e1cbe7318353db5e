"""What the finder found, side by side with what the report says."""

from __future__ import annotations

from RSuperLib.agreement import Agreement, MaskSource, agree, measure_lesions
from RSuperLib.anatomy import Parts
from RSuperLib.inference.finder import FinderResult
from RSuperLib.report import Reading

#: What people must be told with every result of the finder.
BY_CONSTRUCTION = "The masks were made with the help of the report: that they agree with it does not confirm it."


def agree_with_finder(reading: Reading, found: FinderResult, parts: Parts) -> Agreement:
    """Compare a report with the lesions that the finder marked for it.

    The finder looks only where the report points: it can neither miss a finding nor find an extra lesion.

    Args:
        reading: the report, as it was handed to the finder.
        found: the finder's result, on the grid of `parts`.
        parts: part masks on the CT's grid.
    """
    source = MaskSource(covers=lambda _organ, _side: False, placed=found.placed, reasons=found.reasons)
    organ_of = {finding.lesion_id: finding.organ for finding in reading.lesions}
    organs = {label: organ_of[finding] for finding, labels in found.placed.items() for label in labels}
    return agree(reading, measure_lesions(found.labels, parts.grid, parts, found.likelihood, organs), source)
