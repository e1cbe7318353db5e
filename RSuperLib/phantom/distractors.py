"""Honest distractors: things that catch the eye and are no lesions to find, or cysts that the report leaves out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from RSuperLib.phantom.canvas import Canvas
from RSuperLib.phantom.facts import Stone
from RSuperLib.phantom.fields import coverage, ellipsoid
from RSuperLib.phantom.parts import PART_LABELS
from RSuperLib.phantom.patient import Patient

_SPARED_MM = 14.0


class DistractorPainter:
    """Paints distractors and lists them.

    Attributes:
        painted: one record each: kind, organ, centre (voxel index, axes right/front/head), diameter_mm.
        stones: the stones among them, which reports may mention.
    """

    def __init__(self, canvas: Canvas, patient: Patient) -> None:
        self.painted: list[dict[str, Any]] = []
        self.stones: list[Stone] = []
        self._canvas = canvas
        self._patient = patient

    def paint_calcifications(self) -> None:
        """Plaques in the aorta of older patients, and stones in the kidneys."""
        random = self._patient.random("calcifications")
        burden = max(0.0, self._patient.age - 50) / 8
        for _ in range(random.poisson(burden * 1.5)):
            self._blob("calcification", "aorta", self._on_surface("aorta", random), random.uniform(2, 6), 600.0, random)
        for side in ("left", "right"):
            if random.random() < 0.08:
                self._stone(side, random)

    def _stone(self, side: str, random: np.random.Generator) -> None:
        centre = self._in_sinus(side)
        if centre is None:
            return
        diameter = max(random.uniform(3, 8), 1.6 * self._canvas.edge)
        self._blob("stone", "kidney", centre, diameter, float(random.uniform(500, 1000)), random)
        self.stones.append(Stone(side, diameter))

    def paint_unreported_cysts(self, organs: list[str], lesions: NDArray[np.uint16]) -> None:
        """Small cysts in liver and kidneys that the report does not mention.

        Args:
            organs: organs that may get some; the report then never calls them clear.
            lesions: (x, y, z) labels of the lesions; cysts keep away from them.
        """
        random = self._patient.random("unreported cysts")
        for organ in organs:
            for _ in range(int(random.integers(1, 3))):
                part = "kidney_left" if organ == "kidney" and random.random() < 0.5 else "kidney_right"
                if organ == "liver":
                    part = f"liver_segment_{random.integers(2, 9)}"
                centre = self._inside(part, random)
                if centre is None or self._near(centre, lesions):
                    continue
                diameter = max(float(random.uniform(4, 7)), 1.5 * self._canvas.edge)
                self._blob("cyst", organ, centre, diameter, 10.0, random)

    def _inside(self, part: str, random: np.random.Generator) -> tuple[int, int, int] | None:
        voxels = np.flatnonzero(self._canvas.part == PART_LABELS[part])
        if len(voxels) < 200:
            return None
        i, j, k = np.unravel_index(int(voxels[random.integers(len(voxels))]), self._canvas.shape)
        return int(i), int(j), int(k)

    def _on_surface(self, part: str, random: np.random.Generator) -> tuple[int, int, int] | None:
        mask = self._canvas.part == PART_LABELS[part]
        inner = mask.copy()
        inner[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[2:, 1:-1] & mask[:-2, 1:-1] & mask[1:-1, 2:] & mask[1:-1, :-2]
        voxels = np.flatnonzero(mask & ~inner)
        if len(voxels) == 0:
            return None
        i, j, k = np.unravel_index(int(voxels[random.integers(len(voxels))]), self._canvas.shape)
        return int(i), int(j), int(k)

    def _in_sinus(self, side: str) -> tuple[int, int, int] | None:
        """Near the middle of the kidney's convex middle part, where the mask leaves the sinus out."""
        voxels = np.argwhere(self._canvas.part == PART_LABELS[f"kidney_{side}"])
        if len(voxels) < 200:
            return None
        middle = voxels.mean(0).round().astype(int)
        return int(middle[0]), int(middle[1]), int(middle[2])

    def _near(self, centre: tuple[int, int, int], lesions: NDArray[np.uint16]) -> bool:
        box = tuple(
            slice(max(0, c - int(_SPARED_MM / s)), c + int(_SPARED_MM / s) + 1)
            for c, s in zip(centre, self._canvas.spacing, strict=True)
        )
        return bool(lesions[box].any())

    def _blob(
        self,
        kind: str,
        organ: str,
        centre: tuple[int, int, int] | None,
        diameter: float,
        value: float,
        random: np.random.Generator,
    ) -> None:
        if centre is None:
            return
        canvas = self._canvas
        reach = [int(np.ceil((diameter / 2 + canvas.edge) / step)) + 1 for step in canvas.spacing]
        box = tuple(
            slice(max(0, c - r), min(n, c + r + 1)) for c, r, n in zip(centre, reach, canvas.shape, strict=True)
        )
        lines = [
            ((np.arange(part.start, part.stop) - c) * step).astype(np.float32)
            for part, c, step in zip(box, centre, canvas.spacing, strict=True)
        ]
        x, y, z = np.meshgrid(*lines, indexing="ij", sparse=True)
        radii = diameter / 2 * np.array([1.0, random.uniform(0.6, 1), random.uniform(0.7, 1)])
        share = coverage(ellipsoid((x, y, z), (0, 0, 0), radii), canvas.edge)
        hu = canvas.hu[box]
        hu += share * (np.float32(value) - hu)
        self.painted.append({"kind": kind, "organ": organ, "centre": list(centre), "diameter_mm": round(diameter, 1)})
