"""What holds the organs: skin, fat, muscle, bones; and the chest with lungs and heart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from RSuperLib.phantom.canvas import Canvas, Region
from RSuperLib.phantom.fields import Coordinates, Field, coverage, ellipsoid, smooth_curve, smooth_min
from RSuperLib.phantom.parts import PART_LABELS
from RSuperLib.phantom.patient import Patient

#: Half width and half depth of the abdominal cavity, template mm.
CAVITY = (119.0, 81.0)
_CAVITY_FRONT = 8.0
_VERTEBRA_PITCH = 33.0
_WALL_MM = 11.0


def paint_torso(canvas: Canvas, patient: Patient) -> Field:
    """Paint skin, fat, muscles and bones, and make all of it solid.

    Returns:
        Signed distance to the diaphragm's underside: negative in the abdomen.
    """
    region = canvas.everywhere
    cavity = cavity_distance(region.at)
    _paint_shell(canvas, patient, cavity)
    canvas.occupy(region, -cavity)
    _paint_back_muscles(canvas, patient)
    _paint_spine(canvas, patient)
    _paint_ribs(canvas, patient)
    return _paint_chest(canvas, patient, cavity)


def cavity_distance(at: Coordinates) -> Field:
    """Signed distance to the inner side of the body wall (a superellipse, narrower towards the neck)."""
    x, y, z = at
    taper = np.float32(1) - np.clip((z - 60) / 600, 0, 0.25) ** np.float32(1.0)
    return _superellipse(x / taper, y - np.float32(_CAVITY_FRONT), CAVITY[0], CAVITY[1], 2.35)


def _superellipse(x: Field, y: Field, a: float, b: float, power: float) -> Field:
    """First-order signed distance to |x/a|^p + |y/b|^p = 1."""
    u, v = np.abs(x) / np.float32(a), np.abs(y) / np.float32(b)
    steep_u, steep_v = u ** (power - 1), v ** (power - 1)
    total = steep_u * u + steep_v * v + np.float32(1e-6)
    level = total ** np.float32(1 / power)
    slope = np.sqrt((steep_u / np.float32(a)) ** 2 + (steep_v / np.float32(b)) ** 2) * level / total
    return np.asarray((level - 1) / (slope + np.float32(1e-4)), np.float32)


def _paint_shell(canvas: Canvas, patient: Patient, cavity: Field) -> None:
    x, y, z = canvas.at
    random = patient.random("shell")
    region = canvas.everywhere
    uneven = canvas.noise(region, 70, random)
    lateral = np.clip(np.abs(x) / 120, 0, 1)
    wall = _wall_thickness(x, y, lateral) + uneven
    back = np.clip(-y / 80, 0, 1)
    fat = patient.fat * (0.75 + 0.25 * (1 - lateral) + 0.35 * back) * (1 + 0.08 * uneven)
    # At the back the wall grows to take the muscles beside the spine, with a furrow over it.
    backs = back * (10 * np.exp(-((x / 78) ** 6)) - 4 * np.exp(-((x / 14) ** 2)))
    skin = (cavity - _WALL_MM * (0.75 + 0.35 * lateral) - uneven - backs - fat) * np.float32(0.97)
    tissue = patient.tissue
    canvas.paint(region, skin, 15.0)
    fatty = tissue["fat"] + 7 * canvas.noise(region, 5, random)
    canvas.paint(region, skin + np.float32(2.2), fatty)
    muscle = tissue["muscle"] + 9 * canvas.noise(region, 7, random)
    canvas.paint(region, cavity - wall, muscle)
    if canvas.edge < 2:  # the layers of the flank muscles only show with small voxels
        layers = coverage(np.abs(cavity - wall * np.float32(0.55)) - np.float32(0.4), canvas.edge)
        canvas.blend(region, layers * (lateral > 0.5) * (y > -50) * (z < 40) * np.float32(0.6), tissue["fat"])
    canvas.paint(region, cavity, fatty)


def _wall_thickness(x: Field, y: Field, lateral: Field) -> Field:
    """Muscle of the abdominal wall, mm: thick in the flanks, thin between the straight muscles in front."""
    front = np.clip(y / 60, 0, 1)
    line = np.exp(-((x / 7) ** 2)) + 0.8 * np.exp(-(((np.abs(x) - 68) / 7) ** 2))
    return np.asarray(_WALL_MM * (0.75 + 0.35 * lateral) * (1 - 0.8 * front * line), np.float32)


def _paint_back_muscles(canvas: Canvas, patient: Patient) -> None:
    random = patient.random("back muscles")
    bulk = random.normal(1.0, 0.08)
    for side in (-1, 1):
        erector = canvas.region((side * 34 - 40, -112, -1e4), (side * 34 + 40, -40, 1e4))
        x, y, _ = erector.at
        distance = _superellipse(x - np.float32(side * 34), y + np.float32(73), 31 * bulk, 20 * bulk, 2.6)
        _paint_muscle(canvas, patient, erector, distance, random)
        psoas = smooth_curve(
            [[side * 22, -22, 25, 5], [side * 29, -22, -30, 13], [side * 38, -20, -80, 19], [side * 48, -8, -150, 21]],
            12,
        )
        tube = canvas.tube(psoas * [1, 1, 1, bulk])
        _paint_muscle(canvas, patient, tube.region, tube.distance, random)
        square = canvas.region((side * 64 - 28, -90, -150), (side * 64 + 28, -40, 20))
        distance = ellipsoid(square.at, (side * 62, -62, -75), (22 * bulk, 11 * bulk, 95))
        _paint_muscle(canvas, patient, square, distance, random)


def _paint_muscle(
    canvas: Canvas, patient: Patient, region: Region, distance: Field, random: np.random.Generator
) -> None:
    strands = canvas.noise(region, 5, random)
    fatty = np.clip(strands - 1.5, 0, 1) * max(0.0, patient.age - 35) * 2
    canvas.paint(region, distance, patient.tissue["muscle"] + 7 * strands - fatty)
    canvas.occupy(region, distance)


def _paint_spine(canvas: Canvas, patient: Patient) -> None:
    random = patient.random("spine")
    density = float(np.clip(random.normal(230 - 1.6 * patient.age, 25), 60, 260))
    region = canvas.region((-48, -105, -1e4), (48, 4, 1e4))
    x, y, z = region.at
    curve = np.float32(6) * np.cos((z + 40) / 75)
    level = (z / _VERTEBRA_PITCH + 1000) % 1 * _VERTEBRA_PITCH - _VERTEBRA_PITCH / 2
    front = y + np.float32(24) - curve
    body = _superellipse(x, front, 22, 16.5, 2.5) + np.float32(2.0) * np.cos(level * np.pi / 14) * (np.abs(level) < 14)
    bone_texture = density + 22 * canvas.noise(region, 3, random)
    canvas.paint(region, body, 85.0)
    canvas.occupy(region, body)
    bone = np.maximum(body, np.abs(level) - np.float32(13))
    canvas.paint(region, bone, 420 + density * 0.6)
    canvas.paint(region, bone + np.float32(1.6), bone_texture)
    arch = _arch_distance(x, front, level)
    canvas.paint(region, arch, 400 + density * 0.5)
    canvas.paint(region, arch + np.float32(2.2), bone_texture)
    canvas.occupy(region, arch)
    canal = _superellipse(x, front + np.float32(25), 10.5, 8, 2.0)
    canvas.paint(region, canal, -20.0)
    canvas.paint(region, canal + np.float32(2.5), 25.0)


def _arch_distance(x: Field, front: Field, level: Field) -> Field:
    """Pedicles, laminae, transverse and spinous processes, from the distance in front of the vertebral centre."""
    ring = np.abs(_superellipse(x, front + np.float32(25), 13.5, 11, 2.0)) - np.float32(2.6)
    ring = np.maximum(ring, np.abs(level + 2) - np.float32(11))
    spine = np.maximum(np.abs(x) - np.float32(3.2), np.abs(front + np.float32(49)) - np.float32(14))
    spine = np.maximum(spine, np.abs(level + 5) - np.float32(9))
    wing = np.hypot(front + np.float32(24 + 4) + np.abs(x) * np.float32(0.12), level) - np.float32(4.2)
    wing = np.maximum(wing, np.abs(np.abs(x) - np.float32(25)) - np.float32(13))
    facet = np.hypot(np.abs(x) - np.float32(17), front + np.float32(33)) - np.float32(6.5)
    joint = np.maximum(facet, np.abs(np.abs(level) - np.float32(12)) - np.float32(7))
    return np.asarray(np.minimum(smooth_min(ring, spine, 4), np.minimum(wing, joint)), np.float32)


def _paint_ribs(canvas: Canvas, patient: Patient) -> None:
    """Twelve pairs of ribs are numbered from below: 12 and 11 float, the others end in cartilage at the front."""
    random = patient.random("ribs")
    slope = random.normal(112, 9)
    for number in range(12, 3, -1):
        back = 18 + (12 - number) * _VERTEBRA_PITCH
        reach = {12: 0.36, 11: 0.58}.get(number, 0.86)
        for side in (-1, 1):
            turn = np.linspace(0.06, reach, max(6, int(26 * reach))) * np.pi
            middle = (CAVITY[0] + 5.5, CAVITY[1] + 5.5)
            bend = np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.85, np.abs(np.sin(turn)) ** 0.85
            z = back + 8 * np.sin(turn) - slope * np.sin(turn / 2) ** 2 * (0.55 if number >= 11 else 1.0)
            x = np.maximum(side * middle[0] * bend[1] * side, 24) * side
            curve = np.column_stack([x, _CAVITY_FRONT - middle[1] * bend[0], z, np.full(len(turn), 5.2)])
            _paint_rib(canvas, curve, number, random)


def _paint_rib(canvas: Canvas, curve: NDArray[np.float64], number: int, random: np.random.Generator) -> None:
    if curve[:, 2].min() > 250:
        return
    tube = canvas.tube(curve, margin=4, details=True)
    marrow = 180 + 30 * canvas.noise(tube.region, 4, random)
    cartilage = np.clip((tube.along - np.float32(0.8)) * 40, 0, 1) if number < 11 else np.zeros_like(tube.along)
    canvas.paint(tube.region, tube.distance, 480 - 370 * cartilage)
    canvas.paint(tube.region, tube.distance + np.float32(1.8), marrow - (marrow - 95) * cartilage)


def _paint_chest(canvas: Canvas, patient: Patient, cavity: Field) -> Field:
    """Lungs, heart and the diaphragm under them."""
    random = patient.random("chest")
    region = canvas.everywhere
    dome = diaphragm_height(region.at, random) - region.at[2]
    below = np.asarray(-dome * np.float32(0.75), np.float32)
    heart = ellipsoid(region.at, (-22 + random.normal(0, 4), 34, 128), (62, 46, 46))
    middle = _superellipse(region.at[0] + np.float32(4), region.at[1] + np.float32(4), 27, 44, 2.0)
    mediastinum = smooth_min(heart - np.float32(5), middle, 15)
    lung = np.maximum(np.maximum(cavity + np.float32(2.5), -below + np.float32(2.5)), np.float32(2.0) - mediastinum)
    lung = np.maximum(lung, np.float32(1.5) - canvas.occupied)
    thorax = np.maximum(cavity, -below)
    canvas.paint(region, np.maximum(thorax, -thorax - np.float32(2.0)), patient.tissue["muscle"])
    _paint_heart(canvas, patient, np.maximum(heart, -below + np.float32(2)), random)
    canvas.paint(region, lung, patient.tissue["lung"] + 18 * canvas.noise(region, 12, random))
    side = np.where(region.at[0] > -4, PART_LABELS["lung_right"], PART_LABELS["lung_left"])
    canvas.part[...] = np.where(lung < 0, side, canvas.part)
    return below


def diaphragm_height(at: Coordinates, random: np.random.Generator) -> Field:
    """Height of the diaphragm: two domes, the right one higher, falling to the ribs and far down at the back."""
    x, y, _ = at
    domes = []
    for centre, peak in ((60, random.normal(97, 7)), (-66, random.normal(87, 7))):
        away_x = (x - np.float32(centre)) / 74
        away_y = (y - np.float32(12)) / np.where(y > 12, np.float32(92), np.float32(70))
        domes.append(np.float32(peak) - 62 * (away_x**2 + away_y**2).astype(np.float32) ** np.float32(1.15))
    middle = np.float32(84) - ((x / 60) ** 2 + ((y - 35) / 50) ** 2) * 20
    return -smooth_min(smooth_min(-domes[0], -domes[1], 20), -middle, 20)


def _paint_heart(canvas: Canvas, patient: Patient, distance: Field, random: np.random.Generator) -> None:
    region = canvas.everywhere
    canvas.paint(region, distance, patient.tissue["muscle"] + 30)
    blood = distance + np.float32(9) + 4 * canvas.noise(region, 30, random)
    canvas.paint(region, blood, patient.tissue["heart"], edge=6)
