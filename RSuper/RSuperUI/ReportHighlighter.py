"""Colours behind the words of a report; the words stay as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import qt

from RSuperUI.Finding import Span


@dataclass(frozen=True)
class Highlight:
    """How to show some characters.

    Attributes:
        span: first and last + 1 character, in code points.
        colour: red, green, blue (0 to 1) behind the words; None = none.
        isHedged: dashed line under the words: the report is not sure.
        isGrey: grey words: negated, or not there any more.
    """

    span: Span
    colour: tuple[float, float, float] | None = None
    isHedged: bool = False
    isGrey: bool = False


class ReportHighlighter:
    """Shows highlights in a text box.

    PythonQt has no `QTextEdit.ExtraSelection`, so the characters' formats are set. They are made part of the user's
    last edit: undo takes back the edit, not the colours before it.

    Args:
        textEdit: the text box.
    """

    #: How strong the colour behind words is: readable on light and on dark pages.
    OPACITY = 0.45

    def __init__(self, textEdit: qt.QTextEdit) -> None:
        self._textEdit = textEdit
        self._shown: tuple[str, list[Highlight]] = ("", [])

    def show(self, text: str, highlights: Iterable[Highlight]) -> None:
        """Show these highlights and no others; of two on the same words the shorter one wins.

        Args:
            text: the report that the spans count in, of which the box shows the same letters.
            highlights: what to show.
        """
        wanted = (text, sorted(highlights, key=lambda one: one.span[0] - one.span[1]))
        if wanted != self._shown:
            self._shown = wanted
            self._apply(*wanted)

    def _apply(self, text: str, highlights: list[Highlight]) -> None:
        positions = documentPositions(text)
        document = self._textEdit.document
        cursor = qt.QTextCursor(document)
        wasBlocked = self._textEdit.blockSignals(True)
        hasHistory = document.isUndoAvailable()
        if not hasHistory:  # there is no edit to be made part of
            document.setUndoRedoEnabled(False)
        cursor.joinPreviousEditBlock()
        cursor.movePosition(qt.QTextCursor.End, qt.QTextCursor.KeepAnchor)
        cursor.setCharFormat(qt.QTextCharFormat())
        for highlight in highlights:
            start, end = highlight.span
            cursor.setPosition(positions[start])
            cursor.setPosition(positions[end], qt.QTextCursor.KeepAnchor)
            cursor.mergeCharFormat(self._format(highlight))
        cursor.endEditBlock()
        if not hasHistory:
            document.setUndoRedoEnabled(True)
        self._textEdit.blockSignals(wasBlocked)

    def _format(self, highlight: Highlight) -> qt.QTextCharFormat:
        charFormat = qt.QTextCharFormat()
        if highlight.colour is not None:
            colour = qt.QColor.fromRgbF(*highlight.colour, self.OPACITY)
            charFormat.setBackground(qt.QBrush(colour))
        if highlight.isHedged:
            charFormat.setUnderlineStyle(qt.QTextCharFormat.DashUnderline)
        if highlight.isGrey:
            grey = self._textEdit.palette.color(qt.QPalette.Disabled, qt.QPalette.Text)
            charFormat.setForeground(qt.QBrush(grey))
        return charFormat


def documentPositions(text: str) -> list[int]:
    """Where each character of a text, and its end, stands in a QTextDocument.

    Qt counts UTF-16 units (two for a letter beyond U+FFFF) and takes "\\r\\n" for one line break.
    """
    positions, position = [], 0
    for index, letter in enumerate(text):
        positions.append(position)
        if not (letter == "\r" and text[index + 1 : index + 2] == "\n"):
            position += 2 if ord(letter) > 0xFFFF else 1
    return [*positions, position]
