"""Reads, out of Slicer's and CTK's C++ headers and Python files, which members PythonQt shows to a module.

PythonQt shows of a ctk, qMRML or qSlicer class: its properties, public slots, signals, Q_INVOKABLE methods and enum
values, and what a `…PythonQtDecorators.h` adds by hand. A plain public C++ method is not visible in Slicer's Python.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_COMMENTS_AND_STRINGS = re.compile(r"//[^\n]*|/\*.*?\*/|(\"(?:[^\"\\\n]|\\.)*\")", re.DOTALL)
_PREPROCESSOR = re.compile(r"^[ \t]*#[^\n]*(?:\\\n[^\n]*)*", re.MULTILINE)
_CLASS = re.compile(r"\bclass\s+(?:\w*EXPORT\w*\s+|Q_\w+\s+|Q\w+_EXPORT\s+)?(\w+)\s*(?:final\s*)?:?([^;{}()]*)\{")
_SECTION = re.compile(r"\b(public|protected|private)?\s*(slots|Q_SLOTS|signals|Q_SIGNALS)?\s*:(?!:)")
_PROPERTY = re.compile(r"Q_PROPERTY\s*\(\s*([\w:<>\s,*]+?)[\s*]+(\w+)\s+(?:READ|MEMBER)\b(?:[^()]|\([^()]*\))*\)")
_FUNCTION = re.compile(
    r"([\w:<>,&*\s~]*?)\b(\w+)\s*\(((?:[^()]|\([^()]*\))*)\)\s*(?:const)?\s*(?:override|final|noexcept|\s)*(?:=\s*\w+\s*)?;"
)
_ENUM = re.compile(r"\benum\s+(?:class\s+)?(\w*)\s*(?::\s*\w+\s*)?\{([^}]*)\}")


@dataclass(frozen=True)
class Declaration:
    """One member as a header or a Python file declares it."""

    name: str
    kind: str  # property, slot, signal, invokable, decorator, enum, method, function, class
    signature: str


@dataclass
class ClassDeclaration:
    """One class: its base, the file that declares it (relative to the source tree) and its visible members."""

    name: str
    base: str
    file: str
    members: list[Declaration] = field(default_factory=list)


def normalized_signatures(name: str, parameters: str) -> list[str]:
    """Qt's normalised forms, longest first: `f(const QString& a, int b = 0)` is `f(QString,int)` and `f(QString)`."""
    parts = _split_parameters(parameters)
    types = [_normalized_type(part) for part in parts]
    required = sum("=" not in part for part in parts)
    return [f"{name}({','.join(types[:count])})" for count in range(len(types), required - 1, -1)]


def parse_header(text: str, file: str) -> list[ClassDeclaration]:
    """All classes that a header declares, with the members that PythonQt shows."""
    text = _without_function_bodies(_PREPROCESSOR.sub("", _without_comments(text)))
    return [_parse_class(match, text, file) for match in _CLASS.finditer(text)]


def parse_decorators(text: str) -> Iterator[tuple[str, Declaration]]:
    """Pairs of class name and member that a `…PythonQtDecorators.h` adds by hand."""
    text = _PREPROCESSOR.sub("", _without_comments(text))
    for match in re.finditer(r"\bstatic_(q\w+?|ctk\w+?)_(\w+)\s*\(([^)]*)\)", text):
        for signature in normalized_signatures(match[2], match[3]):
            yield match[1], Declaration(match[2], "decorator", signature)
    for match in re.finditer(r"[\w*&]\s+\*?(\w+)\s*\(\s*(\w+)\s*\*\s*\w+\s*(?:,([^)]*))?\)", text):
        for signature in normalized_signatures(match[1], match[3] or ""):
            yield match[2], Declaration(match[1], "decorator", signature)


def parse_python(text: str, file: str) -> list[ClassDeclaration]:
    """Classes and functions of a Python file; the functions belong to a class named `slicer.<file>`."""
    module = ClassDeclaration(f"slicer.{Path(file).stem}", "", file)
    found = [module]
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            module.members.append(Declaration(node.name, "function", node.name))
        elif isinstance(node, ast.ClassDef):
            module.members.append(Declaration(node.name, "class", node.name))
            found.append(_python_class(node, file))
        elif isinstance(node, ast.Assign):
            module.members += [Declaration(t.id, "value", t.id) for t in node.targets if isinstance(t, ast.Name)]
    return found


