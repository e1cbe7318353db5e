"""`python -m Testing.Host.bench_panel`: how long the panel keeps Slicer waiting, on a CT of 512 x 512 x 300 voxels.

Every phase gets the longest time that the event loop stood still, without the host's software drawing (`watchdog`), and
what the slowest of Slicer's own calls in it cost.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from . import environment
from .host import Host

if TYPE_CHECKING:
    import numpy as np

MODULE = Path(__file__).parents[2] / "RSuper" / "RSuper.py"
SHAPE = (300, 512, 512)  # k, j, i
SPACING = (0.75, 0.75, 1.0)  # i, j, k in millimetres
REPORT = "Liver: There is a hypodense mass in the liver measuring 26 x 25 mm. Spleen normal.\n"
#: First corner and size (k, j, i) of the organs, which are boxes, and their Hounsfield units.
ORGANS = {"liver": ((80, 120, 80), (160, 210, 180), 100), "left kidney": ((100, 300, 350), (80, 80, 80), 110)}
MASS_CENTER, MASS_DIAMETER_MM, MASS_HU = (150, 220, 170), 26.0, 40
SLOW_S = 0.01  # calls of Slicer under this are not listed


def main(arguments: list[str] | None = None) -> int:
    """0 if it was measured, 2 if the host cannot run here."""
    parser = argparse.ArgumentParser(prog="python -m Testing.Host.bench_panel", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write them as JSON")
    options = parser.parse_args(arguments)
    reason = environment.missing()
    if reason:
        print(f"the host cannot run here: {reason}", file=sys.stderr)
        return 2
    figures = {"benchmark": "panel", **measure()}
    text = json.dumps(figures, indent=2)
    print(text if options.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


def measure() -> dict[str, Any]:
    """Open the panel, read, apply, look and export, as a user does; milliseconds of block and seconds of each."""
    machine = {"cores": os.cpu_count(), "load_before": round(os.getloadavg()[0], 1)}
    with Host() as host:
        host.load(MODULE)
        host.startup_completed()
        started = time.perf_counter()
        widget = host.open("RSuper")
        open_s = time.perf_counter() - started
        ct, parts = _case()
        widget.ui.ctSelector.setCurrentNode(ct)
        widget.ui.partsSelector.setCurrentNode(parts)
        host.settle(1000)
        phases = Phases()
        _read(host, widget, phases)
        apply_s = _apply(host, widget, phases)
        _jump(host, widget, phases)
        _export(widget, phases)
        result = widget.ui.agreementLabel.text
    return {
        "voxels": list(reversed(SHAPE)),
        **machine,
        "open_s": round(open_s, 2),
        "apply_to_result_s": round(apply_s, 1),
        "longest_block_ms": phases.longest_block_ms,
        "slicer_calls_s": phases.slicer_calls_s,
        "result": result,
    }


class Phases:
    """The event loop's longest block, phase by phase, and Slicer's slow calls in some of them."""

    def __init__(self) -> None:
        from .watchdog import Watchdog

        self.longest_block_ms: dict[str, int] = {}
        self.slicer_calls_s: dict[str, dict[str, float]] = {}
        self._watchdog = Watchdog()
        self._name = ""

    def begin(self, name: str) -> None:
        """Begin a phase; one that is going on ends."""
        self.end()
        self._name = name
        self._watchdog.start()

    def end(self) -> None:
        """End the phase."""
        if self._name:
            self.longest_block_ms[self._name] = round(self._watchdog.stop())
        self._name = ""

    @contextmanager
    def slicer_calls(self) -> Iterator[None]:
        """Around what the main thread does at once in this phase: note which calls of Slicer took long."""
        with cProfile.Profile() as profile:
            yield
        self.slicer_calls_s[self._name] = _slow_calls(profile)


def _slow_calls(profile: cProfile.Profile) -> dict[str, float]:
    """Call -> seconds in it, without what it called in Python; slowest first."""
    slow = [(_call_name(entry.code), entry.inlinetime) for entry in profile.getstats() if entry.inlinetime >= SLOW_S]
    return {name: round(seconds, 2) for name, seconds in sorted(slow, key=lambda call: -call[1]) if name}


def _call_name(code: str | CodeType) -> str:
    """Class.method of VTK and MRML, or nothing. Static methods are not profiled: their time is the caller's."""
    if isinstance(code, CodeType):
        return f"unprofiled calls in {code.co_name}" if MODULE.parent in Path(code.co_filename).parents else ""
    method = re.search(r"method '(\w+)' of '(?:\w+\.)*(vtk\w+)' objects", code)
    return f"{method[2]}.{method[1]}" if method else ""


