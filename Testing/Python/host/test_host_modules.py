"""A scripted module in the host: made, opened, tested, reloaded, photographed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]

SOURCE = """
import qt, slicer
from slicer.i18n import tr as _
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin

class {name}(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("The {{name}} module").format(name="{name}")

class {name}Widget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.calls = []

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        form = slicer.util.loadUI(self.resourcePath("UI/{name}.ui"))
        self.layout.addWidget(form)
        self.ui = slicer.util.childWidgetVariables(form)
        form.setMRMLScene(slicer.mrmlScene)
        self.ui.button.connect("clicked(bool)", self.onButton)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, lambda *_: self.calls.append("close"))
        self.calls.append("setup")

    def onButton(self):
        {on_button}

    def enter(self):
        self.calls.append("enter")

    def exit(self):
        self.calls.append("exit")

    def cleanup(self):
        self.calls.append("cleanup")
        self.removeObservers()

class {name}Logic(ScriptedLoadableModuleLogic):
    pass

class {name}Test(ScriptedLoadableModuleTest):
    def test_button(self):
        widget = slicer.modules.{name}Widget
        volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
        self.assertEqual(widget.ui.selector.currentNode(), volume)
        widget.ui.button.click()
        self.assertEqual(widget.ui.answer.text, "CT")
        node = {name}Logic().getParameterNode()
        node.SetParameter("threshold", "3")
        self.assertEqual({name}Logic().getParameterNode().GetParameter("threshold"), "3")
"""
FORM = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0"><class>Panel</class>
<widget class="qMRMLWidget" name="Panel"><layout class="QFormLayout" name="form">
<item row="0" column="0"><widget class="QLabel" name="label"><property name="text"><string>Volume:</string></property>
</widget></item>
<item row="0" column="1"><widget class="qMRMLNodeComboBox" name="selector">
<property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
<property name="addEnabled"><bool>false</bool></property><property name="removeEnabled"><bool>false</bool></property>
</widget></item>
<item row="1" column="0"><widget class="QPushButton" name="button"><property name="text"><string>Apply</string>
</property></widget></item>
<item row="1" column="1"><widget class="QLabel" name="answer"/></item>
</layout></widget>
<customwidgets>
<customwidget><class>qMRMLWidget</class><extends>QWidget</extends><header>qMRMLWidget.h</header></customwidget>
<customwidget><class>qMRMLNodeComboBox</class><extends>QWidget</extends><header>q.h</header></customwidget>
</customwidgets>
<connections>CONNECTION</connections></ui>
"""
CONNECTION = """<connection><sender>Panel</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
<receiver>selector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection>"""
ANSWER = "self.ui.answer.text = self.ui.selector.currentNode().GetName()"


@pytest.fixture
def make(write_module: Callable[..., Path]) -> Callable[..., Path]:
    def make_module(name: str, on_button: str = ANSWER, connection: str = CONNECTION) -> Path:
        source = SOURCE.format(name=name, on_button=on_button)
        return write_module(name, source, FORM.replace("CONNECTION", connection))

    return make_module


def _command_line(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "Testing.Host", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_line_tests_and_photographs(needs_host: None, make: Callable[..., Path], tmp_path: Path) -> None:
    from PySide6.QtGui import QImage

    path = make("HostSample")
    options = (
        "--test",
        "--json",
        "--screenshot",
        tmp_path / "shots",
        "--style",
        "light",
        "--scale",
        2,
        "--size",
        "900x600",
    )
    result = _command_line("--module", path, *options)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[0])
    assert (report["module"], report["passed"], report["failures"]) == ("HostSample", True, [])
    image = QImage(str(tmp_path / "shots" / "HostSample-light-2x.png"))
    assert (image.width(), image.height()) == (1800, 1200)
    panel = image.pixelColor(100, 1000)
    assert (panel.red(), panel.green(), panel.blue()) == (239, 239, 239)


@pytest.mark.parametrize(
    ("name", "on_button", "complaint"),
    [
        ("HostRaises", "raise RuntimeError('from the slot')", "from the slot"),
        ("HostMisspells", "self.ui.answer.txt = 'CT'", "'txt' does not exist on QLabel"),
        ("HostFails", "self.ui.answer.text = 'MR'", "'MR' != 'CT'"),
        ("HostMisconnects", "self.ui.button.connect('pressd()', print)", "signal 'pressd()' does not exist"),
    ],
)
def test_a_self_test_fails_on_what_slicer_only_prints(
    host: Any,
    make: Callable[..., Path],
    expected_failures: Callable[[], list[str]],
    name: str,
    on_button: str,
    complaint: str,
) -> None:
    host.load(make(name, on_button))
    host.open(name)
    result = host.run_test(name)
    expected_failures()
    assert not result.passed
    assert any(complaint in failure for failure in result.failures)


def test_the_command_line_reports_failure_and_still_cleans_up(
    needs_host: None, make: Callable[..., Path], tmp_path: Path
) -> None:
    path, witness = make("HostSample", "raise RuntimeError('from the slot')"), tmp_path / "witness"
    path.write_text(path.read_text().replace('self.calls.append("cleanup")', f'open({str(witness)!r}, "w").close()'))
    result = _command_line("--module", path, "--test")
    assert result.returncode == 1
    assert "from the slot" in result.stderr
    assert "FAILED" in result.stdout
    assert witness.exists()


def test_life_cycle(host: Any, make: Callable[..., Path]) -> None:
    import slicer

    host.load(make("HostLife"))
    widget = host.open("HostLife")
    assert slicer.modules.HostLifeWidget is widget
    assert slicer.modules.hostlife.title == "The HostLife module"
    assert widget.calls == ["setup", "enter"]
    assert widget.parent.isEntered
    assert slicer.util.getModuleWidget("HostLife") is widget
    slicer.mrmlScene.Clear(0)
    slicer.util.selectModule("Volumes")
    assert widget.calls == ["setup", "enter", "close", "exit"]
    assert host.open("HostLife") is widget


def test_reload_makes_a_new_panel_of_the_changed_file(host: Any, make: Callable[..., Path]) -> None:
    import slicer

    path = make("HostReload")
    host.load(path)
    old = host.open("HostReload")
    path.write_text(path.read_text().replace('"setup"', '"new setup"'))
    old.onReload()
    host.settle()
    new = slicer.modules.HostReloadWidget
    assert old.calls[-1] == "cleanup"
    assert new is not old
    assert new.calls == ["new setup"]
    assert new.parent is old.parent


def test_a_form_without_its_scene_connection_shows_no_nodes(host: Any, make: Callable[..., Path]) -> None:
    import slicer

    host.load(make("HostBare", connection=""))
    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "CT")
    selector = host.open("HostBare").ui.selector
    assert not selector.enabled
    assert selector.currentNode() is None


def test_a_form_with_a_wrong_connection_is_a_failure(
    host: Any, make: Callable[..., Path], expected_failures: Callable[[], list[str]]
) -> None:
    host.load(make("HostWrong", connection=CONNECTION.replace("setMRMLScene(vtkMRMLScene*)", "setMrmlScene()")))
    host.open("HostWrong")
    assert any("slot 'setMrmlScene()' does not exist" in failure for failure in expected_failures())
