"""Stomach, duodenum, colon and small bowel: bent tubes with a wall around gas, fluid, food or contrast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from RSuperLib.phantom.canvas import Canvas, Tube
from RSuperLib.phantom.fields import Field, coverage, smooth_curve
from RSuperLib.phantom.parts import PART_LABELS
from RSuperLib.phantom.patient import Patient

_GAS = -960.0
#: Loops of small bowel; the first ones are the jejunum in the upper left.
_LOOPS, _JEJUNUM = 16, 4


@dataclass(frozen=True)
class Filling:
    """What is in a piece of bowel.

    Attributes:
        value: HU of the fluid or stool.
        mottle: HU standard deviation of its lumps (stool, food).
        gas: height of the gas level above the centre line as a share of the radius; 1 = no gas, -1 = only gas.
        wall: thickness of the wall, mm.
        folds: number of folds (haustra, valvulae) along the tube.
        depth: how deep the folds are, mm.
    """

    value: float
    mottle: float
    gas: float
    wall: float = 2.5
    folds: float = 0.0
    depth: float = 0.0


def paint_stomach(canvas: Canvas, patient: Patient) -> None:
    """Stomach from under the left dome to the pylorus, more or less full."""
    random = patient.random("stomach")
    full = float(np.clip(random.normal(0.9, 0.2), 0.5, 1.25))
    points = np.array(
        [[-50, -14, 66, 20], [-56, 4, 62, 33], [-58, 26, 40, 31], [-50, 48, 12, 26], [-26, 60, -6, 21],
         [4, 58, -8, 16], [24, 46, -3, 10], [32, 40, -2, 7]],
        float,
    )  # fmt: skip
    points[:, 3] *= full
    points[1:-1, :3] += random.normal(0, 4, (6, 3))
    filling = Filling(
        value=_opacified(patient, random.choice([12.0, 30.0])),
        mottle=random.choice([2.0, 12.0, 35.0]),
        gas=random.uniform(0.1, 0.95),
        wall=float(random.uniform(3.5, 6)),
        folds=9,
        depth=1.5,
    )
    _paint_bowel(canvas, patient, points, filling, "stomach", random)


def paint_duodenum(canvas: Canvas, patient: Patient) -> None:
    """The C around the head of the pancreas, then behind the mesenteric vessels to the left."""
    random = patient.random("duodenum")
    points = np.array(
        [[36, 40, -4, 9], [50, 30, -8, 10.5], [54, 20, -30, 11], [48, 16, -54, 11], [22, 16, -64, 10],
         [-8, 14, -60, 9.5], [-26, 20, -44, 9.5], [-34, 30, -34, 9]],
        float,
    )  # fmt: skip
    points[:, :3] += random.normal(0, 2, (8, 3))
    filling = Filling(_opacified(patient, 18.0), 10, random.uniform(0.5, 1.3), 2.5, 14, 0.8)
    _paint_bowel(canvas, patient, points, filling, "duodenum", random)


def paint_colon(canvas: Canvas, patient: Patient) -> None:
    """Caecum to descending colon, with haustra, stool and gas."""
    random = patient.random("colon")
    wide = random.normal(1, 0.12)
    sag = random.normal(-38, 14)
    points = np.array(
        [[88, 12, -145, 23], [96, 8, -105, 24], [98, 4, -70, 22], [94, 14, -46, 20], [78, 42, -46, 18],
         [48, 66, sag, 19], [4, 74, sag - 6, 19], [-40, 70, sag + 10, 18], [-78, 50, 0, 17], [-98, 14, 30, 18],
         [-100, -12, 12, 17], [-100, -20, -40, 16], [-98, -16, -95, 16], [-92, -4, -145, 16]],
        float,
    )  # fmt: skip
    points[:, :3] += random.normal(0, 5, (len(points), 3))
    points[:, 3] *= wide * random.uniform(0.8, 1.2, len(points))
    filling = Filling(
        value=_opacified(patient, random.uniform(5, 40)),
        mottle=float(random.uniform(60, 220)),
        gas=random.uniform(-0.5, 0.7),
        wall=2.4,
        folds=34,
        depth=2.4,
    )
    _paint_bowel(canvas, patient, points, filling, "colon", random)


def paint_small_bowel(canvas: Canvas, patient: Patient) -> None:
    """Loops that wander through what room is left in the lower abdomen."""
    random = patient.random("small bowel")
    opaque = _opacified(patient, 0)
    for loop in range(_LOOPS):
        points = _wandering_loop(loop, random)
        value = opaque if opaque > 100 and loop > 2 else float(random.uniform(8, 35))
        filling = Filling(value, 8, random.choice([1.4, 1.2, 0.4]), 2.4, 60, 0.8)
        _paint_bowel(canvas, patient, points, filling, "intestine", random)


def paint_mesentery(canvas: Canvas, patient: Patient) -> None:
    """Small vessels in the fat between the loops."""
    random = patient.random("mesentery")
    value = (patient.tissue["portal_vein"] + patient.tissue["aorta"]) / 2
    for _ in range(26):
        start = np.array([3, 26, random.uniform(-85, -20)])
        end = np.array([random.uniform(-80, 80), random.uniform(10, 70), random.uniform(-125, -10)])
        middle = (start + end) / 2 + random.normal(0, 8, 3)
        curve = smooth_curve([[*start, 1.9], [*middle, 1.5], [*end, 0.9]], 8)
        tube = canvas.tube(curve, margin=3)
        free = canvas.occupied[tube.region.box] > 0
        canvas.blend(tube.region, coverage(tube.distance, canvas.edge) * free, value)


def _opacified(patient: Patient, plain: float) -> float:
    """HU of the content: in some patients oral contrast, the same in all of the bowel."""
    random = patient.random("oral contrast")
    return float(random.uniform(180, 380)) if random.random() < 0.22 else plain


def _wandering_loop(loop: int, random: np.random.Generator) -> NDArray[np.float64]:
    low, high = np.array([-88.0, -22.0, -140.0]), np.array([80.0, 74.0, -32.0])
    if loop < _JEJUNUM:
        low, high = np.array([-95.0, -12.0, -75.0]), np.array([-15.0, 70.0, 14.0])
    point = random.uniform(low, high)
    direction = random.standard_normal(3)
    points = []
    for _ in range(13):
        direction = 0.55 * direction / np.linalg.norm(direction) + random.standard_normal(3) * (0.55, 0.5, 0.25)
        point = point + direction / np.linalg.norm(direction) * 21
        direction = np.where((point < low) | (point > high), -direction, direction)
        point = np.clip(point, low, high)
        points.append([*point, random.uniform(9.5, 14)])
    return np.array(points)


def _paint_bowel(
    canvas: Canvas,
    patient: Patient,
    points: NDArray[np.float64],
    filling: Filling,
    part: str,
    random: np.random.Generator,
) -> None:
    tube = canvas.tube(smooth_curve(points, 7), details=True)
    region = tube.region
    folds = np.cos(tube.along * np.float32(2 * np.pi * filling.folds)) if filling.folds else np.float32(0)
    uneven = canvas.noise(region, 14, random)
    distance = tube.distance + filling.depth * np.clip(folds, -0.2, 1) + np.float32(0.9) * uneven
    distance = canvas.carve(region, np.asarray(distance, np.float32), patient.gap * 0.7 + 0.4)
    canvas.paint(region, distance, patient.tissue["bowel_wall"], PART_LABELS[part])
    content = _content(canvas, tube, filling, uneven, random)
    canvas.paint(region, distance + np.float32(filling.wall), content)
    canvas.occupy(region, distance)


def _content(canvas: Canvas, tube: Tube, filling: Filling, uneven: Field, random: np.random.Generator) -> Field:
    lumps = canvas.noise(tube.region, 5, random)
    value = filling.value + filling.mottle * np.minimum(lumps, 0.4)
    level = filling.gas + 0.7 * np.sin(
        tube.along * np.float32(random.uniform(8, 20)) + np.float32(random.uniform(0, 6))
    )
    if filling.mottle > 50:  # gas lies on stool unevenly
        level = level + 0.25 * uneven
    above = coverage(level * tube.radius - tube.height, canvas.edge)
    return np.asarray(np.maximum(value, _GAS) * (1 - above) + _GAS * above, np.float32)
