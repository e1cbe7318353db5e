"""Makes PySide6 behave as PythonQt does in Slicer.

Read off PythonQt's `PythonQtInstanceWrapper.cpp` (attributes) and `PythonQtSignalReceiver.cpp` (slots):

* a name is looked up among Python attributes, then properties, then methods, dynamic properties and named children;
* a property is a value, typed on writing; its `setX` and `isX` methods stay callable;
* new attributes are refused on plain Qt objects and allowed on classes derived in Python, never over a Qt name;
* `connect('clicked(bool)', f)` calls `f` with as many arguments as it takes. Slicer only warns of a signal that does
  not exist; here it raises.
"""

from __future__ import annotations

import enum
import functools
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType, ModuleType
from typing import Any

import shiboken6
from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets

from . import members
from .signatures import converted, fits, normalized, parameter_types, python_type

MODULES: tuple[ModuleType, ...] = (QtCore, QtGui, QtWidgets, QtNetwork)
_MANY = 20  # more arguments than any signal has
_INTERNAL = ("connect", "disconnect")
# What of PySide takes a pathlib.Path where PythonQt does not; all else refuses it by itself.
_PATH_TAKERS = {
    "QDir": ("__init__", "setPath"),
    "QFile": ("__init__", "setFileName"),
    "QFileInfo": ("__init__", "setFile"),
    "QUrl": ("fromLocalFile",),
    "QPixmap": ("__init__",),
    "QImage": ("__init__",),
}
_raw: dict[str, Callable[..., Any]] = {}
_raw_getattr: dict[type, Callable[[Any, str], Any]] = {}


def install() -> None:
    """Change every QObject class of PySide6, once and for the whole process."""
    if _raw:
        return
    _raw["property"] = QtCore.QObject.property
    _raw["setProperty"] = QtCore.QObject.setProperty
    classes = _qobject_classes()
    # Kept class by class: one whose methods are static and not (QFile.exists) has a lookup of its own.
    _raw_getattr.update({class_: class_.__getattribute__ for class_ in classes})
    for class_ in classes:
        class_.__getattribute__ = _get_attribute  # type: ignore[method-assign,assignment]
        class_.__setattr__ = _set_attribute  # type: ignore[method-assign,assignment]
    QtCore.QObject.className = _class_name  # type: ignore[attr-defined]
    for class_name, methods in _PATH_TAKERS.items():
        for method in methods:
            _refuse_paths(class_name, method)


def _qobject_classes() -> list[type]:
    # By getattr, because PySide makes its classes when they are first asked for.
    values = [getattr(module, name) for module in MODULES for name in dir(module)]
    return list({value for value in values if isinstance(value, type) and issubclass(value, QtCore.QObject)})


def is_qt_class(class_: type) -> bool:
    """Whether a class comes from Qt itself, not from Python code derived from it."""
    return class_.__module__.startswith(("PySide6", "shiboken6", "Shiboken"))


def is_stand_in(class_: type) -> bool:
    """Whether a class stands in for a C++ class of ctk or Slicer."""
    return "_is_stand_in" in class_.__dict__


def _is_derived_by_module(class_: type) -> bool:
    return not is_qt_class(class_) and not is_stand_in(class_)


@functools.cache
def _qt_base(class_: type) -> type:
    return next(base for base in class_.__mro__ if is_qt_class(base))


@functools.cache
def _properties(class_: type) -> dict[str, QtCore.QMetaProperty]:
    meta = _qt_base(class_).staticMetaObject
    found = {}
    for index in range(meta.propertyCount()):
        found[meta.property(index).name()] = meta.property(index)
    if "objectName" in found:
        found["name"] = found["objectName"]
    return found


@functools.cache
def _defined_in_python(class_: type, name: str) -> bool:
    """Whether Python code (a stand-in or the module) defines the name in a class derived from Qt's."""
    return any(name in base.__dict__ for base in class_.__mro__ if not is_qt_class(base) and base is not object)


@functools.cache
def _is_qt_member(class_: type, name: str) -> bool:
    return any(name in base.__dict__ for base in _qt_base(class_).__mro__ if base is not object)


# Reading


