"""The right side of view.png: the report with its evidence, and the table of how it agrees with the mask."""

from __future__ import annotations

from dataclasses import dataclass

from RSuperLib.agreement.schema import Agreement, Row
from RSuperLib.export import report_text
from RSuperLib.export.canvas import (
    BRIGHT,
    CARD,
    DIM,
    EDGE,
    FAINT,
    NO_GLYPH,
    TEXT,
    Canvas,
    Rect,
    displayable,
    fitted,
    width_of,
    wrapped,
)  # fmt: skip
from RSuperLib.export.colours import lesion_colour
from RSuperLib.export.report_text import Line, Piece
from RSuperLib.export.words import STATE_LOOKS, finding_name
from RSuperLib.report.schema import Reading

_PADDING, _HEAD = 18.0, 44.0
_SIZE, _LEADING = 13.0, 21.0
_LEGEND = 34.0
_LEAST_LINES = 12


class ReportCard:
    """The report, its evidence marked in the colours of the lesions."""

    def __init__(self, report: str, reading: Reading, agreement: Agreement, width: float) -> None:
        shown = displayable(report)
        room = width - 2 * _PADDING
        marks = report_text.marks(report, reading, agreement)
        named = report_text.badges(reading, agreement)
        self._lines = report_text.lay_out(shown, marks, named, room, lambda text: width_of(text, _SIZE))
        self._note = _note_of(report, shown, reading)
        self._legend = _legend_of(self._lines)

    @property
    def full_height(self) -> float:
        """Height that shows every line."""
        return self._height(report_text.height_of(self._lines))

    @property
    def least_height(self) -> float:
        """Height of a report that is shortened as far as it may be."""
        return self._height(_LEAST_LINES)

    def _height(self, lines: float) -> float:
        return _HEAD + _LEADING * (lines + bool(self._note)) + (_LEGEND if self._legend else 0) + 10

    def draw(self, canvas: Canvas, rect: Rect) -> None:
        """Fill `rect`; what does not fit is left out around the evidence."""
        lines = report_text.shortened(self._lines, (rect.height - self._height(0)) / _LEADING + 1e-6)
        canvas.box(rect, CARD, EDGE, radius=8)
        _heading(canvas, rect, "Report", "shortened around the evidence" if len(lines) < len(self._lines) else "")
        x, y = rect.x + _PADDING, rect.y + _HEAD + 10
        if self._note:
            canvas.text(
                x, y, fitted(self._note, rect.width - 2 * _PADDING, _SIZE), _SIZE, STATE_LOOKS["differs"].colour
            )
            y += _LEADING
        for line in lines:
            lift = 5 if line is report_text.GAP else 0
            for piece in line:
                _draw_piece(canvas, x, y - lift, piece)
            y += _LEADING * report_text.height_of([line])
        _draw_legend(canvas, x, rect.bottom - 15, self._legend)


def _note_of(report: str, shown: str, reading: Reading) -> str:
    if not report.strip():
        return "No report was given."
    if reading.status == "not_read":
        return f"This report was not read. {reading.reason}".strip()
    if shown.count(NO_GLYPH) > report.count(NO_GLYPH):
        return f"{NO_GLYPH} stands for letters that this computer has no font for."
    return ""


def _draw_piece(canvas: Canvas, x: float, y: float, piece: Piece) -> None:
    mark = piece.mark
    colour = lesion_colour(mark.lesion) if mark.lesion else None
    for index, label in enumerate(piece.badges):
        place = x + piece.x + report_text.BADGE_WIDTH * (index + 0.5) - 1.5
        canvas.badge(place, y - 4.5, str(label), lesion_colour(label), radius=7.5)
    start, width = x + piece.text_x, piece.x + piece.width - piece.text_x
    box = Rect(start - 2, y - 13.5, width + 2.5, 18.5)
    if mark.style == "present" and colour:
        canvas.box(box, colour, alpha=0.42 if mark.exact else 0.24)
    elif mark.style in ("present", "hedged") and not colour:
        canvas.box(box, edge=DIM, dashed=mark.style == "hedged")
    elif mark.style == "hedged":
        canvas.line((start, start + width), (y + 4, y + 4), colour or DIM, width=1.4, dashed=True)
    lit = mark.style in ("present", "hedged")
    canvas.text(start, y, piece.text, _SIZE, FAINT if mark.style == "negated" else BRIGHT if lit else TEXT)


def _legend_of(lines: list[Line]) -> list[tuple[str, Piece]]:
    """The kinds of marks that the report has, each with a sample."""
    marks = dict.fromkeys(piece.mark for line in lines for piece in line)  # in the order of the report
    kinds = [
        ("in the mask", next((m for m in marks if m.style == "present" and m.lesion), None)),
        ("hedged", next((m for m in marks if m.style == "hedged" and m.lesion), None)),
        ("not in the mask", next((m for m in marks if m.style in ("present", "hedged") and not m.lesion), None)),
        ("negated or past", next((m for m in marks if m.style == "negated"), None)),
    ]
    return [(words, Piece("abc", 0.0, width_of("abc", _SIZE), mark)) for words, mark in kinds if mark]


def _draw_legend(canvas: Canvas, x: float, y: float, legend: list[tuple[str, Piece]]) -> None:
    for words, sample in legend:
        _draw_piece(canvas, x, y, sample)
        canvas.text(x + sample.width + 9, y, words, 11, DIM)
        x += sample.width + 9 + width_of(words, 11) + 20


