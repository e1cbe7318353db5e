"""The member table and the tools around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
HEADER = """
/// A widget, see "https://example.org".
class QMRML_WIDGETS_EXPORT qMRMLThing : public QWidget
{
  Q_OBJECT
  Q_PROPERTY(QStringList nodeTypes READ nodeTypes WRITE setNodeTypes) // old: Q_PROPERTY(int gone READ gone)
public:
  explicit qMRMLThing(QWidget* parent = nullptr);
  QString address() const { return "https://example.org/{x}"; }
  void setNodeTypes(const QStringList& types);
  Q_INVOKABLE vtkMRMLNode* node(const QString & id, int index = 0) const;
public slots:
  virtual void setMRMLScene(vtkMRMLScene* scene);
protected slots:
  void hidden();
signals:
  void nodeChanged(vtkMRMLNode*);
private:
  Q_INVOKABLE void secret();
};
"""


def test_headers_give_what_pythonqt_shows() -> None:
    from Testing.Host.headers import parse_header

    (declared,) = parse_header(HEADER, "qMRMLThing.h")
    assert (declared.name, declared.base) == ("qMRMLThing", "QWidget")
    assert {(member.kind, member.signature) for member in declared.members} == {
        ("property", "QStringList"),
        ("invokable", "node(QString,int)"),
        ("invokable", "node(QString)"),
        ("slot", "setMRMLScene(vtkMRMLScene*)"),
        ("signal", "nodeChanged(vtkMRMLNode*)"),
    }


def test_decorators_belong_to_the_class_they_decorate() -> None:
    from Testing.Host.headers import parse_decorators

    text = (
        "bool static_qSlicerApp_testingEnabled() { return true; }\nQWidget* panel(qSlicerModule* _module) { return 0; }"
    )
    found = [(class_name, member.signature) for class_name, member in parse_decorators(text)]
    assert found == [("qSlicerApp", "testingEnabled()"), ("qSlicerModule", "panel()")]


def test_every_member_of_the_host_stands_in_the_table(host: Any) -> None:
    from Testing.Host import members
    from Testing.Host.verify_members import provided

    in_host = {(class_name, name) for class_name, names in provided().items() for name in names}
    in_table = {(class_name, name) for class_name, rows in members.table().items() for name in rows}
    assert in_host - in_table == set(), "run Testing.Host.verify_members --write with Slicer's sources"
    assert in_table - in_host == set(), "run Testing.Host.verify_members --write with Slicer's sources"


def test_every_row_says_where_it_is_declared() -> None:
    from Testing.Host import members

    rows = [row for rows in members.table().values() for row in rows.values()]
    assert len(rows) > 400
    assert all(row.kind and row.signature and row.declared_in.endswith((".h", ".py")) for row in rows)


FORM = """<ui version="4.0"><class>Sample</class><widget class="qMRMLWidget" name="Sample">
<widget class="ctkSliderWidget" name="slider"><property name="minimum"><double>1</double></property>
<property name="minimumm"><double>1</double></property></widget></widget>
<customwidgets><customwidget><class>ctkNoWidget</class></customwidget></customwidgets>
<connections><connection><sender>Sample</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
<receiver>slider</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections></ui>"""
SOURCE = """
import ctk, qt, slicer
class SampleWidget:
    def setup(self):
        self.box = ctk.ctkCollapsibleButton()
        self.box.collapsed = True
        self.box.collapse = True
        self.selector = slicer.qMRMLNodeComboBox()
        self.selector.setNodeTypes(["x"])
        self.ui.slider.value = 3
        self.ui.slider.setMinimum(3)
        self.ui.slider.toolTip = ""
        ctk.ctkNoWidget()
        slicer.app.processEvents()
        slicer.app.noSuchThing()
        slicer.util.arrayFromVolume(None)
        slicer.util.arrayFromNothing(None)
        slicer.packaging.pip_ensure([])
        slicer.packaging.pip_assure([])
"""


def test_uses_outside_the_table_are_found(host: Any, tmp_path: Path) -> None:
    from Testing.Host.usage import problems

    (tmp_path / "Sample.ui").write_text(FORM, encoding="utf-8")
    (tmp_path / "Sample.py").write_text(SOURCE, encoding="utf-8")
    assert {problem.rpartition(": ")[2] for problem in problems(tmp_path)} == {
        "class ctkNoWidget",
        "property ctkSliderWidget.minimumm",
        "slot ctkSliderWidget.setMRMLScene(vtkMRMLScene*)",
        "ctkCollapsibleButton.collapse",
        "qMRMLNodeComboBox.setNodeTypes",
        "ctk.ctkNoWidget",
        "slicer.app.noSuchThing",
        "slicer.util.arrayFromNothing",
        "slicer.packaging.pip_assure",
        "ctkSliderWidget.setMinimum",
    }


def test_the_module_uses_nothing_outside_the_table(host: Any) -> None:
    from Testing.Host.usage import problems

    if not (ROOT / "RSuper").is_dir():
        pytest.skip("the checkout has no RSuper module")
    assert problems(ROOT / "RSuper") == []