def _raw_get(self: QtCore.QObject, name: str) -> Any:
    return _raw_lookup(type(self))(self, name)


@functools.cache
def _raw_lookup(class_: type) -> Callable[[Any, str], Any]:
    return next(_raw_getattr[base] for base in class_.__mro__ if base in _raw_getattr)


def _get_attribute(self: QtCore.QObject, name: str) -> Any:
    if name.startswith("__") or not shiboken6.isValid(self):
        return _raw_get(self, name)
    class_ = type(self)
    if name in _INTERNAL:
        return functools.partial(_connect if name == "connect" else _disconnect, self)
    if name in _raw_get(self, "__dict__") or _defined_in_python(class_, name):
        return _bound(self, name, _raw_get(self, name))
    if name in _properties(class_):
        return _read_property(self, class_, name)
    return _get_other(self, name)


def _get_other(self: QtCore.QObject, name: str) -> Any:
    if name.endswith("_") and _is_qt_member(type(self), name[:-1]):
        name = name[:-1]
    if _is_qt_member(type(self), name):
        return _bound(self, name, _raw_get(self, name))
    enum_value = getattr(type(self), name, None)
    if isinstance(enum_value, enum.Enum):
        return enum_value
    value = _raw["property"](self, name)
    if value is not None:
        return value
    for child in QtCore.QObject.children(self):
        if QtCore.QObject.objectName(child) == name:
            return child
    raise AttributeError(f"{type(self).__name__} has no attribute named '{name}'")


def _bound(self: QtCore.QObject, name: str, value: Any) -> Any:
    """A signal as PythonQt hands it out: of overloads the one declared first, `clicked(bool)` before `clicked()`."""
    if not isinstance(value, QtCore.SignalInstance):
        return value
    parameters = _first_overload(_qt_base(type(self)), name)
    return BoundSignal(value[parameters] if parameters else value)


@functools.cache
def _first_overload(class_: type, name: str) -> str:
    """Parameters of the signal that Qt declares first under a name; empty if it has none or is no signal of Qt's."""
    meta = class_.staticMetaObject  # type: ignore[attr-defined]
    for index in range(meta.methodCount()):
        signature = bytes(meta.method(index).methodSignature().data()).decode()
        if meta.method(index).methodType() == QtCore.QMetaMethod.MethodType.Signal and signature.startswith(f"{name}("):
            return signature[len(name) + 1 : -1]
    return ""


def _read_property(self: QtCore.QObject, class_: type, name: str) -> Any:
    name = "objectName" if name == "name" else name
    getter = inspect.getattr_static(_qt_base(class_), name, None)
    # sizeHint and its like are virtual: QObject.property would come back here without end for a Python class.
    if getter is not None and not isinstance(getter, staticmethod) and name != "singleShot":
        value = _raw_get(self, name)
        if callable(value) and not isinstance(value, QtCore.SignalInstance):
            return value()
    return _raw["property"](self, name)


def _class_name(self: QtCore.QObject) -> str:
    """PythonQt's `className()`: of the C++ class, also for objects of a class derived in Python."""
    return next(base.__name__ for base in type(self).__mro__ if is_qt_class(base) or is_stand_in(base))


# Writing

_form_is_loading = False


@contextmanager
def form_loading() -> Iterator[None]:
    """While PySide builds a form it writes each child into its parent; PythonQt finds children by their names."""
    global _form_is_loading  # noqa: PLW0603 - Qt's loader is one call on the main thread
    _form_is_loading = True
    try:
        yield
    finally:
        _form_is_loading = False


def _set_attribute(self: QtCore.QObject, name: str, value: Any) -> None:
    class_ = type(self)
    if name.startswith("__") or isinstance(value, QtCore.SignalInstance):
        _keep(self, name, value)
    elif _form_is_loading and isinstance(value, QtCore.QObject):
        return
    elif _defined_in_python(class_, name):
        _set_python(self, class_, name, value)
    elif name in _properties(class_):
        _write_property(self, _properties(class_)[name], value)
    elif _is_qt_member(class_, name):
        raise AttributeError(f"Slot '{name}' can not be overwritten on {class_.__name__} object")
    elif _raw["property"](self, name) is not None:
        _raw["setProperty"](self, name, value)
    elif _is_derived_by_module(class_) or name == "_d":
        _keep(self, name, value)
    else:
        raise AttributeError(
            f"'{name}' does not exist on {class_.__name__} and creating new attributes on C++ objects is not allowed"
        )


