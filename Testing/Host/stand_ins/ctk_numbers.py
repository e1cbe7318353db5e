"""Number widgets of ctk: spin box, slider with spin box, range with two spin boxes."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

from ..stand_in import Computed, Stored, inner, private, setter, stand_in

_STEPS = 10000


def _row(widget: QWidget, *parts: QWidget) -> None:
    layout = QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        layout.addWidget(part)


def _spin_box(parent: QWidget, maximum: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox(parent)
    box.maximum = maximum
    return box


@stand_in
class ctkDoubleSpinBox(QWidget):
    valueChanged = Signal((float,), (str,))
    editingFinished = Signal()
    decimalsChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        box = private(self).box = _spin_box(self, 99.99)
        box.valueChanged.connect(self._changed)
        box.editingFinished.connect(self.editingFinished)
        _row(self, box)

    def _changed(self, value: float) -> None:
        self.valueChanged[float].emit(value)
        self.valueChanged[str].emit(private(self).box.text)

    value = inner("double", "box.value")
    minimum = inner("double", "box.minimum")
    maximum = inner("double", "box.maximum")
    singleStep = inner("double", "box.singleStep")
    prefix = inner("QString", "box.prefix")
    suffix = inner("QString", "box.suffix")
    readOnly = inner("bool", "box.readOnly")
    cleanText = Computed("QString", lambda self: private(self).box.cleanText)
    setValue = setter("value")
    setReadOnly = setter("readOnly")

    def _set_decimals(self, count: int) -> None:
        private(self).box.decimals = count
        self.decimalsChanged.emit(count)

    decimals = Computed("int", lambda self: private(self).box.decimals, _set_decimals)
    setDecimals = setter("decimals")

    def stepUp(self) -> None:
        private(self).box.stepUp()

    def stepDown(self) -> None:
        private(self).box.stepDown()


@stand_in
class ctkSliderWidget(QWidget):
    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.slider, state.box = QSlider(Qt.Orientation.Horizontal, self), _spin_box(self, 99)
        state.slider.maximum = _STEPS
        state.box.valueChanged.connect(self._on_box)
        state.slider.valueChanged.connect(self._on_slider)
        _row(self, state.slider, state.box)

    def _on_box(self, value: float) -> None:
        self._show_position()
        self.valueChanged.emit(value)

    def _on_slider(self, position: int) -> None:
        box = private(self).box
        value = box.minimum + (box.maximum - box.minimum) * position / _STEPS
        self.valueIsChanging.emit(value)
        box.value = value

    def _show_position(self) -> None:
        state = private(self)
        span = state.box.maximum - state.box.minimum
        blocker = QSignalBlocker(state.slider)
        state.slider.value = round(_STEPS * (state.box.value - state.box.minimum) / span) if span else 0
        blocker.unblock()

    def _set_limit(self, name: str, value: float) -> None:
        setattr(private(self).box, name, value)
        self._show_position()

    value = inner("double", "box.value")
    minimum = Computed(
        "double", lambda self: private(self).box.minimum, lambda self, value: self._set_limit("minimum", value)
    )
    maximum = Computed(
        "double", lambda self: private(self).box.maximum, lambda self, value: self._set_limit("maximum", value)
    )
    singleStep = inner("double", "box.singleStep")
    prefix = inner("QString", "box.prefix")
    suffix = inner("QString", "box.suffix")
    pageStep = Stored("double", 10.0)
    tickInterval = Stored("double", 0.0)
    tracking = inner("bool", "slider.tracking")
    invertedAppearance = inner("bool", "slider.invertedAppearance")
    popupSlider = Stored("bool", False)
    setValue = setter("value")

    def _set_decimals(self, count: int) -> None:
        private(self).box.decimals = count
        self.decimalsChanged.emit(count)

    decimals = Computed("int", lambda self: private(self).box.decimals, _set_decimals)
    setDecimals = setter("decimals")
    spinBoxVisible = Computed(
        "bool",
        lambda self: not private(self).box.isHidden(),
        lambda self, visible: private(self).box.setVisible(visible),
    )
    setSpinBoxVisible = setter("spinBoxVisible")

    def reset(self) -> None:
        private(self).box.value = private(self).box.minimum


@stand_in
class ctkRangeWidget(QWidget):
    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    valuesChanged = Signal(float, float)
    rangeChanged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        state = private(self)
        state.low, state.high = _spin_box(self, 99), _spin_box(self, 99)
        state.high.value = 99
        state.low.valueChanged.connect(self._on_low)
        state.high.valueChanged.connect(self._on_high)
        _row(self, state.low, state.high)

    def _on_low(self, value: float) -> None:
        private(self).high.value = max(value, private(self).high.value)
        self.minimumValueChanged.emit(value)
        self.valuesChanged.emit(value, private(self).high.value)

    def _on_high(self, value: float) -> None:
        private(self).low.value = min(value, private(self).low.value)
        self.maximumValueChanged.emit(value)
        self.valuesChanged.emit(private(self).low.value, value)

    def _set_both(self, name: str, value: Any) -> None:
        for box in (private(self).low, private(self).high):
            setattr(box, name, value)
        if name in ("minimum", "maximum"):
            self.rangeChanged.emit(self.minimum, self.maximum)

    minimumValue = inner("double", "low.value")
    maximumValue = inner("double", "high.value")
    minimum = Computed(
        "double", lambda self: private(self).low.minimum, lambda self, value: self._set_both("minimum", value)
    )
    maximum = Computed(
        "double", lambda self: private(self).high.maximum, lambda self, value: self._set_both("maximum", value)
    )
    singleStep = Computed(
        "double", lambda self: private(self).low.singleStep, lambda self, value: self._set_both("singleStep", value)
    )
    decimals = Computed(
        "int", lambda self: private(self).low.decimals, lambda self, value: self._set_both("decimals", value)
    )
    prefix = Computed(
        "QString", lambda self: private(self).low.prefix, lambda self, value: self._set_both("prefix", value)
    )
    suffix = Computed(
        "QString", lambda self: private(self).low.suffix, lambda self, value: self._set_both("suffix", value)
    )
    tickInterval = Stored("double", 0.0)
    tracking = Stored("bool", True)
    symmetricMoves = Stored("bool", False)
    setMinimumValue = setter("minimumValue")
    setMaximumValue = setter("maximumValue")
    setDecimals = setter("decimals")

    def setRange(self, low: float, high: float) -> None:
        self.minimum, self.maximum = low, high

    def setValues(self, low: float, high: float) -> None:
        self.minimumValue, self.maximumValue = low, high

    def reset(self) -> None:
        self.setValues(self.minimum, self.maximum)


@stand_in
class ctkDoubleSlider(QWidget):
    valueChanged = Signal(float)
    sliderMoved = Signal(float)
    sliderPressed = Signal()
    sliderReleased = Signal()
    rangeChanged = Signal(float, float)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(next((value for value in arguments if isinstance(value, QWidget)), None))
        state = private(self)
        state.slider, state.low, state.high = QSlider(Qt.Orientation.Horizontal, self), 0.0, 99.0
        state.slider.maximum = _STEPS
        state.slider.valueChanged.connect(lambda _: self.valueChanged.emit(self.value))
        for name in ("sliderPressed", "sliderReleased"):
            getattr(state.slider, name).connect(getattr(self, name))
        _row(self, state.slider)

    def _value(self) -> float:
        state = private(self)
        return float(state.low + (state.high - state.low) * state.slider.value / _STEPS)

    def _set_value(self, value: float) -> None:
        state = private(self)
        span = state.high - state.low
        state.slider.value = round(_STEPS * (value - state.low) / span) if span else 0

    def _set_limit(self, name: str, limit: float) -> None:
        value = self.value
        setattr(private(self), name, limit)
        self._set_value(value)
        self.rangeChanged.emit(self.minimum, self.maximum)

    value = Computed("double", _value, _set_value)
    minimum = Computed("double", lambda self: private(self).low, lambda self, limit: self._set_limit("low", limit))
    maximum = Computed("double", lambda self: private(self).high, lambda self, limit: self._set_limit("high", limit))
    orientation = inner("Qt::Orientation", "slider.orientation")
    tracking = inner("bool", "slider.tracking")
    singleStep = Stored("double", 1.0)
    pageStep = Stored("double", 10.0)
    tickInterval = Stored("double", 0.0)
    setValue = setter("value")
    setOrientation = setter("orientation")


@stand_in
class ctkDoubleRangeSlider(QWidget):
    """Shown as two boxes; the real one is a slider with two handles."""

    minimumValueChanged = Signal(float)
    maximumValueChanged = Signal(float)
    valuesChanged = Signal(float, float)
    rangeChanged = Signal(float, float)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(next((value for value in arguments if isinstance(value, QWidget)), None))
        pair = private(self).pair = ctkRangeWidget(self)
        for name in ("minimumValueChanged", "maximumValueChanged", "valuesChanged", "rangeChanged"):
            getattr(pair, name).connect(getattr(self, name))
        _row(self, pair)

    minimum = inner("double", "pair.minimum")
    maximum = inner("double", "pair.maximum")
    minimumValue = inner("double", "pair.minimumValue")
    maximumValue = inner("double", "pair.maximumValue")
    singleStep = inner("double", "pair.singleStep")
    tracking = inner("bool", "pair.tracking")
    setMinimumValue = setter("minimumValue")
    setMaximumValue = setter("maximumValue")

    def setRange(self, low: float, high: float) -> None:
        private(self).pair.setRange(low, high)

    def setValues(self, low: float, high: float) -> None:
        private(self).pair.setValues(low, high)


@stand_in
class qMRMLRangeWidget(ctkRangeWidget):
    quantity = Stored("QString", "")
    setQuantity = setter("quantity")

    def setMRMLScene(self, scene: Any) -> None:
        private(self).scene = scene
