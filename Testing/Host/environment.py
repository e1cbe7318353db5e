"""What the host needs on the machine, and the settings that have to stand before Qt and VTK are imported."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path

APT_LINE = (
    "apt-get install -y libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri libx11-6 libxcb1 libxkbcommon0 "
    "libfontconfig1 libdbus-1-3 libglib2.0-0"
)


def prepare(scale: float = 1.0) -> None:
    """Draw off screen: Qt without a display, VTK through EGL, optionally at a high-DPI `scale`."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    os.environ["QT_SCALE_FACTOR"] = str(scale)
    # Qt's offscreen plugin looks for fonts in PySide6's own, empty folder unless it is told where some are.
    os.environ.setdefault("QT_QPA_FONTDIR", str(_fonts()))


def _fonts() -> Path:
    """DejaVu, as matplotlib brings it: there on every machine."""
    matplotlib = importlib.util.find_spec("matplotlib")
    if matplotlib is None or matplotlib.origin is None:
        return Path("/usr/share/fonts/truetype/dejavu")
    return Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf"


def add_python_slicer(folder: Path) -> Callable[[], None]:
    """Put a `PythonSlicer` that is this Python in front of PATH; returns the function that takes it away again."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / "PythonSlicer"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{folder}{os.pathsep}{before}"

    def restore() -> None:
        os.environ["PATH"] = before

    return restore


def missing() -> str:
    """Why the host cannot run here, with the command that changes it; empty if it can."""
    for package, module in (("slicer-core", "slicer_core"), ("PySide6-Essentials", "PySide6")):
        if importlib.util.find_spec(module) is None:
            return f"{package} is not installed: pip install '.[slicer]'"
    if sys.version_info < (3, 12) and _pyside_version() >= (6, 12):
        # It counts references to None wrongly there (`QLabel.setText` loses one a call), until Python stops.
        return "PySide6 6.12 needs Python 3.12, which Slicer 5.12 has: pip install 'PySide6-Essentials<6.12'"
    for library in ("EGL", "GL", "xkbcommon", "fontconfig", "dbus-1"):
        if not _loads(library):
            return f"the library {library} is missing: {APT_LINE}"
    return ""


def _pyside_version() -> tuple[int, ...]:
    return tuple(int(part) for part in importlib.metadata.version("PySide6-Essentials").split(".")[:2])


def _loads(library: str) -> bool:
    found = ctypes.util.find_library(library)
    if found is None:
        return False
    try:
        ctypes.CDLL(found)
    except OSError:
        return False
    return True