def _read(host: Host, widget: Any, phases: Phases) -> None:
    phases.begin("reading")
    widget.ui.reportTextEdit.setPlainText(REPORT)
    _wait(host, widget, lambda: bool(widget.logic.getState().reading))
    host.settle(200)
    phases.end()


def _apply(host: Host, widget: Any, phases: Phases) -> float:
    """Seconds from the press of Apply until the result is shown."""
    accept = widget.logic.acceptResult

    def accept_measured(*arguments: Any) -> None:
        phases.begin("taking the result in")
        with phases.slicer_calls():
            accept(*arguments)

    widget.logic.acceptResult = accept_measured
    started = time.perf_counter()
    phases.begin("worker at work")
    widget.ui.applyButton.click()
    _wait(host, widget, lambda: not widget.panel.isBusy)
    seconds = time.perf_counter() - started
    host.settle(300)
    phases.end()
    if widget.logic.getState().lesions is None:
        raise RuntimeError(f"no lesion was marked, so there is nothing to measure: {widget.ui.statusLabel.text}")
    return seconds


def _jump(host: Host, widget: Any, phases: Phases) -> None:
    phases.begin("jump")
    with phases.slicer_calls():
        widget.ui.findingsTable.selectRow(0)
    host.settle(100)
    phases.end()


def _export(widget: Any, phases: Phases) -> None:
    with tempfile.TemporaryDirectory() as folder:
        phases.begin("export")
        with phases.slicer_calls():
            widget.panel.exportTo(folder)
        phases.end()
        if not any(Path(folder).iterdir()):
            raise RuntimeError(f"nothing was exported: {widget.ui.exportLabel.text}")


def _wait(host: Host, widget: Any, is_done: Any) -> None:
    if not host.wait_until(is_done, 300):
        raise RuntimeError(f"waited five minutes in vain: {widget.ui.statusLabel.text}")


def _case() -> tuple[Any, Any]:
    """A CT with two organs and a mass in one of them, as nodes of the scene."""
    import numpy as np
    import slicer

    hounsfield = (np.random.default_rng(0).standard_normal(SHAPE, np.float32) * 12).astype(np.int16) + np.int16(40)
    hounsfield[:, :60] = hounsfield[:, -60:] = -1000
    masks = {name: _box(first, size) for name, (first, size, _hu) in ORGANS.items()}
    for name, mask in masks.items():
        hounsfield[mask] += np.int16(ORGANS[name][2] - 40)
    hounsfield[_mass()] += np.int16(MASS_HU - ORGANS["liver"][2])
    ct = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Large CT")
    ct.SetSpacing(*SPACING)
    ct.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    slicer.util.updateVolumeFromArray(ct, hounsfield)
    ct.CreateDefaultDisplayNodes()
    parts = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    parts.CreateDefaultDisplayNodes()
    parts.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    for name, mask in masks.items():
        segment = parts.GetSegmentation().AddEmptySegment("", name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), parts, segment, ct)
    return ct, parts


def _box(first: tuple[int, ...], size: tuple[int, ...]) -> np.ndarray:
    import numpy as np

    mask = np.zeros(SHAPE, bool)
    mask[tuple(slice(start, start + length) for start, length in zip(first, size, strict=True))] = True
    return mask


def _mass() -> np.ndarray:
    import numpy as np

    axes = np.ogrid[tuple(slice(0, length) for length in SHAPE)]
    squares = [((axis - c) * s) ** 2 for axis, c, s in zip(axes, MASS_CENTER, SPACING[::-1], strict=True)]
    mass: np.ndarray = sum(squares) <= (MASS_DIAMETER_MM / 2) ** 2
    return mass


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # as in __main__: Qt and VTK take their globals down in an order that neither knows of the other