def _heading(canvas: Canvas, rect: Rect, words: str, note: str = "") -> None:
    y = rect.y + 27
    canvas.text(rect.x + _PADDING, y, words, 15, BRIGHT, bold=True)
    canvas.text(rect.right - _PADDING, y, note, 12, DIM, align="right")


_TABLE_SIZE, _TABLE_LEADING, _MOST_ROWS = 12.0, 16.0, 15
_STATE_WIDTH, _FINDING_WIDTH, _LESION_WIDTH = 112.0, 176.0, 46.0

_KEY_LEADING = 23.0
#: Room that the explanation of the signs takes at least.
KEY_HEIGHT = _HEAD + _KEY_LEADING * (len(STATE_LOOKS) + 1) + 14


@dataclass(frozen=True)
class _TableRow:
    row: Row
    finding: list[str]
    reasons: list[str]

    @property
    def height(self) -> float:
        return max(len(self.finding), len(self.reasons), 1) * _TABLE_LEADING + 14


class AgreementCard:
    """A row per finding and lesion: state, what the report says, the lesion, why."""

    def __init__(self, reading: Reading, agreement: Agreement, width: float) -> None:
        names = {finding.lesion_id: finding_name(finding) for finding in reading.findings}
        room = width - 2 * _PADDING - _STATE_WIDTH - _FINDING_WIDTH - _LESION_WIDTH
        self._rows = [_table_row(row, names, room) for row in agreement.rows[:_MOST_ROWS]]
        self._left_out = len(agreement.rows) - len(self._rows)

    @property
    def height(self) -> float:
        """Height that shows every row."""
        rows = sum(row.height for row in self._rows) if self._rows else 26
        return _HEAD + 18 + rows + (24 if self._left_out else 0) + 8

    def draw(self, canvas: Canvas, rect: Rect) -> None:
        """Fill `rect`."""
        canvas.box(rect, CARD, EDGE, radius=8)
        _heading(canvas, rect, "Report and mask")
        x, y = rect.x + _PADDING, rect.y + _HEAD + 8
        if not self._rows:
            canvas.text(x, y + 8, "Nothing to compare: no finding was read and no lesion was marked.", 13, DIM)
            return
        _draw_columns(canvas, x, y)
        y += 10
        for row in self._rows:
            canvas.line((x, rect.right - _PADDING), (y, y), EDGE)
            _draw_row(canvas, x, y, row)
            y += row.height
        if self._left_out:
            canvas.text(x, y + 18, f"+ {self._left_out} more rows in agreement.json", 12, DIM)


def _table_row(row: Row, names: dict[str, str], room: float) -> _TableRow:
    finding = "not in the report" if row.finding is None else names.get(row.finding, row.finding)
    return _TableRow(
        row,
        wrapped(finding, _FINDING_WIDTH - 14, _TABLE_SIZE, lines=3),
        wrapped(" ".join(row.reasons), room, _TABLE_SIZE, lines=4),
    )


def _draw_columns(canvas: Canvas, x: float, y: float) -> None:
    starts = (0.0, _STATE_WIDTH, _STATE_WIDTH + _FINDING_WIDTH, _STATE_WIDTH + _FINDING_WIDTH + _LESION_WIDTH)
    for start, words in zip(starts, ("State", "Report", "Mask", "Why"), strict=True):
        canvas.text(x + start, y, words, 11, FAINT, bold=True)


def _draw_row(canvas: Canvas, x: float, top: float, row: _TableRow) -> None:
    look, y = STATE_LOOKS[row.row.state], top + 20
    canvas.badge(x + 8, y - 4.5, look.symbol, look.colour, radius=8)
    canvas.text(x + 23, y, row.row.state, _TABLE_SIZE, look.colour, bold=True)
    x += _STATE_WIDTH
    for index, line in enumerate(row.finding):
        canvas.text(x, y + index * _TABLE_LEADING, line, _TABLE_SIZE, FAINT if row.row.finding is None else BRIGHT)
    x += _FINDING_WIDTH
    if row.row.lesion is None:
        canvas.text(x + 4, y, "–", _TABLE_SIZE, FAINT)
    else:
        canvas.badge(x + 10, y - 4.5, str(row.row.lesion), lesion_colour(row.row.lesion), radius=9)
    for index, line in enumerate(row.reasons):
        canvas.text(x + _LESION_WIDTH, y + index * _TABLE_LEADING, line, _TABLE_SIZE, TEXT)


def draw_key(canvas: Canvas, rect: Rect) -> None:
    """Fill `rect`, at least `KEY_HEIGHT` high, with what the signs of the page mean."""
    canvas.box(rect, CARD, EDGE, radius=8)
    _heading(canvas, rect, "Signs")
    x, y = rect.x + _PADDING, rect.y + _HEAD + 12
    for state, look in STATE_LOOKS.items():
        canvas.badge(x + 8, y - 4.5, look.symbol, look.colour, radius=8)
        canvas.text(x + 23, y, state, _TABLE_SIZE, look.colour, bold=True)
        canvas.text(x + _STATE_WIDTH, y, look.meaning, _TABLE_SIZE, DIM)
        y += _KEY_LEADING
    canvas.line((x, x + 16), (y - 4, y - 4), lesion_colour(1), width=2)
    canvas.text(x + 23, y, "a lesion of the mask", _TABLE_SIZE, DIM)
    x += _STATE_WIDTH + _FINDING_WIDTH
    canvas.line((x, x + 16), (y - 4, y - 4), DIM, dashed=True)
    canvas.text(x + 23, y, "the part of the body that holds it", _TABLE_SIZE, DIM)
