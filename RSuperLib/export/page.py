"""The layout of view.png: lesions on the left, the report and the agreement on the right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.agreement.schema import Agreement, State
from RSuperLib.export.canvas import BRIGHT, DIM, FAINT, TEXT, Canvas, Rect, fitted, width_of
from RSuperLib.export.cards import KEY_HEIGHT, AgreementCard, ReportCard, draw_key
from RSuperLib.export.gallery import Gallery
from RSuperLib.export.panels import Scene
from RSuperLib.export.slices import Display
from RSuperLib.export.words import STATE_LOOKS, counted
from RSuperLib.io import Volume
from RSuperLib.report.schema import Reading

WIDTH, MARGIN, GAP = 1600.0, 28.0, 16.0
_HEADER, _FOOTER = 84.0, 44.0
_RIGHT = 560.0
_LEFT = WIDTH - 2 * MARGIN - GAP - _RIGHT


@dataclass(frozen=True)
class Case:
    """Everything that one page shows (see `RSuperLib.export.draw_view`)."""

    ct: Volume
    labels: NDArray[np.uint16]
    reading: Reading
    agreement: Agreement
    report: str
    parts: Mapping[str, NDArray[Any]]
    title: str
    footnote: str


def draw_page(case: Case) -> Canvas:
    """Draw the page of a case; the caller saves it."""
    gallery = Gallery(Scene(case.ct, case.labels, case.parts, Display(case.ct.grid)), case.agreement)
    report = ReportCard(case.report, case.reading, case.agreement, _RIGHT)
    table = AgreementCard(case.reading, case.agreement, _RIGHT)
    height = _content_height(gallery, report, table)
    canvas = Canvas(WIDTH, _HEADER + height + _FOOTER)
    _draw_header(canvas, case)
    gallery.draw(canvas, Rect(MARGIN, _HEADER, _LEFT, height))
    _draw_right(canvas, Rect(MARGIN + _LEFT + GAP, _HEADER, _RIGHT, height), report, table)
    _draw_footer(canvas, case)
    return canvas


def _content_height(gallery: Gallery, report: ReportCard, table: AgreementCard) -> float:
    """Tall enough for the pictures and the table, then for the report as far as the pictures can grow along."""
    least, most = gallery.heights
    wanted = report.full_height + GAP + table.height
    needed = min(report.full_height, report.least_height) + GAP + table.height
    return max(least, needed, min(wanted, most))


def _draw_header(canvas: Canvas, case: Case) -> None:
    right = WIDTH - MARGIN
    for state, count in reversed(_counts(case.agreement)):
        look = STATE_LOOKS[state]
        right = canvas.chip(right, 50, f"{look.symbol} {count} {state}", look.colour, size=13) - 8
    title = fitted(case.title or "CT and report", right - MARGIN - 20, 22, bold=True)
    canvas.text(MARGIN, 42, title, 22, BRIGHT, bold=True)
    was_read = case.reading.status == "read"  # silence is never "no lesion"
    facts = [
        counted(len(case.reading.lesions), "lesion finding") + " in the report" if was_read else "report not read",
        counted(len(case.agreement.lesions), "lesion") + " in the mask",
    ]
    canvas.text(MARGIN, 65, fitted("  ·  ".join(facts), right - MARGIN - 20, 13), 13, DIM)


def _counts(agreement: Agreement) -> list[tuple[State, int]]:
    counts = Counter(row.state for row in agreement.rows)
    return [(state, counts[state]) for state in STATE_LOOKS if counts[state]]


def _draw_footer(canvas: Canvas, case: Case) -> None:
    y = canvas.height - 18
    words = "Research tool, not a medical device"
    canvas.text(MARGIN, y, words, 12, TEXT, bold=True)
    start = MARGIN + width_of(words, 12, bold=True) + 16
    canvas.text(start, y, fitted(case.footnote, WIDTH - MARGIN - start - 90, 12), 12, DIM)
    canvas.text(WIDTH - MARGIN, y, "RSuper", 12, FAINT, bold=True, align="right")


def _draw_right(canvas: Canvas, rect: Rect, report: ReportCard, table: AgreementCard) -> None:
    height = min(report.full_height, rect.height - table.height - GAP)
    report.draw(canvas, Rect(rect.x, rect.y, rect.width, height))
    top = rect.y + height + GAP
    has_key = rect.bottom - top - table.height >= GAP + KEY_HEIGHT
    bottom = top + table.height if has_key else rect.bottom
    table.draw(canvas, Rect(rect.x, top, rect.width, bottom - top))
    if has_key:
        draw_key(canvas, Rect(rect.x, bottom + GAP, rect.width, rect.bottom - bottom - GAP))
