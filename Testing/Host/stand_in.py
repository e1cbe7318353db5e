"""How a Python class stands in for a C++ class of ctk or Slicer.

A stand-in has the C++ class's own base, keeps everything private in `_d` (the C++ class: in its d-pointer), and has
public members only where the member table has them. Properties are typed; slots and invokables check their arguments
against the table and refuse wrong ones with PythonQt's ValueError.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeVar, overload

from . import members
from .signatures import accepts, converted, fits

Class = TypeVar("Class", bound=type)
registry: dict[str, type] = {}


def stand_in(class_: Class) -> Class:
    """Class decorator: register the class and make its slots check their arguments."""
    class_._is_stand_in = True  # type: ignore[attr-defined]
    registry[class_.__name__] = class_
    for name, value in list(vars(class_).items()):
        static = isinstance(value, staticmethod)
        function = value.__func__ if static else value
        if inspect.isfunction(function) and not name.startswith("_"):
            checked = _checked(class_, name, function, static)
            setattr(class_, name, staticmethod(checked) if static else checked)
    return class_


def public_members(class_: type) -> list[str]:
    """The names that a stand-in class itself adds to what its base has, Qt's virtual methods aside."""
    names = [name for name in vars(class_) if not name.startswith("_") and name != "staticMetaObject"]
    return sorted(name for name in names if not _overrides_qt(class_, name))


def _overrides_qt(class_: type, name: str) -> bool:
    return any(name in base.__dict__ for base in class_.__mro__ if base.__module__.startswith("PySide6"))


def _checked(class_: type, name: str, function: Callable[..., Any], static: bool) -> Callable[..., Any]:
    member = members.table().get(class_.__name__, {}).get(name)
    if member is None or member.kind not in ("slot", "invokable", "decorator"):
        return function

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        values = arguments if static else arguments[1:]
        if not any(accepts(signature, values) for signature in member.signatures):
            raise ValueError(f"Called {' or '.join(member.signatures)} with wrong arguments: {values}")
        return function(*arguments)

    return call


def private(self: Any) -> SimpleNamespace:
    """The stand-in's own state; made on first use, because Qt's form loader calls only the constructor."""
    state = self.__dict__.get("_d")
    if state is None:
        state = SimpleNamespace(stored={})
        self._d = state
    return state


class Stored:
    """A property that is kept and read back; `after` names the method that brings a new value to the screen."""

    def __init__(self, kind: str, default: Any, after: str = "") -> None:
        self.kind, self.default, self.after = kind, default, after

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Stored: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Any: ...
    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else private(instance).stored.get(self.name, self.default)

    def __set__(self, instance: Any, value: Any) -> None:
        check_value(instance, self.name, self.kind, value)
        private(instance).stored[self.name] = converted(self.kind, value)
        if self.after:
            getattr(instance, self.after)()


class Computed:
    """A property with a getter and, unless it is read-only, a setter."""

    def __init__(
        self, kind: str, getter: Callable[[Any], Any], setter: Callable[[Any, Any], None] | None = None
    ) -> None:
        self.kind, self.getter, self.setter = kind, getter, setter

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else self.getter(instance)

    def __set__(self, instance: Any, value: Any) -> None:
        if self.setter is None:
            raise AttributeError(f"Property '{self.name}' of {type(instance).__name__} object is not writable")
        check_value(instance, self.name, self.kind, value)
        self.setter(instance, converted(self.kind, value))


def inner(kind: str, path: str) -> Computed:
    """A property that lives in a widget inside: `inner("double", "slider.value")`."""
    widget, _, name = path.partition(".")
    return Computed(
        kind,
        lambda self: getattr(getattr(private(self), widget), name),
        lambda self, value: setattr(getattr(private(self), widget), name, value),
    )


def setter(name: str) -> Callable[[Any, Any], None]:
    """The slot `setX` of a property `x`."""

    def set_value(self: Any, value: Any) -> None:
        setattr(self, name, value)

    return set_value


def check_value(instance: Any, name: str, kind: str, value: Any) -> None:
    """AttributeError, as PythonQt raises it, where a value does not fit a property's type."""
    if not fits(kind, value):
        message = (
            f"Property '{name}' of type '{kind}' does not accept an object of type {type(value).__name__} ({value})"
        )
        raise AttributeError(message)
