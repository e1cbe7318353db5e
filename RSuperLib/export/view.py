"""view.png: slices through each lesion, the report with its evidence, and how the two agree, on one page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.agreement.schema import Agreement
from RSuperLib.io import Volume, write_whole
from RSuperLib.report.schema import Reading


def draw_view(  # noqa: PLR0913 - one page shows all of a case
    path: Path,
    ct: Volume,
    labels: NDArray[np.uint16],
    reading: Reading,
    agreement: Agreement,
    report_text: str,
    *,
    parts: Mapping[str, NDArray[Any]] | None = None,
    title: str = "",
    footnote: str = "",
) -> None:
    """Write the picture of one case as PNG, whole or not at all.

    Args:
        path: where to write.
        ct: the CT, (i, j, k) Hounsfield units.
        labels: (i, j, k) on the CT's grid, 0 background, k = lesion k of `agreement.lesions`.
        reading: what was read out of the report; its evidence spans index `report_text`.
        agreement: how findings and lesions match.
        report_text: the report as it was pasted.
        parts: part masks by name, (i, j, k) on the CT's grid, non-zero inside; those that hold a lesion are outlined.
        title: first line of the page, such as the case's name.
        footnote: added to the last line, such as the model's name and the seconds it took.

    Raises:
        ValueError: labels or a part are not on the CT's grid.
        RSuperError: the file cannot be written.
    """
    # matplotlib and scipy are loaded here so that naming this function costs nothing
    from RSuperLib.export.page import Case, draw_page

    case = Case(ct, labels, reading, agreement, report_text, parts or {}, title, footnote)
    write_whole(path, draw_page(case).save)