def _keep(self: QtCore.QObject, name: str, value: Any) -> None:
    _raw_get(self, "__dict__")[name] = value


def _set_python(self: QtCore.QObject, class_: type, name: str, value: Any) -> None:
    """A Python property is written; a stand-in's method is a slot, which PythonQt does not let one overwrite."""
    owner = next(base for base in class_.__mro__ if name in base.__dict__)
    found = owner.__dict__[name]
    if hasattr(type(found), "__set__"):
        found.__set__(self, value)
    elif is_stand_in(owner):
        raise AttributeError(f"Slot '{name}' can not be overwritten on {class_.__name__} object")
    else:
        _keep(self, name, value)


def _write_property(self: QtCore.QObject, declared: QtCore.QMetaProperty, value: Any) -> None:
    name, kind, class_name = declared.name(), declared.typeName(), type(self).__name__
    if not declared.isWritable():
        raise AttributeError(f"Property '{name}' of {class_name} object is not writable")
    if not fits(kind, value):
        message = (
            f"Property '{name}' of type '{kind}' does not accept an object of type {type(value).__name__} ({value})"
        )
        raise AttributeError(message)
    if not _write(self, declared, converted(kind, value)):
        message = (
            f"Property '{name}' of type '{kind}' does not accept an object of type {type(value).__name__} ({value})"
        )
        raise AttributeError(message)


def _write(self: QtCore.QObject, declared: QtCore.QMetaProperty, value: Any) -> bool:
    """Through Qt's setter where PySide has it (it knows all types), else through the meta-object."""
    name = declared.name()
    setter = f"set{name[0].upper()}{name[1:]}"
    if _is_qt_member(type(self), setter) and not isinstance(value, int):
        _raw_get(self, setter)(value)
        return True
    return bool(_raw["setProperty"](self, name, value))


# Signals


class BoundSignal:
    """A signal of one object as PythonQt hands it out: connectable, and emitted by a plain call."""

    def __init__(self, instance: Any) -> None:
        self._instance = instance

    def __getitem__(self, overload: Any) -> BoundSignal:
        return BoundSignal(self._instance[overload])

    def __call__(self, *values: Any) -> None:
        try:
            self._instance.emit(*values)
        except TypeError:
            if values:
                raise
            self._instance.emit(False)  # what clicked(bool checked = false) and triggered default to

    def emit(self, *values: Any) -> None:
        self(*values)

    def connect(self, receiver: Callable[..., Any]) -> bool:
        target = receiver._instance if isinstance(receiver, BoundSignal) else receiver
        if isinstance(target, FunctionType | MethodType):
            target = trimmed(target, _MANY)  # PySide would look for a slot of a method's name
        connection = self._instance.connect(target)
        _bound_connections.setdefault(id(self._instance), []).append((receiver, connection, self._instance))
        return bool(connection)

    def disconnect(self, receiver: Callable[..., Any] | None = None) -> bool:
        entries = _bound_connections.get(id(self._instance), [])
        dropped = [entry for entry in entries if receiver is None or entry[0] == receiver]
        _bound_connections[id(self._instance)] = [entry for entry in entries if entry not in dropped]
        for _, connection, _ in dropped:
            QtCore.QObject.disconnect(connection)
        return bool(dropped)


# The third of each entry keeps the signal alive, so that no other gets its id.
_bound_connections: dict[int, list[tuple[Callable[..., Any], Any, Any]]] = {}
_connections: dict[tuple[int, str], list[tuple[Callable[..., Any], Any]]] = {}


