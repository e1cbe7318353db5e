"""Checks the member table against Slicer's and CTK's own sources, or writes it from them.

    python -m Testing.Host.verify_members --slicer-source PATH --ctk-source PATH           # check
    python -m Testing.Host.verify_members --slicer-source PATH --ctk-source PATH --write   # after a stand-in changed

The sources are work trees or bare mirrors of github.com/Slicer/Slicer and github.com/commontk/CTK; a mirror is read at
`--slicer-version` (v5.12.3) and at the CTK commit that this Slicer pins.
"""

from __future__ import annotations

import argparse
import csv
import inspect
import io
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

from . import environment, members
from .headers import ClassDeclaration, Declaration, parse_decorators, parse_header, parse_python

SLICER_VERSION = "v5.12.3"
_FOLDERS = {
    "slicer": ("Base", "Libs/MRML/Widgets", "Modules/Loadable"),
    "ctk": ("Libs/Core", "Libs/Widgets", "Libs/Visualization/VTK/Widgets", "Libs/Scripting/Python"),
}
_PYTHON_FILES = ("ScriptedLoadableModule", "i18n", "packaging", "util")
_KINDS = ("property", "signal", "slot", "invokable", "decorator", "enum", "method", "attribute", "function", "class")


class Sources:
    """All class declarations of Slicer and CTK, by class name."""

    def __init__(self, slicer: Path, ctk: Path, version: str = SLICER_VERSION) -> None:
        self.classes: dict[str, ClassDeclaration] = {}
        self._decorators: list[tuple[str, Declaration, str]] = []
        ctk_commit = _pinned_ctk(slicer, version)
        for name, text in (*_files(slicer, version, "slicer"), *_files(ctk, ctk_commit, "ctk")):
            self._read(name, text)
        for class_name, declaration, file in self._decorators:
            if class_name in self.classes:
                added = ClassDeclaration(class_name, "", file, [declaration])
                self.classes.setdefault(
                    f"{class_name} decorators", ClassDeclaration(class_name, "", file)
                ).members.extend(added.members)

    def _read(self, name: str, text: str) -> None:
        if name.endswith("PythonQtDecorators.h"):
            self._decorators += [(class_name, found, name) for class_name, found in parse_decorators(text)]
        elif name.endswith(".h"):
            for declared in parse_header(text, name):
                if declared.name not in self.classes or declared.members:
                    self.classes[declared.name] = declared
        elif Path(name).stem in _PYTHON_FILES and "Base/Python/slicer" in name:
            for declared in parse_python(text, name):
                self.classes[declared.name] = declared

    def rows(self, class_name: str, member: str) -> list[tuple[str, Declaration]]:
        """File and declaration of each overload, in the class itself or in the nearest C++ base that has the name."""
        while class_name:
            for place in (class_name, f"{class_name} decorators"):
                declared = self.classes.get(place)
                found = [d for d in declared.members if d.name == member] if declared else []
                if declared and found:
                    return [(declared.file, declaration) for declaration in found]
            class_name = self.classes[class_name].base if class_name in self.classes else ""
        return []


def _files(source: Path, commit: str, project: str) -> Iterator[tuple[str, str]]:
    """Headers and Python files of a work tree, or of a commit in a mirror."""
    if (source / _FOLDERS[project][0]).is_dir():
        for folder in _FOLDERS[project]:
            for path in sorted((source / folder).rglob("*")):
                if path.suffix in (".h", ".py"):
                    yield path.relative_to(source).as_posix(), path.read_text(encoding="utf-8", errors="replace")
        return
    command = ["git", "-C", str(source), "archive", "--format=tar", commit, *_FOLDERS[project]]
    archive = subprocess.run(command, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for item in tar:
            content = tar.extractfile(item) if item.isfile() and item.name.endswith((".h", ".py")) else None
            if content is not None:
                yield item.name, content.read().decode("utf-8", "replace")


def _pinned_ctk(slicer: Path, version: str) -> str:
    file = "SuperBuild/External_CTK.cmake"
    if (slicer / file).exists():
        text = (slicer / file).read_text(encoding="utf-8")
    elif (slicer / "Base").is_dir():
        return "HEAD"
    else:
        command = ["git", "-C", str(slicer), "show", f"{version}:{file}"]
        text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r'"([0-9a-f]{40})"', text)
    if found is None:
        raise ValueError(f"{file} names no CTK commit")
    return found[1]


def provided() -> dict[str, list[str]]:
    """The public members that the host's stand-ins provide, by class."""
    environment.prepare()
    from . import i18n, packaging, pythonqt, scripted, stand_in

    pythonqt.install()
    from . import application, main_window, stand_ins  # noqa: F401

    found = {name: stand_in.public_members(class_) for name, class_ in stand_in.registry.items()}
    for name in scripted.__all__:
        found[name] = [key for key in vars(getattr(scripted, name)) if not key.startswith("_")]
    for module in (i18n, packaging):
        functions = [name for name, _ in inspect.getmembers(module, inspect.isfunction) if not name.startswith("_")]
        found[f"slicer.{module.__name__.rpartition('.')[2]}"] = functions
    return found


def table_rows(sources: Sources) -> tuple[list[members.Member], list[str]]:
    """The table as the sources have it, and the members that the sources do not have."""
    rows, unknown = [], []
    for class_name, names in sorted(provided().items()):
        for name in names:
            found = sources.rows(class_name, name)
            if found:
                rows.append(_row(class_name, name, found))
            else:
                unknown.append(f"{class_name}.{name}")
    return rows, unknown


def _row(class_name: str, name: str, found: list[tuple[str, Declaration]]) -> members.Member:
    """A property comes before an invokable of the same name, as it does in PythonQt."""
    kind = min((declaration.kind for _, declaration in found), key=_KINDS.index)
    of_kind = [declaration for _, declaration in found if declaration.kind == kind]
    if kind in ("slot", "invokable"):
        of_kind = [declaration for _, declaration in found if declaration.kind in ("slot", "invokable")]
    signatures = list(dict.fromkeys(declaration.signature for declaration in of_kind))
    return members.Member(class_name, name, kind, "|".join(signatures), found[0][0])


def differences(sources: Sources) -> list[str]:
    """What in the table is not as the sources have it."""
    expected, unknown = table_rows(sources)
    problems = [f"{member}: not declared in Slicer or CTK" for member in unknown]
    written = {(row.class_name, row.name): row for rows in members.table().values() for row in rows.values()}
    for row in expected:
        if written.pop((row.class_name, row.name), None) != row:
            problems.append(f"{row.class_name}.{row.name}: the table differs from {row.declared_in}")
    return problems + [f"{class_name}.{name}: in the table, not in the host" for class_name, name in written]


def _write(rows: list[members.Member]) -> None:
    with members.TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(members.COLUMNS)
        writer.writerows((row.class_name, row.name, row.kind, row.signature, row.declared_in) for row in rows)


def main(arguments: list[str] | None = None) -> int:
    """0 if every member stands in the table as Slicer declares it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slicer-source", type=Path, required=True)
    parser.add_argument("--ctk-source", type=Path, required=True)
    parser.add_argument("--slicer-version", default=SLICER_VERSION)
    parser.add_argument("--write", action="store_true", help="write the table; members that Slicer lacks are refused")
    options = parser.parse_args(arguments)
    sources = Sources(options.slicer_source, options.ctk_source, options.slicer_version)
    if options.write:
        rows, unknown = table_rows(sources)
        problems = [f"{member}: not declared in Slicer or CTK" for member in unknown]
        _write(rows)
    else:
        problems = differences(sources)
    print("\n".join([*problems, f"{len(problems)} problems"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