def _python_class(node: ast.ClassDef, file: str) -> ClassDeclaration:
    base = node.bases[0] if node.bases else None
    declaration = ClassDeclaration(node.name, ast.unparse(base) if base else "", file)
    for item in ast.walk(node):
        if isinstance(item, ast.FunctionDef):
            declaration.members.append(Declaration(item.name, "method", item.name))
        elif isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Store) and ast.unparse(item.value) == "self":
            declaration.members.append(Declaration(item.attr, "attribute", item.attr))
    return declaration


def _parse_class(match: re.Match[str], text: str, file: str) -> ClassDeclaration:
    base = re.search(r"public\s+(?:virtual\s+)?(\w+)", match[2])
    declaration = ClassDeclaration(match[1], base[1] if base else "", file)
    body = _braced(text, match.end() - 1)
    declaration.members += [
        Declaration(found[2], "property", " ".join(found[1].split())) for found in _PROPERTY.finditer(body)
    ]
    declaration.members += list(_enum_values(body))
    for section, part in _sections(_ENUM.sub("", _PROPERTY.sub("", body))):
        declaration.members += list(_functions(section, part))
    return declaration


def _enum_values(body: str) -> Iterator[Declaration]:
    for found in _ENUM.finditer(body):
        for value in found[2].split(","):
            name = value.split("=")[0].strip()
            if name.isidentifier():
                yield Declaration(name, "enum", found[1])


def _sections(body: str) -> Iterator[tuple[str, str]]:
    """Pairs of access (`public`, `public slots`, `signals`, …) and the text under it."""
    marks = list(_SECTION.finditer(body))
    marks = [mark for mark in marks if mark[1] or mark[2]]
    ends = [*(mark.start() for mark in marks[1:]), len(body)]
    for mark, end in zip(marks, ends, strict=False):
        part = body[mark.end() : end]
        kind = (mark[2] or "").removeprefix("Q_").lower()
        yield f"{mark[1] or ''} {kind}".strip(), part


def _functions(section: str, part: str) -> Iterator[Declaration]:
    for found in _FUNCTION.finditer(part):
        kind = _kind(section, found[1])
        if kind:
            for signature in normalized_signatures(found[2], found[3]):
                yield Declaration(found[2], kind, signature)


def _kind(section: str, prefix: str) -> str:
    if "signals" in section:
        return "signal"
    if section == "public slots":
        return "slot"
    return "invokable" if "Q_INVOKABLE" in prefix and section.startswith("public") else ""


def _braced(text: str, start: int) -> str:
    """The text between the brace at `start` and the one that closes it."""
    depth = 0
    for position in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return text[start + 1 : position]
    return text[start + 1 :]


def _without_comments(text: str) -> str:
    """Without comments, and with empty strings, since `"https://…"` is no comment."""
    return _COMMENTS_AND_STRINGS.sub(lambda match: '""' if match[1] else "", text)


def _without_function_bodies(text: str) -> str:
    """`int f() { return 1; };` becomes `int f();`, so that inline bodies do not look like declarations."""
    inline = re.compile(r"\)(\s*(?:const)?\s*(?:override)?\s*)\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}\s*;?")
    return inline.sub(r")\1;", text)


def _split_parameters(parameters: str) -> list[str]:
    depth, current, parts = 0, "", []
    for character in parameters:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part for part in [*parts, current] if part.strip() not in ("", "void")]


def _normalized_type(parameter: str) -> str:
    declared = parameter.split("=", maxsplit=1)[0].strip()
    by_reference_to_const = declared.startswith("const ") and "&" in declared
    match = re.fullmatch(r"((?:unsigned\s+|const\s+)?[\w:]+(?:<.*>)?\s*[*&]*)\s*(\w*)(\[\d*\])?", declared)
    kind = match[1] if match else declared
    if by_reference_to_const:
        kind = kind.removeprefix("const ").replace("&", "")
    return re.sub(r"\s*([*&])", r"\1", kind.removeprefix("const ") if "*" not in kind else kind).strip()
