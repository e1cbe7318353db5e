"""Finds, by reading a module's files, members of ctk, qMRML and slicer that are not in the member table.

Python: widgets that a file makes (`self.x = ctk.ctkSliderWidget()`) or takes from its form (`self.ui.x`) and what it
does with them, and names of `slicer`, `slicer.app`, `slicer.util`, `slicer.packaging` and `slicer.i18n`.
Forms: classes, properties and connections.
"""

from __future__ import annotations

import ast
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from . import members
from .signatures import normalized
from .stand_in import registry

_MODULES = ("slicer.packaging", "slicer.i18n")


def problems(folder: Path) -> list[str]:
    """One line for each use of something that is not in the table, over all .py and .ui files of a folder."""
    forms: dict[str, str] = {}
    found = []
    for path in sorted(folder.rglob("*.ui")):
        root = ET.parse(path).getroot()  # noqa: S314 - the module's own form
        forms.update({widget.get("name", ""): widget.get("class", "") for widget in root.iter("widget")})
        found += [f"{path.name}: {problem}" for problem in _form_problems(root)]
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found += [f"{path.name}:{line}: {problem}" for line, problem in _python_problems(tree, forms)]
    return found


def known(class_name: str, member: str) -> bool:
    """Whether a member of a stand-in class stands in the table or belongs to Qt."""
    class_ = registry[class_name]
    if members.find(class_, member) is not None or member in ("connect", "disconnect", "className", "name"):
        return True
    qt = next(base for base in class_.__mro__ if base.__module__.startswith("PySide6"))
    return hasattr(qt, member) or qt.staticMetaObject.indexOfProperty(member) >= 0  # type: ignore[attr-defined]


def _form_problems(root: ET.Element) -> Iterator[str]:
    classes = {widget.get("name", ""): widget.get("class", "") for widget in root.iter("widget")}
    for element in root.iter("customwidget"):
        if element.findtext("class", "") not in registry:
            yield f"class {element.findtext('class')}"
    for widget in root.iter("widget"):
        for element in widget.findall("property"):
            name, class_name = element.get("name", ""), widget.get("class", "")
            if class_name in registry and element.get("stdset") != "0" and not known(class_name, name):
                yield f"property {class_name}.{name}"
    for connection in root.iter("connection"):
        for end, signature in (("sender", "signal"), ("receiver", "slot")):
            class_name = classes.get(connection.findtext(end, ""), "")
            if class_name in registry and not _has_signature(class_name, connection.findtext(signature, "")):
                yield f"{signature} {class_name}.{connection.findtext(signature)}"


def _has_signature(class_name: str, signature: str) -> bool:
    signature = normalized(signature)
    member = members.find(registry[class_name], signature.partition("(")[0])
    meta = registry[class_name].staticMetaObject  # type: ignore[attr-defined]
    return (member is not None and signature in member.signatures) or meta.indexOfMethod(signature) >= 0


def _python_problems(tree: ast.Module, forms: dict[str, str]) -> Iterator[tuple[int, str]]:
    widgets = {**_made_widgets(tree), **{f"self.ui.{name}": class_ for name, class_ in forms.items()}}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            class_name = widgets.get(owner, "")
            if class_name in registry and not known(class_name, node.attr):
                yield node.lineno, f"{class_name}.{node.attr}"
            elif problem := _slicer_problem(owner, node.attr):
                yield node.lineno, problem


def _made_widgets(tree: ast.Module) -> dict[str, str]:
    """`self.x` or `x` and the class it was made of, for assignments of a constructor's result."""
    made = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            class_name = ast.unparse(node.value.func).rpartition(".")[2]
            if class_name in registry:
                made.update({ast.unparse(target): class_name for target in node.targets})
    return made


def _slicer_problem(owner: str, name: str) -> str:
    if owner == "ctk" or (owner == "slicer" and name.startswith(("qMRML", "qSlicer"))):
        return "" if name in registry else f"{owner}.{name}"
    if owner == "slicer.app":
        return "" if known("qSlicerApplication", name) else f"slicer.app.{name}"
    if owner in _MODULES:
        return "" if name in members.table().get(owner, {}) else f"{owner}.{name}"
    return f"slicer.util.{name}" if owner == "slicer.util" and not _in_slicer_util(name) else ""


def _in_slicer_util(name: str) -> bool:
    import slicer.util

    return hasattr(slicer.util, name)