def _connect(self: QtCore.QObject, *arguments: Any) -> bool:
    """`connect(signal, callable)` and `connect(signal, receiver, slot)`; PySide's own calls pass through."""
    if not arguments or not isinstance(arguments[0], str) or arguments[0][:1] in "0123456789":
        return bool(_raw_get(self, "connect")(*arguments))
    signal, receiver = arguments[0], arguments[1]
    if len(arguments) > 2:
        receiver = slot_of(receiver, arguments[2])
    if not callable(receiver):
        raise TypeError(f"connect('{signal}', …): {receiver!r} is no callable")
    signal = normalized(signal)
    slot = trimmed(receiver, len(parameter_types(signal)))
    instance = stand_in_signal(self, signal)
    connection = instance.connect(slot) if instance else QtCore.QObject.connect(self, f"2{signal}", slot)
    _connections.setdefault(_key(self, signal), []).append((receiver, connection))
    return True


def _disconnect(self: QtCore.QObject, *arguments: Any) -> bool:
    if not arguments or not isinstance(arguments[0], str) or arguments[0][:1] in "0123456789":
        return bool(_raw_get(self, "disconnect")(*arguments))
    signal = normalized(arguments[0])
    stand_in_signal(self, signal)
    key = _key(self, signal)
    wanted = arguments[1] if len(arguments) > 1 else None
    kept, dropped = [], []
    for entry in _connections.get(key, []):
        (dropped if wanted is None or entry[0] == wanted else kept).append(entry)
    for _, connection in dropped:
        QtCore.QObject.disconnect(connection)
    _connections[key] = kept
    return bool(dropped)


def stand_in_signal(sender: QtCore.QObject, signature: str) -> Any:
    """The signal of a stand-in, None for one of Qt's own; ValueError where Slicer only prints that there is none."""
    name = signature.partition("(")[0]
    declared = members.find(type(sender), name)
    if declared is not None and declared.kind == "signal" and signature in declared.signatures:
        instance = _raw_get(sender, name)
        types = tuple(python_type(kind) for kind in parameter_types(signature))
        return instance[types] if len(declared.signatures) > 1 and types else instance
    if QtCore.QObject.metaObject(sender).indexOfSignal(signature) < 0 or not _is_qt_member(type(sender), name):
        raise ValueError(f"signal '{signature}' does not exist on {_class_name(sender)}")
    return None


def _key(sender: QtCore.QObject, signal: str) -> tuple[int, str]:
    return shiboken6.getCppPointer(sender)[0], signal


def slot_of(receiver: QtCore.QObject, signature: str) -> Callable[..., Any]:
    """The method behind a slot signature such as `setMRMLScene(vtkMRMLScene*)`; ValueError if the class has none."""
    signature = normalized(signature)
    name = signature.partition("(")[0]
    declared = members.find(type(receiver), name)
    known = declared is not None and signature in declared.signatures
    if not known and QtCore.QObject.metaObject(receiver).indexOfMethod(signature) < 0:
        raise ValueError(f"slot '{signature}' does not exist on {_class_name(receiver)}")
    return _raw_get(receiver, name)  # type: ignore[no-any-return]


def trimmed(receiver: Callable[..., Any], available: int) -> Callable[..., Any]:
    """Call a Python function with as many of the signal's arguments as it takes, anything else with all."""
    count = _positional_count(receiver)
    limit = available if count is None else min(count, available)

    def slot(*values: Any) -> None:
        receiver(*values[:limit])

    return slot


def _positional_count(receiver: Callable[..., Any]) -> int | None:
    function = receiver.__func__ if isinstance(receiver, MethodType) else receiver
    if not isinstance(function, FunctionType) or function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return function.__code__.co_argcount - isinstance(receiver, MethodType)


# Paths


def _refuse_paths(class_name: str, method: str) -> None:
    """PythonQt turns no pathlib.Path into a QString."""
    class_ = next(getattr(module, class_name) for module in MODULES if hasattr(module, class_name))
    static = isinstance(inspect.getattr_static(class_, method, None), staticmethod)
    original = getattr(class_, method)

    @functools.wraps(original)
    def guarded(*arguments: Any, **named: Any) -> Any:
        for value in (*arguments, *named.values()):
            if isinstance(value, os.PathLike):
                raise TypeError(f"{class_name}.{method}: PythonQt takes a str, not {type(value).__name__}")
        return original(*arguments, **named)

    setattr(class_, method, staticmethod(guarded) if static else guarded)
