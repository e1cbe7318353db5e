"""The solid organs of the upper abdomen, with their parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from RSuperLib.phantom.canvas import Canvas, Region
from RSuperLib.phantom.fields import (
    Coordinates,
    Field,
    coverage,
    ellipsoid,
    rotation_about,
    smooth_curve,
    smooth_min,
    turned,
)
from RSuperLib.phantom.parts import PART_LABELS
from RSuperLib.phantom.patient import Patient
from RSuperLib.phantom.vessels import CAVA_AT_LIVER, PORTAL_HILUM, grow_tree

_LIVER_FIRST, _LIVER_LAST = PART_LABELS["liver_segment_1"], PART_LABELS["liver_segment_8"]


def paint_kidneys(canvas: Canvas, patient: Patient) -> None:
    """Both kidneys with cortex, medullary pyramids, sinus fat and pelvis. The parts are the parenchyma."""
    for side in (-1, 1):
        _paint_kidney(canvas, patient, side)


def _paint_kidney(canvas: Canvas, patient: Patient, side: int) -> None:
    random = patient.random(f"kidney {side}")
    centre = np.array([side * 62.0, -33.0, -28.0 if side > 0 else -12.0]) + random.normal(0, (3, 3, 6))
    size = float(np.clip(random.normal(1, 0.08), 0.8, 1.2))
    region = canvas.region(centre - 70, centre + 70)
    lateral, front, up = _kidney_frame(region.at, centre, side, random)
    up = up / np.float32(size)
    lateral = lateral / np.float32(size) + up**2 * np.float32(0.0022)
    front = front / np.float32(size)
    bumpy = canvas.noise(region, 22, random) * np.float32(0.8)
    local = (lateral, front, up)
    outer = ellipsoid(local, (0, 0, 0), (28.5, 24, 56)) + bumpy
    sinus = ellipsoid(local, (-17, 2, 0), (19, 8, 26)) + np.float32(1.2) * canvas.noise(region, 12, random)
    outer = canvas.carve(region, outer, 0.5)
    parenchyma = np.maximum(outer, -sinus)
    tissue = patient.tissue
    canvas.paint(region, parenchyma, tissue["cortex"], PART_LABELS["kidney_right" if side > 0 else "kidney_left"])
    pyramids = _pyramids(local, outer, sinus)
    canvas.blend(region, coverage(pyramids, max(3.0, canvas.edge)) * (parenchyma < 0), tissue["medulla"])
    inside = np.maximum(sinus, outer)
    canvas.paint(region, inside + np.float32(0.5), tissue["fat"] + 25)
    pelvis = smooth_min(ellipsoid(local, (-17, 0, -2), (9, 4.5, 13)), ellipsoid(local, (-8, 0, 0), (3.5, 4, 19)), 4)
    canvas.paint(region, np.maximum(pelvis, inside + np.float32(1)), tissue["urine"])
    canvas.occupy(region, np.minimum(outer, parenchyma))


def _kidney_frame(at: Coordinates, centre: NDArray[np.float64], side: int, random: np.random.Generator) -> Coordinates:
    up = np.array([-side * random.normal(0.24, 0.05), -random.normal(0.2, 0.05), 1.0])
    up /= np.linalg.norm(up)
    out = np.array([side * 0.88, -0.48, 0.0])
    out -= up * (out @ up)
    out /= np.linalg.norm(out)
    return turned(at, centre, np.vstack([out, np.cross(up, out), up]))


def _pyramids(local: Coordinates, outer: Field, sinus: Field) -> Field:
    """Distance-like field of the pyramids: between cortex and sinus, apart from each other by columns of cortex."""
    lateral, front, up = local
    angle = np.arctan2(front, lateral + np.float32(16))
    rows = np.cos(up * np.float32(2 * np.pi / 19)) + np.float32(0.8) * np.cos(angle * np.float32(4.5))
    column = np.float32(2.2) * (np.float32(-0.35) - rows)
    return np.asarray(np.maximum(np.maximum(outer + np.float32(6.5), -sinus), column), np.float32)


def paint_adrenals(canvas: Canvas, patient: Patient) -> None:
    """Both adrenals: a body with two thin limbs that point backwards."""
    for side in (-1, 1):
        random = patient.random(f"adrenal {side}")
        part = PART_LABELS["adrenal_gland_right" if side > 0 else "adrenal_gland_left"]
        top = np.array([28.0, -10.0, 42.0] if side > 0 else [-32.0, -6.0, 36.0]) + random.normal(0, 1.5, 3)
        thick = random.normal(3.5, 0.3)
        limbs = [(side * 2.0, -20.0, -20.0), (side * 13.0, -17.0, -18.0), (side * 4, -8, -24.0)]
        for step in limbs:
            half = top + np.array(step) * 0.5
            curve = smooth_curve([[*top, thick], [*half, thick], [*(top + np.array(step)), thick * 0.8]], 4)
            tube = canvas.tube(curve)
            distance = canvas.carve(tube.region, tube.distance, 0.3)
            canvas.paint(tube.region, distance, patient.tissue["adrenal"], part)
            canvas.occupy(tube.region, distance)


def paint_pancreas(canvas: Canvas, patient: Patient) -> None:
    """Pancreas along the splenic vein; head, body and tail are parts of its length."""
    random = patient.random("pancreas")
    thin = float(np.clip(1.12 - (patient.age - 50) * 0.006, 0.75, 1.2)) * random.normal(1, 0.06)
    tail = random.normal(0, 8)
    points = np.array(
        [[24, 22, -44, 8], [29, 25, -30, 13.5], [27, 27, -14, 14], [10, 33, 0, 9], [-16, 33, 9, 9.5],
         [-40, 19, 21 + tail * 0.4, 9.5], [-62, -1, 30 + tail, 9], [-74, -10, 36 + tail, 6]]
    )  # fmt: skip
    points[:, 3] *= thin
    points[:, :3] += random.normal(0, 1.5, (len(points), 3))
    tube = canvas.tube(smooth_curve(points, 5), details=True)
    lobules = canvas.noise(tube.region, 7, random)
    distance = tube.distance + (0.9 + max(0, patient.age - 50) * 0.015) * lobules
    distance = canvas.carve(tube.region, distance, 0.3)
    value = patient.tissue["pancreas"] + 6 * lobules
    canvas.paint(tube.region, distance, value)
    names = ("pancreas_head", "pancreas_body", "pancreas_tail")
    labels = np.array([PART_LABELS[name] for name in names], np.uint8)
    which = labels[np.digitize(tube.along, (0.40, 0.70))]
    part = canvas.part[tube.region.box]
    np.copyto(part, which, where=distance < 0)
    canvas.occupy(tube.region, distance)


def paint_gallbladder(canvas: Canvas, patient: Patient) -> None:
    """A pear under the liver, unless it was removed."""
    if not patient.gallbladder:
        return
    random = patient.random("gallbladder")
    centre = np.array([50, 52, -22]) + random.normal(0, 4, 3)
    wide = random.normal(14, 2)
    region = canvas.region(centre - 45, centre + 45)
    local = turned(region.at, centre, rotation_about(0, -28) @ rotation_about(1, random.normal(10, 6)))
    taper = np.float32(1) + np.clip(local[2], -30, 30) * np.float32(0.011)
    local = (local[0] * taper, local[1] * taper, local[2])
    distance = canvas.carve(region, ellipsoid(local, (0, 0, 0), (wide, wide, 32)), 0.5)
    canvas.paint(region, distance, patient.tissue["bowel_wall"], PART_LABELS["gall_bladder"])
    canvas.paint(region, distance + np.float32(1.6), patient.tissue["bile"])
    canvas.occupy(region, distance)


def paint_liver(canvas: Canvas, patient: Patient) -> None:
    """Liver under the right dome, with its eight segments and its veins."""
    random = patient.random("liver")
    region = canvas.region((-100, -90, -110), (135, 100, 120))
    distance = canvas.carve(region, _liver_distance(region, canvas, random), patient.gap * 0.5)
    texture = 3.5 * canvas.noise(region, 6, random)
    canvas.paint(region, distance, patient.tissue["liver"] + texture)
    segment = _couinaud(region.at, random)
    np.copyto(canvas.part[region.box], segment, where=distance < 0)
    canvas.occupy(region, distance)
    _paint_liver_veins(canvas, patient, random)


def _liver_distance(region: Region, canvas: Canvas, random: np.random.Generator) -> Field:
    x, _, z = region.at
    size = np.clip(random.normal(1, 0.06, 3), 0.88, 1.14)
    reach = random.normal(0, 12)  # how far the left lobe reaches to the left, and the right lobe down
    right = ellipsoid(region.at, (64, 4, 22), np.array([70, 88, 88]) * size)
    left = ellipsoid(region.at, (-10 - reach * 0.5, 44, 55), np.array([72 + reach, 42, 38]) * size)
    lobes = smooth_min(right, left, 30)
    lower = (np.float32(random.normal(-64, 10)) + np.float32(0.66) * (np.float32(112) - x) - z) * np.float32(0.83)
    lower = lower + np.float32(3) * canvas.noise(region, 45, random)
    distance = -smooth_min(-lobes, -lower, 22)
    fissure = ellipsoid(region.at, (3, 66, 26), (3.5, 24, 22))
    return np.asarray(np.maximum(distance, -fissure), np.float32)


def _couinaud(at: Coordinates, random: np.random.Generator) -> NDArray[np.uint8]:
    """Labels of the segments: sectors between the hepatic veins about the vena cava, split by the portal plane."""
    x, y, z = at
    angle = np.degrees(np.arctan2(y - np.float32(CAVA_AT_LIVER[1]), x - np.float32(CAVA_AT_LIVER[0])))
    angle = np.where(angle < -90, angle + 360, angle)
    right, middle, left = random.normal((8, 64, 106), 3)
    upper = z > np.float32(random.normal(20, 3)) + (x - 60) * np.float32(0.08)
    upper_left = (z - np.float32(52)) - (y - 46) * np.float32(0.5) > 0
    segment = np.where(upper_left, 2, 3)
    segment = np.where(angle < left, 4, segment)
    segment = np.where(angle < middle, np.where(upper, 8, 5), segment)
    segment = np.where(angle < right, np.where(upper, 7, 6), segment)
    caudate = ellipsoid(at, (6, 12, 42), (21, 15, 28)) < 0
    return (np.where(caudate, 1, segment) + _LIVER_FIRST - 1).astype(np.uint8)


def _paint_liver_veins(canvas: Canvas, patient: Patient, random: np.random.Generator) -> None:
    depth = 2 if canvas.edge > 2 else 4
    top = CAVA_AT_LIVER
    veins = (
        [[*top, 5.5], [56, 5, 62, 4.8], [86, 10, 36, 3.4], [100, 14, 5, 2]],
        [[*top, 5], [32, 28, 58, 4.4], [44, 50, 28, 3], [52, 62, 5, 1.8]],
        [[*top, 4.5], [4, 22, 66, 4], [-24, 44, 56, 2.8], [-48, 52, 52, 1.8]],
    )
    portal = (
        [[*PORTAL_HILUM, 6.2], [62, 14, 22, 5.2], [82, 30, 36, 3.4]],
        [[56, 15, 22, 5], [76, -8, 16, 4.2], [94, -28, 6, 2.8]],
        [[*PORTAL_HILUM, 5.5], [18, 32, 34, 4.8], [0, 48, 42, 4], [-26, 50, 46, 2.6]],
        [[62, 14, 22, 4.2], [78, 36, 2, 3], [84, 44, -18, 2]],
    )
    for value, trunks in ((patient.tissue["hepatic_vein"], veins), (patient.tissue["portal_vein"], portal)):
        for points in trunks:
            curve = smooth_curve(np.array(points), 6)
            curve[1:, :3] += random.normal(0, 1.2, (len(curve) - 1, 3))
            _paint_inside_liver(canvas, curve, value)
            for start in curve[len(curve) // 3 :: 3]:
                aim = curve[-1, :3] - curve[0, :3]
                aim = aim / np.linalg.norm(aim) + random.normal(0, 0.8, 3)
                tree = grow_tree(start[:3], aim / np.linalg.norm(aim), start[3] * 0.6, depth - 1, 22, random)
                for branch in tree:
                    _paint_inside_liver(canvas, branch, value)


def _paint_inside_liver(canvas: Canvas, curve: NDArray[np.float64], value: float) -> None:
    tube = canvas.tube(curve, margin=3)
    part = canvas.part[tube.region.box]
    inside = (part >= _LIVER_FIRST) & (part <= _LIVER_LAST)
    canvas.blend(tube.region, coverage(tube.distance, canvas.edge) * inside, value)


def paint_spleen(canvas: Canvas, patient: Patient) -> None:
    """Spleen between stomach, kidney and ribs; mottled in the arterial phase."""
    random = patient.random("spleen")
    size = float(np.clip(random.lognormal(0, 0.1), 0.8, 1.3))
    centre = np.array([-94, -28, 44]) + random.normal(0, 4, 3)
    region = canvas.region(centre - 75, centre + 75)
    local = turned(region.at, centre, rotation_about(1, random.normal(18, 6)) @ rotation_about(2, random.normal(25, 8)))
    body = ellipsoid(local, (0, 0, 0), np.array([34, 52, 58]) * size)
    hollow = ellipsoid(local, (46, 6, 0), (34, 42, 60))
    distance = -smooth_min(-body, hollow, 8) + np.float32(1.5) * canvas.noise(region, 25, random)
    distance = canvas.carve(region, distance, patient.gap * 0.5)
    value = patient.tissue["spleen"] + 3 * canvas.noise(region, 6, random)
    if patient.phase == "arterial":
        value = value + 28 * np.sin(2.2 * canvas.noise(region, 16, random))
    canvas.paint(region, distance, value, PART_LABELS["spleen"])
    canvas.occupy(region, distance)
