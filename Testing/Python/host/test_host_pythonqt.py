"""Qt in the host behaves as PythonQt does in Slicer: one test a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def qt(host: Any) -> Any:
    import qt

    return qt


def test_properties_are_values_and_setters_stay_callable(qt: Any) -> None:
    button = qt.QPushButton("one")
    assert (button.text, button.enabled, button.checked) == ("one", True, False)
    button.setText("two")
    assert button.text == "two"
    button.text = "three"
    assert button.text == "three"
    assert button.isEnabled()


def test_name_is_the_object_name(qt: Any) -> None:
    label = qt.QLabel()
    label.name = "myLabel"
    assert label.objectName == "myLabel"


@pytest.mark.parametrize("attribute", ["note", "_note", "txt"])
def test_new_attributes_on_plain_widgets_are_refused(qt: Any, attribute: str) -> None:
    with pytest.raises(AttributeError, match="creating new attributes on C"):
        setattr(qt.QLabel(), attribute, 1)


def test_new_attributes_on_stand_ins_are_refused(host: Any) -> None:
    import ctk

    with pytest.raises(AttributeError, match="creating new attributes"):
        ctk.ctkSliderWidget().note = 1


def test_derived_classes_have_attributes_but_not_over_qt_names(qt: Any) -> None:
    class Panel(qt.QWidget):
        pass

    panel = Panel()
    panel.note = 1
    assert panel.note == 1
    with pytest.raises(AttributeError, match="not writable"):
        panel.x = 1
    with pytest.raises(AttributeError, match="Slot 'close' can not be overwritten"):
        panel.close = None


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3, 3), (3.9, 3), (True, 1)],
)
def test_numbers_are_converted_as_in_pythonqt(qt: Any, value: float, shown: int) -> None:
    box = qt.QSpinBox()
    box.value = value
    assert box.value == shown


@pytest.mark.parametrize("value", [None, ["a"], Path("/a/b")])
def test_text_properties_take_no_objects(qt: Any, value: object) -> None:
    with pytest.raises(AttributeError, match="does not accept"):
        qt.QLabel().text = value


def test_int_property_takes_no_text(qt: Any) -> None:
    with pytest.raises(AttributeError, match="does not accept"):
        qt.QSpinBox().value = "3"


def test_bool_property_takes_the_truth_of_anything(qt: Any) -> None:
    button = qt.QPushButton()
    button.checkable = ["not empty"]
    assert button.checkable is True


@pytest.mark.parametrize("class_name", ["QFile", "QFileInfo", "QDir", "QPixmap", "QImage"])
def test_paths_are_text(qt: Any, class_name: str, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="takes a str"):
        getattr(qt, class_name)(tmp_path)
    assert getattr(qt, class_name)(str(tmp_path)) is not None


def test_connect_trims_arguments_to_what_the_function_takes(qt: Any) -> None:
    seen: list[object] = []
    button = qt.QPushButton()
    button.checkable = True
    button.connect("clicked(bool)", lambda: seen.append("none"))
    button.connect("clicked(bool)", lambda checked: seen.append(checked))  # noqa: PLW0108 - the argument is the point
    button.connect("clicked()", lambda *values: seen.append(values))
    button.click()
    assert seen == ["none", True, ()]


def test_disconnect_stops_calls(qt: Any) -> None:
    seen: list[int] = []
    button = qt.QPushButton()

    def slot() -> None:
        seen.append(1)

    button.connect("clicked(bool)", slot)
    assert button.disconnect("clicked(bool)", slot)
    button.click()
    assert seen == []


def test_signals_are_attributes_that_connect_and_emit(qt: Any) -> None:
    seen: list[object] = []
    button = qt.QPushButton()

    def slot(checked: bool) -> None:
        seen.append(checked)

    button.clicked.connect(slot)
    button.clicked.connect(lambda: seen.append("none"))
    button.clicked(True)
    assert seen == [True, "none"]
    button.clicked()
    assert seen == [True, "none", False, "none"]
    seen.clear()
    assert button.clicked.disconnect(slot)
    button.click()
    assert seen == ["none"]


@pytest.mark.parametrize("signal", ["clickd()", "clicked(int)", "textChanged(QString)", "clicked"])
def test_connecting_a_wrong_signal_is_an_error(qt: Any, signal: str) -> None:
    with pytest.raises(ValueError, match="does not exist on QPushButton"):
        qt.QPushButton().connect(signal, print)


@pytest.mark.parametrize(
    ("signal", "exists"),
    [
        ("currentNodeChanged(vtkMRMLNode*)", True),
        ("currentNodeChanged(bool)", True),
        ("currentNodeIDChanged(QString)", True),
        ("currentNodeChanged(QString)", False),
        ("currentNodeIdChanged(QString)", False),
    ],
)
def test_signals_of_stand_ins_come_from_the_table(host: Any, signal: str, exists: bool) -> None:
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    if exists:
        assert selector.connect(signal, print)
    else:
        with pytest.raises(ValueError, match="does not exist on qMRMLNodeComboBox"):
            selector.connect(signal, print)


def test_slots_of_stand_ins_check_their_arguments(host: Any) -> None:
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    with pytest.raises(ValueError, match="wrong arguments"):
        selector.setCurrentNode(5.5, 1)
    with pytest.raises(ValueError, match="wrong arguments"):
        selector.setMRMLScene("scene")


def test_members_that_pythonqt_does_not_show_are_missing(host: Any) -> None:
    import ctk

    slider = ctk.ctkSliderWidget()
    for name in ("setMinimum", "setRange", "spinBox", "slider"):  # plain C++ methods, no slots
        with pytest.raises(AttributeError, match="has no attribute"):
            getattr(slider, name)


def test_unknown_classes_are_attribute_errors(host: Any, qt: Any) -> None:
    import ctk
    import slicer

    for module, name in ((ctk, "ctkNoSuchWidget"), (slicer, "qMRMLNoSuchWidget"), (qt, "Signal")):
        with pytest.raises(AttributeError):
            getattr(module, name)


def test_single_shot_is_a_function_of_the_class_and_a_value_of_the_object(host: Any, qt: Any) -> None:
    seen: list[int] = []
    qt.QTimer.singleShot(0, lambda: seen.append(1))
    timer = qt.QTimer()
    assert timer.singleShot is False
    timer.singleShot = True
    assert timer.singleShot is True
    assert host.wait_until(lambda: seen == [1], seconds=2)


def test_children_are_found_by_their_name(qt: Any) -> None:
    parent = qt.QWidget()
    child = qt.QLabel("inner", parent)
    child.objectName = "theLabel"
    assert parent.theLabel.text == "inner"


def test_dynamic_properties_are_attributes(qt: Any) -> None:
    label = qt.QLabel()
    label.setProperty("SlicerParameterName", "threshold")
    assert label.SlicerParameterName == "threshold"


def test_class_name_is_that_of_the_cpp_class(qt: Any) -> None:
    import slicer

    class Special(slicer.qMRMLNodeComboBox):
        pass

    assert Special().className() == "qMRMLNodeComboBox"
    assert qt.QSpinBox().className() == "QSpinBox"


def test_enums_are_on_class_and_object(qt: Any) -> None:
    table = qt.QTableWidget(1, 1)
    table.setSelectionMode(table.NoSelection)
    assert table.selectionMode == qt.QAbstractItemView.NoSelection
    label = qt.QLabel()
    label.alignment = qt.Qt.AlignRight | qt.Qt.AlignVCenter
    assert label.alignment == qt.Qt.AlignRight | qt.Qt.AlignVCenter


def test_an_exception_in_a_slot_is_recorded(qt: Any, expected_failures: Any) -> None:
    button = qt.QPushButton()
    button.connect("clicked()", lambda: {}["missing"])
    button.click()
    (failure,) = expected_failures()
    assert "KeyError" in failure


def test_an_exception_in_a_timer_is_recorded(host: Any, qt: Any, expected_failures: Any) -> None:
    qt.QTimer.singleShot(0, lambda: 1 / 0)
    host.settle(20)
    (failure,) = expected_failures()
    assert "ZeroDivisionError" in failure


def test_an_exception_in_an_observer_is_recorded(host: Any, expected_failures: Any) -> None:
    import slicer

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTextNode")
    node.AddObserver("ModifiedEvent", lambda *_: {}["missing"])
    node.SetText("new")
    assert any("KeyError" in failure for failure in expected_failures())


def test_a_dialog_that_nobody_answers_is_recorded(qt: Any, expected_failures: Any) -> None:
    assert qt.QFileDialog.getOpenFileName(None, "Choose a report") == ""
    (failure,) = expected_failures()
    assert "Choose a report" in failure
