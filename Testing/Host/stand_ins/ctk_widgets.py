"""Sections, choices and small inputs of ctk."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QStandardItem
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QColorDialog,
    QComboBox,
    QFileDialog,
    QGroupBox,
    QHBoxLayout,
    QLayout,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QStyle,
    QStyleOptionButton,
    QTextBrowser,
    QToolButton,
    QWidget,
)

from ..stand_in import Computed, Stored, private, setter, stand_in

_HEADER = 26


def _show_contents(section: QWidget, visible: bool) -> None:
    for child in section.children():
        if isinstance(child, QWidget):
            child.setVisible(visible)


@stand_in
class ctkCollapsibleButton(QAbstractButton):
    """A section under a button that folds it; drawn like CTK's, with an arrow before the text."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *arguments: object) -> None:
        parent = next((value for value in arguments if isinstance(value, QWidget)), None)
        super().__init__(parent)
        self.text = next((value for value in arguments if isinstance(value, str)), "")
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, _HEADER, 0, 0)
        self.toggled.connect(self._fold)

    def _fold(self, open_: bool) -> None:
        _show_contents(self, open_)
        self.setMaximumHeight(16777215 if open_ else _HEADER)
        self.contentsCollapsed.emit(not open_)

    collapsed = Computed("bool", lambda self: not self.checked, lambda self, value: self.setChecked(not value))
    collapsedHeight = Stored("int", 14)
    flat = Stored("bool", False)
    contentsFrameShape = Stored("QFrame::Shape", 0)
    contentsFrameShadow = Stored("QFrame::Shadow", 0)
    contentsLineWidth = Stored("int", 1)
    contentsMidLineWidth = Stored("int", 0)
    buttonTextAlignment = Stored("Qt::Alignment", Qt.AlignmentFlag.AlignLeft)
    indicatorAlignment = Stored("Qt::Alignment", Qt.AlignmentFlag.AlignLeft)

    def hitButton(self, position: object) -> bool:
        return 0 <= position.y() < _HEADER  # type: ignore[attr-defined]

    def paintEvent(self, event: object) -> None:
        painter = QPainter(self)
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect = QRect(0, 0, self.width, _HEADER)
        option.text = ""
        style = self.style()
        style.drawControl(QStyle.ControlElement.CE_PushButton, option, painter, self)
        arrow = (
            QStyle.PrimitiveElement.PE_IndicatorArrowDown
            if self.checked
            else QStyle.PrimitiveElement.PE_IndicatorArrowRight
        )
        option.rect = QRect(6, (_HEADER - 12) // 2, 12, 12)
        style.drawPrimitive(arrow, option, painter, self)
        box = QRect(24, 0, self.width - 28, _HEADER)
        style.drawItemText(
            painter, box, Qt.AlignmentFlag.AlignVCenter, self.palette, self.enabled, self.text, self.foregroundRole()
        )
        painter.end()


@stand_in
class ctkCollapsibleGroupBox(QGroupBox):
    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.setCheckable(True)
        self.toggled.connect(lambda open_: _show_contents(self, open_))

    collapsed = Computed("bool", lambda self: not self.checked, lambda self, value: self.setChecked(not value))
    collapsedHeight = Stored("int", 14)


@stand_in
class ctkPushButton(QPushButton):
    buttonTextAlignment = Stored("Qt::Alignment", Qt.AlignmentFlag.AlignCenter)
    iconAlignment = Stored("Qt::Alignment", Qt.AlignmentFlag.AlignLeft)
    elideMode = Stored("Qt::TextElideMode", Qt.TextElideMode.ElideNone)


@stand_in
class ctkMenuButton(QPushButton):
    """Has no members of its own; `setMenu` and the rest are QPushButton's."""


@stand_in
class ctkCheckBox(QCheckBox):
    indicatorIcon = Stored("QIcon", None)
    indicatorIconSize = Stored("QSize", None)


@stand_in
class ctkColorPickerButton(QPushButton):
    colorChanged = Signal(QColor)
    colorNameChanged = Signal(str)

    def _set_color(self, color: QColor) -> None:
        if QColor(color) != self.color:
            private(self).color = QColor(color)
            self.setStyleSheet(f"background-color: {self.color.name()}")
            self.colorChanged.emit(self.color)
            self.colorNameChanged.emit(self.color.name())

    color = Computed("QColor", lambda self: getattr(private(self), "color", QColor("black")), _set_color)
    colorName = Computed("QString", lambda self: self.color.name(), lambda self, name: self._set_color(QColor(name)))
    displayColorName = Stored("bool", True)
    setColor = setter("color")

    def changeColor(self) -> None:
        color = QColorDialog.getColor(self.color, self)
        if color.isValid():
            self.color = color


@stand_in
class ctkComboBox(QComboBox):
    returnRelease = Signal()
    defaultText = Stored("QString", "", after="_show_default")
    defaultIcon = Stored("QIcon", None)
    forceDefault = Stored("bool", False)
    elideMode = Stored("Qt::TextElideMode", Qt.TextElideMode.ElideNone)
    scrollWheelEffect = Stored("ScrollEffect", 1)

    def _show_default(self) -> None:
        self.setPlaceholderText(self.defaultText)

    def _select_data(self, data: str) -> None:
        self.setCurrentIndex(self.findData(data))

    currentUserDataAsString = Computed("QString", lambda self: str(self.currentData or ""), _select_data)
    setCurrentUserDataAsString = setter("currentUserDataAsString")


@stand_in
class ctkCheckableComboBox(QComboBox):
    checkedIndexesChanged = Signal()
    returnRelease = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model().rowsInserted.connect(self._make_checkable)
        self.model().dataChanged.connect(lambda *_: self.checkedIndexesChanged.emit())

    def _make_checkable(self, parent: QModelIndex, first: int, last: int) -> None:
        for row in range(first, last + 1):
            item: QStandardItem = self.model().item(row)
            item.setCheckable(True)

    def checkableModel(self) -> object:
        return self.model()

    def checkedIndexes(self) -> list[QModelIndex]:
        indexes = [self.model().index(row, 0) for row in range(self.count)]
        return [index for index in indexes if self.checkState(index) == Qt.CheckState.Checked]

    def allChecked(self) -> bool:
        return len(self.checkedIndexes()) == self.count

    def noneChecked(self) -> bool:
        return not self.checkedIndexes()

    def checkState(self, index: QModelIndex) -> Qt.CheckState:
        return self.model().itemFromIndex(index).checkState()

    def setCheckState(self, index: QModelIndex, state: Qt.CheckState) -> None:
        self.model().itemFromIndex(index).setCheckState(state)


@stand_in
class ctkPathLineEdit(QWidget):
    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.combo, state.button = QComboBox(self), QToolButton(self)
        state.combo.setEditable(True)
        state.button.text = "..."
        state.button.connect("clicked()", self.browse)
        state.combo.lineEdit().textChanged.connect(self.currentPathChanged)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(state.combo, 1)
        layout.addWidget(state.button)

    def _set_path(self, path: str) -> None:
        private(self).combo.setEditText(path)

    currentPath = Computed("QString", lambda self: private(self).combo.currentText, _set_path)
    setCurrentPath = setter("currentPath")
    filters = Stored("Filters", 0)
    options = Stored("QFileDialog::Options", 0)
    label = Stored("QString", "")
    nameFilters = Stored("QStringList", [])
    settingKey = Stored("QString", "")
    showHistoryButton = Stored("bool", True)
    sizeAdjustPolicy = Stored("SizeAdjustPolicy", 0)
    minimumContentsLength = Stored("int", 0)
    showBrowseButton = Computed(
        "bool",
        lambda self: not private(self).button.isHidden(),
        lambda self, value: private(self).button.setVisible(value),
    )
    Dirs, Files, Drives, NoSymLinks, Readable, Writable, Executable, Hidden, NoDot, NoDotDot = (
        *(0x001, 0x002, 0x004, 0x008, 0x010, 0x020, 0x040, 0x100),
        *(0x2000, 0x4000),
    )

    def comboBox(self) -> QComboBox:
        return private(self).combo  # type: ignore[no-any-return]

    def browse(self) -> None:
        chosen = (
            QFileDialog.getOpenFileName(self, self.label, self.currentPath, ";;".join(self.nameFilters))
            if self.filters & self.Files
            else QFileDialog.getExistingDirectory(self, self.label, self.currentPath)
        )
        if chosen:
            self.currentPath = chosen

    def addCurrentPathToHistory(self) -> None:
        private(self).combo.addItem(self.currentPath)

    def retrieveHistory(self) -> None:
        """Slicer reads the paths of earlier sessions; the host has none."""


@stand_in
class ctkDirectoryButton(QWidget):
    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, *arguments: object) -> None:
        parent = next((value for value in arguments if isinstance(value, QWidget)), None)
        super().__init__(parent)
        button = private(self).button = QPushButton(self)
        button.connect("clicked()", self.browse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(button)

    def _set_directory(self, path: str) -> None:
        private(self).button.text = path
        self.directoryChanged.emit(path)

    directory = Computed("QString", lambda self: private(self).button.text, _set_directory)
    caption = Stored("QString", "")

    def browse(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.caption, self.directory)
        if chosen:
            self.directory = chosen
            self.directorySelected.emit(chosen)


@stand_in
class ctkSearchBox(QLineEdit):
    showSearchIcon = Stored("bool", False)


@stand_in
class ctkMessageBox(QMessageBox):
    dontShowAgain = Stored("bool", False)
    dontShowAgainSettingsKey = Stored("QString", "")
    dontShowAgainVisible = Stored("bool", False)
    setDontShowAgain = setter("dontShowAgain")


@stand_in
class ctkCheckablePushButton(ctkPushButton):
    """A push button with a check box in it; here the box is drawn as a mark before the text."""

    checkBoxToggled = Signal(bool)
    checkStateChanged = Signal(Qt.CheckState)

    def _set_state(self, state: Qt.CheckState) -> None:
        if state != self.checkState:
            private(self).check_state = state
            self.checkBoxToggled.emit(state == Qt.CheckState.Checked)
            self.checkStateChanged.emit(state)

    checkState = Computed(
        "Qt::CheckState", lambda self: getattr(private(self), "check_state", Qt.CheckState.Unchecked), _set_state
    )
    indicatorAlignment = Stored("Qt::Alignment", Qt.AlignmentFlag.AlignLeft)
    checkBoxControlsButton = Stored("bool", True)
    checkBoxControlsButtonToggleState = Stored("bool", True)
    checkBoxUserCheckable = Stored("bool", True)


@stand_in
class ctkFlowLayout(QLayout):
    """Items from left to right, a new row where one is full."""

    orientation = Stored("Qt::Orientation", Qt.Orientation.Horizontal)
    preferredExpandingDirections = Stored("Qt::Orientations", Qt.Orientation.Horizontal | Qt.Orientation.Vertical)
    alignItems = Stored("bool", True)
    horizontalSpacing = Stored("int", 6)
    verticalSpacing = Stored("int", 6)

    def addItem(self, item: object) -> None:
        private(self).__dict__.setdefault("items", []).append(item)

    def count(self) -> int:
        return len(private(self).__dict__.get("items", []))

    def itemAt(self, index: int) -> object:
        items = private(self).__dict__.get("items", [])
        return items[index] if 0 <= index < len(items) else None

    def takeAt(self, index: int) -> object:
        return private(self).items.pop(index) if self.itemAt(index) is not None else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rectangle: QRect) -> None:
        super().setGeometry(rectangle)
        self._place(rectangle, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        size = QSize(0, 0)
        for index in range(self.count()):
            size = size.expandedTo(self.itemAt(index).minimumSize())
        return size

    def _place(self, rectangle: QRect, *, move: bool) -> int:
        x, y, row = rectangle.x(), rectangle.y(), 0
        for index in range(self.count()):
            item = self.itemAt(index)
            size = item.sizeHint()
            if x + size.width() > rectangle.right() and row > 0:
                x, y, row = rectangle.x(), y + row + self.verticalSpacing, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x, row = x + size.width() + self.horizontalSpacing, max(row, size.height())
        return y + row - rectangle.y()


@stand_in
class ctkFittedTextBrowser(QTextBrowser):
    """Text that is as high as it is long; the real one also folds what follows `setCollapsibleText`'s first lines."""

    collapsed = Stored("bool", True)
    disableMouseScroll = Stored("bool", True)
    showDetailsText = Stored("QString", "Show details...")
    hideDetailsText = Stored("QString", "Hide details")

    def setCollapsibleText(self, text: str) -> None:
        private(self).text = text
        self.setText(text)

    def setCollapsibleHtml(self, text: str) -> None:
        private(self).text = text
        self.setHtml(text)

    def collapsibleText(self) -> str:
        return getattr(private(self), "text", "")
