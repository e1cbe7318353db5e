"""What the host says where it cannot run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def test_a_missing_library_is_answered_with_the_apt_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from Testing.Host import environment

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    monkeypatch.setattr(environment, "_pyside_version", lambda: (6, 11))
    monkeypatch.setattr(environment, "_loads", lambda library: library != "EGL")
    assert environment.missing().startswith("the library EGL is missing: apt-get install -y libegl1")


def test_a_missing_package_is_answered_with_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from Testing.Host import environment

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert environment.missing() == "slicer-core is not installed: pip install '.[slicer]'"


@pytest.mark.parametrize(("python", "pyside", "refused"), [((3, 11), (6, 12), True), ((3, 12), (6, 12), False)])
def test_a_pyside_that_breaks_python_is_refused(
    monkeypatch: pytest.MonkeyPatch, python: tuple[int, int], pyside: tuple[int, int], refused: bool
) -> None:
    from Testing.Host import environment

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    monkeypatch.setattr(environment, "_loads", lambda _: True)
    monkeypatch.setattr(environment, "_pyside_version", lambda: pyside)
    monkeypatch.setattr(sys, "version_info", python)
    assert ("PySide6-Essentials<6.12" in environment.missing()) == refused


def test_the_command_line_ends_with_2_where_the_host_cannot_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from Testing.Host import __main__, environment

    monkeypatch.setattr(environment, "missing", lambda: "the reason")
    assert __main__.main(["--module", "Any.py"]) == 2
    assert "the reason" in capsys.readouterr().err


def test_python_slicer_is_this_python_and_leaves_path_as_it_was(tmp_path: Path) -> None:
    from Testing.Host import environment

    before = os.environ["PATH"]
    restore = environment.add_python_slicer(tmp_path)
    command: Any = shutil.which("PythonSlicer")
    output = subprocess.run([command, "-c", "print(6 * 7)"], capture_output=True, text=True, check=True).stdout
    restore()
    assert (output.strip(), os.environ["PATH"]) == ("42", before)
