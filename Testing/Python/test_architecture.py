"""The order of the folders, what may be imported where, and what the top level must hold."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "RSuperLib"
#: A folder imports only folders named before it.
ORDER = (
    "io", "report", "anatomy", "phantom", "supervision", "networks", "models", "agreement", "inference", "evaluation",
    "training", "cohort", "export",
)  # fmt: skip
#: These may import everything.
TOP = ("worker", "bench", "commands")
MODULES = sorted(LIBRARY.rglob("*.py"))


def imported_modules(path: Path) -> list[str]:
    """Absolute names of everything a file imports, at file level or inside functions."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names += [node.module or ""]
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def folder_of(module: str) -> str | None:
    """Folder of RSuperLib that a module name leads to."""
    words = module.split(".")
    return words[1] if words[0] == "RSuperLib" and len(words) > 1 else None


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_imports_follow_the_order_of_folders(path: Path) -> None:
    parts = path.relative_to(LIBRARY).parts
    if len(parts) == 1 or parts[0] in TOP:
        return
    allowed = ORDER[: ORDER.index(parts[0]) + 1]
    reached = {folder_of(name) for name in imported_modules(path)} & {*ORDER, *TOP, "cli"}
    assert reached <= set(allowed), f"{parts[0]} must not import {sorted(reached - set(allowed))}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_the_library_knows_no_slicer_and_no_qt(path: Path) -> None:
    forbidden = {"slicer", "qt", "ctk", "vtk", "PySide6", "PythonQt"}
    assert not {name.split(".")[0] for name in imported_modules(path)} & forbidden


def test_every_folder_has_its_place() -> None:
    folders = {path.name for path in LIBRARY.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders <= {*ORDER, *TOP}


@pytest.mark.parametrize(
    "module", ["RSuperLib", "RSuperLib.cli", "RSuperLib.io", "RSuperLib.report", "RSuperLib.worker"]
)
def test_light_modules_stay_light(module: str) -> None:
    """Opening the panel or reading a report must not wait for torch."""
    heavy = "{'torch', 'monai', 'transformers', 'matplotlib', 'scipy'}"
    code = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "", f"import {module} also imports {done.stdout.strip()}"


def test_no_function_is_long() -> None:
    long = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                long += [f"{path.name}:{node.name} {lines} lines"] if lines > 60 else []
    assert not long
