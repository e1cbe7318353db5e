"""The findings of a report as a table, with what the mask shows of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import qt
from slicer.i18n import tr as _

from RSuperUI.FindingRow import FindingRow, stateName

Colour = tuple[float, float, float]
#: Agreement states that ask for a look.
_OPEN_STATES = ("missing", "differs", "extra", "cannot tell")


class FindingsTable:
    """One row per finding, in the colour of its lesion; findings that are no lesions now are grey.

    Args:
        table: the table widget; its columns come from the .ui file.
        onSelected: called with a row that the user selected, by mouse or keyboard.
    """

    ORGAN, PLACE, SIZE, COUNT, PRESENCE, STATE = range(6)

    def __init__(self, table: qt.QTableWidget, onSelected: Callable[[FindingRow], None]) -> None:
        self._table = table
        self._onSelected = onSelected
        self._rows: list[FindingRow] = []
        self._shown: object = None
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(self.PLACE, qt.QHeaderView.Stretch)
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        table.verticalHeader().setVisible(False)
        table.connect("itemSelectionChanged()", self._onSelectionChanged)

    def show(self, rows: Sequence[FindingRow], colours: Sequence[Colour | None]) -> None:
        """Show these rows; `colours` has the colour of each row's lesion, None where there is none."""
        if (rows, colours) == self._shown:
            return
        self._shown = (rows, colours)
        self._rows = list(rows)
        wasBlocked = self._table.blockSignals(True)
        self._table.setRowCount(len(rows))
        for number, (row, colour) in enumerate(zip(rows, colours, strict=True)):
            self._fill(number, row, colour)
        self._table.blockSignals(wasBlocked)

    @property
    def selectedRow(self) -> FindingRow | None:
        """The row that is selected, if any."""
        selected = self._table.currentRow()
        return self._rows[selected] if 0 <= selected < len(self._rows) and self._table.selectedItems() else None

    def select(self, number: int) -> None:
        """Select a row as if the user had."""
        self._table.selectRow(number)

    def _fill(self, number: int, row: FindingRow, colour: Colour | None) -> None:
        texts = [row.organ, row.place, row.size, row.count, row.presence, stateName(row.state)]
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(_tip(row))
            if row.finding is not None and not row.finding.isLesion:
                grey = self._table.palette.color(qt.QPalette.Disabled, qt.QPalette.Text)
                item.setForeground(qt.QBrush(grey))
            if column == self.ORGAN and colour is not None:
                item.setData(qt.Qt.DecorationRole, qt.QColor.fromRgbF(*colour))
            if column == self.STATE and row.state in _OPEN_STATES:
                font = item.font()
                font.setBold(True)
                item.setFont(font)
            self._table.setItem(number, column, item)

    def _onSelectionChanged(self) -> None:
        row = self.selectedRow
        if row is not None:
            self._onSelected(row)


def _tip(row: FindingRow) -> str:
    """What the report says, and why the state is what it is."""
    quote = [_("Report: “{quote}”").format(quote=row.finding.quote)] if row.finding is not None else []
    return "\n".join([*quote, *row.reasons])
