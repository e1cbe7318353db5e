"""Great vessels, oesophagus, and the trees of vessels in liver and lungs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from RSuperLib.phantom.canvas import Canvas
from RSuperLib.phantom.fields import smooth_curve
from RSuperLib.phantom.parts import PART_LABELS
from RSuperLib.phantom.patient import Patient

#: Where vessels meet, template mm.
CAVA_AT_LIVER = (20.0, 2.0, 72.0)
PORTAL_HILUM = (38.0, 16.0, 20.0)
SPLENIC_HILUM = (-76.0, -16.0, 40.0)
CONFLUENCE = (10.0, 20.0, -2.0)


def paint_great_vessels(canvas: Canvas, patient: Patient) -> None:
    """Aorta, vena cava, celiac trunk, superior mesenteric artery, renal vessels and oesophagus."""
    random = patient.random("great vessels")
    tissue = patient.tissue
    wide = float(np.clip(random.normal(9.2 + patient.age * 0.03, 0.9), 8, 16))
    aorta = smooth_curve(
        [[-16, -14, 170, wide * 1.15], [-13, -8, 90, wide * 1.1], [-10, 4, 20, wide], [-7, 6, -60, wide * 0.85],
         [-5, 4, -95, wide * 0.85]], 10,
    )  # fmt: skip
    _vessel(canvas, aorta, tissue["aorta"], "aorta")
    cava = smooth_curve(
        [[15, 2, -100, 9], [19, 4, -40, 10.5], [21, 5, 20, 11], [20, 2, 72, 11.5], [16, 12, 105, 12]], 10
    )
    _vessel(canvas, cava, tissue["vena_cava"], "postcava")
    for side in (-1, 1):
        iliac = smooth_curve([[side * 3 - 5, 4, -94, wide * 0.6], [side * 24, 0, -135, wide * 0.5]], 8)
        _vessel(canvas, iliac, tissue["aorta"], None)
        vein = smooth_curve([[14, 0, -98, 7], [14 + side * 20, -6, -140, 7]], 8)
        _vessel(canvas, vein, tissue["vena_cava"], None)
        _paint_renal_vessels(canvas, patient, side)
    celiac = smooth_curve([[-10, 8, 24, 3.5], [-9, 24, 27, 3.5], [14, 28, 22, 2.8], [28, 24, 18, 2.4]], 6)
    _vessel(canvas, celiac, tissue["aorta"], "celiac_trunk")
    splenic = smooth_curve([[-9, 24, 27, 2.8], [-38, 20, 33, 2.6], [-72, -12, 42, 2.2]], 6)
    _vessel(canvas, splenic, tissue["aorta"], "celiac_trunk")
    mesenteric = smooth_curve([[-9, 10, 12, 3.8], [-7, 22, -4, 3.8], [-4, 26, -50, 3.2], [4, 28, -90, 2.2]], 6)
    _vessel(canvas, mesenteric, tissue["aorta"], "superior_mesenteric_artery")
    _paint_esophagus(canvas, patient)


def _vessel(canvas: Canvas, curve: NDArray[np.float64], value: float, part: str | None, solid: bool = True) -> None:
    tube = canvas.tube(curve)
    canvas.paint(tube.region, tube.distance, value, PART_LABELS[part] if part else None)
    if solid:
        canvas.occupy(tube.region, tube.distance)


def _paint_renal_vessels(canvas: Canvas, patient: Patient, side: int) -> None:
    level = -22 if side > 0 else -8
    artery = smooth_curve([[-8, 2, level + 8, 2.8], [side * 25, -12, level + 2, 2.6], [side * 46, -26, level, 2.4]], 6)
    _vessel(canvas, artery, patient.tissue["aorta"], None)
    vein = smooth_curve([[16, 8, level + 4, 4.5], [side * 22, 2 if side < 0 else -4, level + 2, 4.2],
                         [side * 46, -22, level + 3, 4]], 6)  # fmt: skip
    _vessel(canvas, vein, patient.tissue["vena_cava"], None)


def _paint_esophagus(canvas: Canvas, patient: Patient) -> None:
    curve = smooth_curve([[-4, 2, 170, 7], [-8, 10, 110, 7], [-20, 14, 84, 7.5], [-34, 10, 70, 8]], 8)
    tube = canvas.tube(curve)
    canvas.paint(tube.region, tube.distance, patient.tissue["bowel_wall"], PART_LABELS["esophagus"])
    canvas.paint(tube.region, tube.distance + np.float32(4.5), 0.0)
    canvas.occupy(tube.region, tube.distance)


def paint_portal_vein(canvas: Canvas, patient: Patient) -> None:
    """Portal, splenic and superior mesenteric veins outside the liver."""
    value = patient.tissue["portal_vein"]
    part = "portal_vein_and_splenic_vein"
    portal = [[*CONFLUENCE, 6.8], [20, 20, 10, 7], [*PORTAL_HILUM, 6.8]]
    splenic = [[*CONFLUENCE, 5], [-22, 20, 12, 4.6], [-50, 6, 28, 4.2], [*SPLENIC_HILUM, 3.8]]
    mesenteric = [[*CONFLUENCE, 5.8], [8, 26, -40, 5.4], [10, 28, -90, 3.6]]
    for points in (portal, splenic, mesenteric):
        _vessel(canvas, smooth_curve(np.array(points), 6), value, part)


def grow_tree(
    start: NDArray[np.float64],
    direction: NDArray[np.float64],
    radius: float,
    depth: int,
    length: float,
    random: np.random.Generator,
) -> list[NDArray[np.float64]]:
    """Curves (n, 4) of a branching vessel: each branch bends at random and splits into thinner ones."""
    end = start + direction * length
    middle = (start + end) / 2 + random.normal(0, length * 0.08, 3)
    thin = radius * 0.78
    curve = smooth_curve([[*start, radius], [*middle, (radius + thin) / 2], [*end, thin]], max(4.0, length / 2.5))
    if depth == 0 or thin < 0.7:
        return [curve]
    curves = [curve]
    for _ in range(2):
        turned = direction + random.normal(0, 0.5, 3)
        step = length * random.uniform(0.65, 0.95)
        curves += grow_tree(end, turned / np.linalg.norm(turned), thin * 0.85, depth - 1, step, random)
    return curves


def paint_lung_vessels(canvas: Canvas, patient: Patient) -> None:
    """Vessels that fan out from the hila; only what lies in a lung is painted."""
    random = patient.random("lung vessels")
    depth = 3 if canvas.edge > 2 else 5
    for side in (-1, 1):
        for _ in range(6):
            start = np.array([side * 32.0, random.normal(-6, 10), random.uniform(105, 150)])
            aim = np.array([side * random.uniform(40, 110), random.uniform(-70, 60), random.uniform(20, 110)]) - start
            aim /= np.linalg.norm(aim)
            for curve in grow_tree(start, aim, 3.6, depth, 30, random):
                tube = canvas.tube(curve, margin=3)
                inside = np.isin(canvas.part[tube.region.box], (PART_LABELS["lung_left"], PART_LABELS["lung_right"]))
                share = np.clip(np.float32(0.5) - tube.distance / np.float32(canvas.edge), 0, 1)
                canvas.blend(tube.region, share * inside, 35.0)
