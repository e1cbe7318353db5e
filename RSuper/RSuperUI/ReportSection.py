"""Section "Report" of the panel: the report with its findings in colour, and the table of findings."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from RSuperUI.ExplanationView import ExplanationView
from RSuperUI.Finding import Span
from RSuperUI.FindingRow import FindingRow
from RSuperUI.FindingsTable import Colour, FindingsTable
from RSuperUI.Reading import Reading
from RSuperUI.ReportHighlighter import Highlight, ReportHighlighter, documentPositions


class ReportSection:
    """Text box and table, each leading to the other, and the reasons for the selected row.

    Args:
        ui: the widgets of the .ui file.
        onText: called with the whole text when the user paused after changing it.
        onRow: called with a row of the table that was selected, also by a click into its sentence.
    """

    #: How long the user must pause before the report is read.
    PAUSE_MS = 400

    def __init__(self, ui: Any, onText: Callable[[str], None], onRow: Callable[[FindingRow], None]) -> None:
        self._ui = ui
        self._onText = onText
        self._onRow = onRow
        self._text = ""
        self._rows: Sequence[FindingRow] = ()
        self._highlighter = ReportHighlighter(ui.reportTextEdit)
        self._table = FindingsTable(ui.findingsTable, self._onTableRow)
        self._explanation = ExplanationView(ui.explanationBrowser)
        self._pause = qt.QTimer()
        self._pause.setSingleShot(True)
        self._pause.setInterval(self.PAUSE_MS)
        self._pause.connect("timeout()", self._tellText)
        ui.reportTextEdit.connect("textChanged()", self._onTextChanged)
        ui.reportTextEdit.connect("cursorPositionChanged()", self._onCursorMoved)

    def show(
        self, text: str, reading: Reading, rows: Sequence[FindingRow], colours: Sequence[Colour | None], isBusy: bool
    ) -> None:
        """Show a report and its findings; `colours` has one for every row. The text is read-only during a run."""
        self._ui.reportTextEdit.readOnly = isBusy
        if not self._pause.active:
            self._showText(text)
        isCurrent = reading.isOf(self._text)
        self._rows = rows if isCurrent else ()
        shown = list(zip(self._rows, colours, strict=False))
        self._table.show(self._rows, [colour for _row, colour in shown])
        self._explanation.show(self._table.selectedRow)
        self._highlighter.show(self._text, _highlights(reading, shown) if isCurrent else [])
        self._ui.readingLabel.text = _summary(self._text, reading, isCurrent)

    def flush(self) -> None:
        """Tell a changed text now instead of after the pause."""
        if self._pause.active:
            self._tellText()

    def close(self) -> None:
        """Stop listening."""
        self._pause.stop()

    def _showText(self, text: str) -> None:
        if text == self._text:
            return
        self._text = text
        wasBlocked = self._ui.reportTextEdit.blockSignals(True)
        self._ui.reportTextEdit.setPlainText(text)
        self._ui.reportTextEdit.blockSignals(wasBlocked)

    def _boxText(self) -> str:
        """The letters in the box. toPlainText would turn no-break spaces into common ones."""
        return self._ui.reportTextEdit.document.toRawText().replace("\u2029", "\n").replace("\u2028", "\n")

    def _onTextChanged(self) -> None:
        if self._boxText() != _asInBox(self._text):  # else only colours changed
            self._pause.start()

    def _tellText(self) -> None:
        self._pause.stop()
        self._text = self._boxText()
        self._onText(self._text)

    def _onTableRow(self, row: FindingRow) -> None:
        self._explanation.show(row)
        if row.finding is not None:
            self._scrollTo(row.finding.evidence[0])
        self._onRow(row)

    def _scrollTo(self, span: Span) -> None:
        """Bring the whole span into sight, its start for sure."""
        positions = documentPositions(self._text)
        cursor = self._ui.reportTextEdit.textCursor()
        wasBlocked = self._ui.reportTextEdit.blockSignals(True)
        for position in reversed(span):
            cursor.setPosition(positions[position])
            self._ui.reportTextEdit.setTextCursor(cursor)
            self._ui.reportTextEdit.ensureCursorVisible()
        self._ui.reportTextEdit.blockSignals(wasBlocked)

    def _onCursorMoved(self) -> None:
        if self._pause.active or not self._ui.reportTextEdit.hasFocus():
            return
        position = bisect_right(documentPositions(self._text), self._ui.reportTextEdit.textCursor().position()) - 1
        for number, row in enumerate(self._rows):
            if row.finding is not None and any(start <= position < end for start, end in row.finding.evidence):
                self._table.select(number)
                return


def _asInBox(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _highlights(reading: Reading, rows: Sequence[tuple[FindingRow, Colour | None]]) -> list[Highlight]:
    highlights = [Highlight(span, isGrey=True) for span in reading.clearedSpans]
    for row, colour in rows:
        if row.finding is None:
            continue
        look = {"colour": colour, "isHedged": row.finding.isHedged, "isGrey": not row.finding.isLesion}
        highlights += [Highlight(span, **look) for span in (*row.finding.evidence, *row.finding.valueSpans)]
    return highlights


def _summary(text: str, reading: Reading, isCurrent: bool) -> str:
    if not text.strip():
        return _("Paste the report above. It stays on this computer, and is saved with the scene.")
    if not isCurrent:
        return _("Reading …")
    if not reading.isRead:
        return reading.reason
    others = len(reading.findings) - len(reading.lesions)
    found = _("Findings that are lesions now: {count}.").format(count=len(reading.lesions))
    grey = _("Negated, earlier or resected: {count}.").format(count=others) if others else ""
    return f"{found} {grey}".rstrip()
