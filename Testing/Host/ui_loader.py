"""`qt.QUiLoader`: Designer's .ui files with stand-ins for the custom widgets.

Qt's own loader builds the plain widgets and layouts. Properties of stand-ins and all connections are taken out of the
file and applied in Python, so that a property or signal that the real class does not have is an error here.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import QBuffer, QByteArray, QFile, QIODevice, QObject, Qt
from PySide6.QtUiTools import QUiLoader as QtUiLoader

from . import members
from .pythonqt import form_loading
from .stand_in import registry


class QUiLoader:
    """Loads a form and returns its top widget, None where Qt's loader would."""

    def load(self, device: QFile | QIODevice, parent: Any = None) -> Any:
        if not device.isOpen():
            device.open(QIODevice.OpenModeFlag.ReadOnly)
        root = ET.fromstring(bytes(device.readAll().data()))  # noqa: S314 - a file of the module under test
        properties = _take_stand_in_properties(root)
        connections = _take_connections(root)
        widget = _build(root, parent)
        if widget is None:
            return None
        named = {child.objectName: child for child in [widget, *widget.findChildren(QObject)] if child.objectName}
        for name, values in properties.items():
            for key, value in values:
                setattr(named[name], key, value)
        for connection in connections:
            _connect(named, connection)
        return widget


def _build(root: ET.Element, parent: Any) -> Any:
    loader = QtUiLoader()
    for element in root.iter("customwidget"):
        name = element.findtext("class", "")
        if name not in registry:
            raise RuntimeError(f"the .ui file uses {name}, which the host has no stand-in for")
        loader.registerCustomWidget(registry[name])
    buffer = QBuffer()
    buffer.setData(QByteArray(ET.tostring(root)))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    with form_loading():
        return loader.load(buffer, parent)


def _take_stand_in_properties(root: ET.Element) -> dict[str, list[tuple[str, Any]]]:
    """Remove the properties that a stand-in itself declares, and return them by widget name."""
    taken: dict[str, list[tuple[str, Any]]] = {}
    for widget in root.iter("widget"):
        class_ = registry.get(widget.get("class", ""))
        if class_ is None:
            continue
        for element in widget.findall("property"):
            name = element.get("name", "")
            member = members.find(class_, name)
            if member is not None and member.kind == "property":
                taken.setdefault(widget.get("name", ""), []).append((name, _value(class_, element[0])))
                widget.remove(element)
            elif element.get("stdset") != "0" and _unknown(class_, name):
                raise RuntimeError(f"the .ui file sets '{name}', which {class_.__name__} does not have")
    return taken


def _unknown(class_: type, name: str) -> bool:
    return class_.staticMetaObject.indexOfProperty(name) < 0  # type: ignore[attr-defined,no-any-return]


def _value(class_: type, element: ET.Element) -> Any:
    text = element.text or ""
    simple = {"bool": lambda: text == "true", "number": lambda: int(text), "double": lambda: float(text)}
    if element.tag in simple:
        return simple[element.tag]()
    if element.tag == "stringlist":
        return [item.text or "" for item in element.findall("string")]
    if element.tag in ("enum", "set"):
        return _enum(class_, text)
    return text


def _enum(class_: type, text: str) -> Any:
    """`Qt::AlignRight|Qt::AlignVCenter` or `ctkPathLineEdit::Files`."""
    value: Any = 0
    for part in filter(None, text.split("|")):
        scope, _, name = part.rpartition("::")
        owner = Qt if scope == "Qt" else registry.get(scope) or getattr(QtWidgets, scope.split("::")[0], class_)
        found = getattr(owner, name)
        value = value | found if value else found
    return value


def _take_connections(root: ET.Element) -> list[dict[str, str]]:
    taken = []
    for element in root.findall("connections"):
        for connection in element.findall("connection"):
            taken.append({child.tag: child.text or "" for child in connection})
        root.remove(element)
    return taken


def _connect(named: dict[str, Any], connection: dict[str, str]) -> None:
    sender, receiver = named[connection["sender"]], named[connection["receiver"]]
    sender.connect(connection["signal"], receiver, connection["slot"])
