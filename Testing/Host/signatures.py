"""Qt signatures such as `setCurrentNode(vtkMRMLNode*)`: how they are spelled and which Python values fit them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

_PYTHON_TYPES: dict[str, type] = {
    "bool": bool,
    "int": int,
    "uint": int,
    "unsigned int": int,
    "vtkIdType": int,
    "qlonglong": int,
    "double": float,
    "QString": str,
    "QStringList": list,
}


def normalized(signature: str) -> str:
    """`clicked( bool )` is `clicked(bool)` and `f(const QString &)` is `f(QString)`, as QMetaObject writes them."""
    name, parenthesis, rest = signature.strip().partition("(")
    if not parenthesis:
        return name
    parameters = rest.rpartition(")")[0]
    types = [_normalized_type(part) for part in _split(parameters)]
    return f"{name.strip()}({','.join(types)})"


def parameter_types(signature: str) -> list[str]:
    """The C++ types of a normalised signature."""
    return _split(signature.partition("(")[2].rpartition(")")[0])


def python_type(cpp_type: str) -> type:
    """The type that carries a C++ type through a PySide signal; `object` for VTK and Qt objects."""
    return _PYTHON_TYPES.get(cpp_type, object)


def accepts(signature: str, values: Sequence[Any]) -> bool:
    """Whether PythonQt would call the slot of this signature with these values."""
    types = parameter_types(signature)
    return len(types) == len(values) and all(fits(kind, value) for kind, value in zip(types, values, strict=True))


def fits(cpp_type: str, value: Any) -> bool:
    """Whether PythonQt converts a Python value to a C++ type (PythonQtConversion.cpp, PyObjGet…).

    A QString is stricter here: PythonQt writes `str(value)` of anything, so that None becomes "None".
    """
    if cpp_type == "QString":
        return isinstance(value, str | bool | int | float)
    if cpp_type == "QStringList":
        return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    if cpp_type in ("double", "int", "vtkIdType"):
        return hasattr(value, "__index__") or hasattr(value, "__float__")
    if cpp_type.startswith("vtk") and cpp_type.endswith("*"):
        return value is None or _is_vtk(value, cpp_type.rstrip("*"))
    return True


def converted(cpp_type: str, value: Any) -> Any:
    """A value that fits, as the C++ side gets it: a float for an int is floored, any object has a truth value."""
    if cpp_type == "int" and isinstance(value, float):
        return math.floor(value)
    converter: Callable[[Any], Any] | None = {"bool": bool, "double": float, "QString": str}.get(cpp_type)
    return converter(value) if converter is not None else value


def _is_vtk(value: Any, class_name: str) -> bool:
    return hasattr(value, "IsA") and (class_name.startswith("vtkObject") or bool(value.IsA(class_name)))


def _split(parameters: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for character in parameters:
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part.strip() for part in [*parts, current] if part.strip() not in ("", "void")]


def _normalized_type(text: str) -> str:
    text = re.sub(r"\s+", " ", text.strip())
    text = re.sub(r"^const (.+?)\s*&$", r"\1", text)
    return re.sub(r"\s*([*&<>,])\s*", r"\1", text)
