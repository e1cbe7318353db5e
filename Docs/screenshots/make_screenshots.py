"""Photographs the panel with a made-up case, by the buttons that a user presses.

    pip install '.[slicer]' && python Docs/screenshots/make_screenshots.py CASE_FOLDER [--style light] [--scale 2]

CASE_FOLDER is one of `rsuper phantom`: ct.nii.gz, parts.nii.gz, parts.json, report.txt.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def main() -> None:
    """Fill the panel in, press Apply, and save pictures of what it shows on the way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    parser.add_argument("--style", choices=("dark", "light"), default="dark")
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    from Testing.Host.host import Host

    name = options.style + (f"-{options.scale:g}x" if options.scale != 1 else "")
    with Host(style=options.style, scale=options.scale) as host:
        import slicer

        host.load(ROOT / "RSuper" / "RSuper.py")
        host.startup_completed()
        widget = host.open("RSuper")
        _fill_in(host, widget, options.case)
        host.screenshot(options.out / f"panel-reading-{name}.png")
        widget.ui.applyButton.click()
        host.wait_until(lambda: 20 < widget.ui.progressBar.value < 80 or not widget.panel.isBusy, 120)
        host.screenshot(options.out / f"panel-working-{name}.png")
        host.wait_until(lambda: not widget.panel.isBusy, 300)
        host.settle(200)
        widget.ui.findingsTable.selectRow(0)
        widget.ui.show3DButton.checked = True
        slicer.app.layoutManager().threeDWidget(0).threeDView().resetFocalPoint()
        host.settle(500)
        host.screenshot(options.out / f"panel-{name}.png")


def _fill_in(host, widget, case: Path) -> None:
    import slicer

    ct = slicer.util.loadVolume(str(case / "ct.nii.gz"), {"name": "Phantom CT"})
    ct.GetDisplayNode().SetAutoWindowLevel(False)
    ct.GetDisplayNode().SetWindowLevel(400, 60)
    parts = _load_parts(case, ct)
    widget.ui.ctSelector.setCurrentNode(ct)
    widget.ui.partsSelector.setCurrentNode(parts)
    widget.ui.reportTextEdit.setPlainText((case / "report.txt").read_text(encoding="utf-8"))
    host.wait_until(lambda: bool(widget.logic.getState().reading), 120)
    slicer.util.setSliceViewerLayers(background=ct, label=None, fit=True)
    host.settle(200)


def _load_parts(case: Path, ct):
    import slicer

    labels = slicer.util.loadLabelVolume(str(case / "parts.nii.gz"), {"show": False})
    array = slicer.util.arrayFromVolume(labels)
    parts = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Organs")
    parts.SetReferenceImageGeometryParameterFromVolumeNode(ct)
    for label, name in json.loads((case / "parts.json").read_text(encoding="utf-8")).items():
        segment = parts.GetSegmentation().AddEmptySegment("", name)
        slicer.util.updateSegmentBinaryLabelmapFromArray((array == int(label)).astype("uint8"), parts, segment, ct)
    slicer.mrmlScene.RemoveNode(labels)
    parts.CreateDefaultDisplayNodes()
    parts.GetDisplayNode().SetVisibility(False)  # the lesions are the subject of the picture
    return parts


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # Qt and VTK take their globals down in an order that neither knows of the other
