"""Lesions of a patient: which ones, where, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from RSuperLib.phantom.canvas import Canvas
from RSuperLib.phantom.entities import ENTITIES, FREQUENCIES, Entity
from RSuperLib.phantom.fields import Coordinates, Field, coverage, smooth_noise
from RSuperLib.phantom.measure import lesion_diameters
from RSuperLib.phantom.parts import ORGAN_PARTS, PART_LABELS, organ_labels, side_of
from RSuperLib.phantom.patient import Patient
from RSuperLib.phantom.settings import PhantomSettings
from RSuperLib.phantom.shapes import Shape, lobulated_ellipsoid, shape_from_mask, tumours_of_folder
from RSuperLib.report.schema import Attenuation, Kind

#: Largest lesion that still leaves the organ recognisable, mm.
_LARGEST_MM = {
    "liver": 110, "kidney": 75, "lung": 45, "pancreas": 50, "spleen": 60, "adrenal": 45, "colon": 55, "stomach": 55,
}  # fmt: skip
_TRIES = 25
#: Solid lesions are not darker than this.
_SOLID_HU = 18.0
#: A part counts as holding a lesion if it holds at least this share of it.
PART_SHARE = 0.25
#: Soft tissue and bowel give way to lesions that grow out of these organs; other lesions stay inside.
_GROWS_OUT = ("kidney", "pancreas", "adrenal", "colon", "stomach")


@dataclass(frozen=True)
class PlannedLesion:
    """A lesion to be placed: its organ, entity and diameter in mm (None = the shape decides)."""

    organ: str
    entity: Entity
    diameter: float | None


@dataclass(frozen=True)
class PlacedLesion:
    """A lesion in the image, measured on its mask.

    Attributes:
        label: value in the label map of lesions, from 1.
        organ: organ as findings name it.
        entity: what it is.
        parts: parts that hold at least a quarter of it, fullest first.
        side: left or right for paired organs.
        attenuation: how it looks against its organ.
        volume_mm3: volume of its voxels.
        diameters_mm: longest axial, perpendicular, craniocaudal.
        centre: (x, y, z) voxel index of its centre of mass.
        centre_template: the same in template mm, for naming where in the organ it lies.
    """

    label: int
    organ: str
    entity: Entity
    parts: tuple[str, ...]
    side: str | None
    attenuation: Attenuation
    volume_mm3: float
    diameters_mm: tuple[float, float, float]
    centre: tuple[float, float, float]
    centre_template: tuple[float, float, float]


def plan_lesions(settings: PhantomSettings, smallest_mm: float, random: np.random.Generator) -> list[PlannedLesion]:
    """Draw organs, numbers, kinds and sizes of a patient with lesions, the largest first."""
    share = np.array([FREQUENCIES[organ].share for organ in settings.organs])
    chosen = random.random(len(share)) < share
    if not chosen.any():
        chosen[random.choice(len(share), p=share / share.sum())] = True
    plans: list[PlannedLesion] = []
    for organ in np.array(settings.organs)[chosen]:
        plans += _plan_organ(str(organ), settings, smallest_mm, random)
    return sorted(plans[: settings.max_lesions], key=lambda plan: -(plan.diameter or 0))


def _plan_organ(
    organ: str, settings: PhantomSettings, smallest_mm: float, random: np.random.Generator
) -> list[PlannedLesion]:
    frequency = FREQUENCIES[organ]
    counts = np.array(frequency.counts)
    count = 1 + int(random.choice(len(counts), p=counts / counts.sum()))
    if count == 5:
        count += int(random.geometric(0.5)) - 1
    entities = ENTITIES[organ]
    weights = np.array([entity.weight for entity in entities])
    first = entities[random.choice(len(entities), p=weights / weights.sum())]
    low, middle, high = frequency.diameter
    spread = np.log(high / low) / 2.563  # distance of the 10th and 90th percentile of a normal distribution
    largest = float(np.clip(np.exp(random.normal(np.log(middle), spread)), smallest_mm, _LARGEST_MM[organ]))
    plans = []
    for index in range(count):
        same = index == 0 or random.random() < 0.8
        entity = first if same else entities[random.choice(len(entities), p=weights / weights.sum())]
        diameter = largest if index == 0 else max(smallest_mm, largest * random.uniform(0.35, 0.95))
        diameter = max(diameter, entity.smallest)
        plans.append(PlannedLesion(organ, entity, None if settings.geometry else diameter))
    return plans


class LesionPainter:
    """Places lesions on a canvas and keeps their masks.

    Attributes:
        labels: (x, y, z) uint16, k = lesion k.
        placed: the lesions, label 1 first.
    """

    def __init__(self, canvas: Canvas, patient: Patient, settings: PhantomSettings) -> None:
        self.canvas = canvas
        self.labels = np.zeros(canvas.shape, np.uint16)
        self.placed: list[PlacedLesion] = []
        self._patient = patient
        self._settings = settings
        self._taken = np.zeros(canvas.shape, bool)
        self._depths: dict[str, tuple[tuple[slice, ...], Field]] = {}

    def place(self, plan: PlannedLesion, random: np.random.Generator) -> PlacedLesion | None:
        """Try to place a planned lesion; it shrinks when there is no room, and is given up at last."""
        for attempt in range(_TRIES):
            if plan.diameter and attempt and attempt % 6 == 0:
                plan = replace(plan, diameter=plan.diameter * 0.8)
            shape = self._shape(plan, random)
            found = self._try(plan, shape, random)
            if found is not None:
                return found
        return None

    def _shape(self, plan: PlannedLesion, random: np.random.Generator) -> Shape:
        if plan.diameter is None:
            tumours = tumours_of_folder(self._settings.geometry) if self._settings.geometry else ()
            fitting = [t for t in tumours if 2 * t.radius <= _LARGEST_MM[plan.organ] * 1.3] or list(tumours)
            return shape_from_mask(fitting[random.integers(len(fitting))], random)
        return lobulated_ellipsoid(plan.diameter, plan.entity.lobulation, random)

    def _try(self, plan: PlannedLesion, shape: Shape, random: np.random.Generator) -> PlacedLesion | None:
        centre = self._draw_centre(plan.organ, shape.radius, random)
        if centre is None:
            return None
        box, at = self._around(centre, shape.radius + plan.entity.edge + 2)
        distance = shape.distance(at)
        whole = distance < 0
        mask = whole & self._allowed(plan.organ, box, centre)
        mask = _largest_piece(mask)
        near = ndimage.binary_dilation(mask, iterations=2)
        if mask.sum() < max(4, 0.55 * whole.sum()) or (near & self._taken[box]).any():
            return None
        own = np.isin(self.canvas.part[box], organ_labels(plan.organ))
        if (mask & own).sum() < 0.12 * mask.sum():
            return None
        return self._paint(plan, box, distance, mask, random)

    def _draw_centre(self, organ: str, radius: float, random: np.random.Generator) -> NDArray[np.int64] | None:
        """A random voxel of the organ, deep enough that most of the lesion has room."""
        box, depth = self._depth(organ)
        if depth.size == 0:
            return None
        inside = depth > 0
        if organ in _GROWS_OUT:
            deepest = float(np.percentile(depth[inside], 90))
            suits = inside & (depth <= max(deepest, 0.7 * radius))
        else:
            # Blood supply ends at the surface: lesions touch it, but do not bulge far.
            suits = inside & (depth >= min(0.75 * radius, float(depth.max()) * 0.8))
        candidates = np.flatnonzero(suits)
        if len(candidates) == 0:
            return None
        index = np.unravel_index(candidates[random.integers(len(candidates))], depth.shape)
        return np.array([int(i) + edge.start for i, edge in zip(index, box, strict=True)])

    def _depth(self, organ: str) -> tuple[tuple[slice, ...], Field]:
        if organ not in self._depths:
            mask = np.isin(self.canvas.part, organ_labels(organ))
            box = ndimage.find_objects(mask.astype(np.uint8))
            where = box[0] if box else (slice(0, 0),) * 3
            solid = np.ascontiguousarray(np.pad(mask[where], 1))
            depth = edt.edt(solid, anisotropy=self.canvas.spacing)[1:-1, 1:-1, 1:-1] if box else np.zeros((0, 0, 0))
            self._depths[organ] = (where, depth.astype(np.float32))
        return self._depths[organ]

    def _around(self, centre: NDArray[np.int64], radius: float) -> tuple[tuple[slice, ...], Coordinates]:
        reach = np.ceil(radius / np.array(self.canvas.spacing)).astype(int)
        box = tuple(
            slice(max(0, c - r), min(n, c + r + 1)) for c, r, n in zip(centre, reach, self.canvas.shape, strict=True)
        )
        lines = [
            ((np.arange(part.start, part.stop) - c) * step).astype(np.float32)
            for part, c, step in zip(box, centre, self.canvas.spacing, strict=True)
        ]
        x, y, z = np.meshgrid(*lines, indexing="ij", sparse=True)
        return box, (x, y, z)

    def _allowed(self, organ: str, box: tuple[slice, ...], centre: NDArray[np.int64]) -> NDArray[np.bool_]:
        part = self.canvas.part[box]
        labels = organ_labels(organ)
        if organ in ("kidney", "adrenal", "lung"):
            labels = [int(self.canvas.part[tuple(centre)])]
        allowed = np.isin(part, labels)
        if organ in _GROWS_OUT:
            soft = [PART_LABELS[name] for name in ("intestine", "colon", "duodenum", "stomach")]
            abdomen = (part == 0) & (self.canvas.occupied[box] > -0.5) if organ != "kidney" else (part == 0)
            free = abdomen & (self.canvas.hu[box] < 40) & (self.canvas.hu[box] > -200)
            allowed |= free | np.isin(part, soft)
        return np.asarray(allowed & ~self._taken[box])

    def _paint(
        self,
        plan: PlannedLesion,
        box: tuple[slice, ...],
        distance: Field,
        mask: NDArray[np.bool_],
        random: np.random.Generator,
    ) -> PlacedLesion:
        canvas, entity = self.canvas, plan.entity
        organ = self._organ_hu(plan.organ, box, mask)
        value, attenuation = self._appearance(entity, organ, distance, random)
        inner = np.where(mask, distance, np.maximum(distance, canvas.edge))
        share = coverage(np.asarray(inner, np.float32), max(entity.edge, canvas.edge))
        share = np.where(mask, np.maximum(share, 0.5), share)
        hu = canvas.hu[box]
        hu += share.astype(np.float32) * (value - hu)
        shares = self._part_shares(plan.organ, box, mask)
        self._claim_parts(plan.organ, box, mask, shares)
        label = len(self.placed) + 1
        self.labels[box][mask] = label
        self._taken[box] |= mask
        lesion = self._measure(label, plan, mask, box, shares, attenuation)
        self.placed.append(lesion)
        return lesion

    def _organ_hu(self, organ: str, box: tuple[slice, ...], mask: NDArray[np.bool_]) -> float:
        """Median HU of the organ near the lesion; of hollow organs that of the wall."""
        if organ in ("colon", "stomach"):
            return self._patient.tissue["bowel_wall"]
        own = np.isin(self.canvas.part[box], organ_labels(organ)) & ~self._taken[box]
        values = self.canvas.hu[box][own & ~mask]
        if len(values) < 20:
            values = self.canvas.hu[np.isin(self.canvas.part, organ_labels(organ))]
        return float(np.median(values))

    def _appearance(
        self, entity: Entity, organ_hu: float, distance: Field, random: np.random.Generator
    ) -> tuple[Field, Attenuation]:
        """HU inside the lesion, and the word for it."""
        level = entity.density
        if level is None:
            contrast = self._settings.contrast * random.uniform(0.8, 1.25)
            level = max(organ_hu + entity.difference(self._patient.phase) * contrast, _SOLID_HU)
        else:
            level += random.normal(0, 3)
        radius = float(-distance.min())
        noise = smooth_noise(distance.shape, self.canvas.spacing, max(4.0, radius * 0.5), random)
        value = level + entity.texture * noise
        mixed = entity.texture >= 12
        if entity.core and radius > 15:
            value = value + entity.core * coverage(distance + np.float32(radius * 0.5), radius * 0.3)
            mixed = True
        return np.asarray(value, np.float32), _attenuation_word(level, organ_hu, mixed, entity.kind)

    def _part_shares(self, organ: str, box: tuple[slice, ...], mask: NDArray[np.bool_]) -> dict[str, float]:
        part = self.canvas.part[box][mask]
        counts = {name: int((part == PART_LABELS[name]).sum()) for name in ORGAN_PARTS[organ]}
        total = sum(counts.values())
        order = sorted(counts, key=lambda name: -counts[name])
        return {name: counts[name] / total for name in order if counts[name]}

    def _claim_parts(
        self, organ: str, box: tuple[slice, ...], mask: NDArray[np.bool_], shares: dict[str, float]
    ) -> None:
        """What a lesion takes belongs to its organ; but lung masks leave solid tumours out, as real ones do."""
        part = self.canvas.part[box]
        if organ == "lung":
            part[mask] = 0
            return
        outside = mask & ~np.isin(part, organ_labels(organ))
        part[outside] = PART_LABELS[next(iter(shares))]

    def _measure(
        self,
        label: int,
        plan: PlannedLesion,
        mask: NDArray[np.bool_],
        box: tuple[slice, ...],
        shares: dict[str, float],
        attenuation: Attenuation,
    ) -> PlacedLesion:
        middle = np.argwhere(mask).mean(0) + [edge.start for edge in box]
        nearest = tuple(np.round(middle).astype(int))
        parts = tuple(name for name, share in shares.items() if share >= PART_SHARE)
        return PlacedLesion(
            label=label,
            organ=plan.organ,
            entity=plan.entity,
            parts=parts,
            side=side_of(parts[0]),
            attenuation=attenuation,
            volume_mm3=float(mask.sum() * np.prod(self.canvas.spacing)),
            diameters_mm=lesion_diameters(mask, self.canvas.spacing),
            centre=(float(middle[0]), float(middle[1]), float(middle[2])),
            centre_template=tuple(float(axis[nearest]) for axis in self.canvas.at),  # type: ignore[arg-type]
        )


def _largest_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if not mask.any():
        return mask
    pieces = cc3d.connected_components(mask, connectivity=6)
    return np.asarray(pieces == 1 + np.bincount(pieces[pieces > 0])[1:].argmax())


def _attenuation_word(level: float, organ_hu: float, mixed: bool, kind: Kind) -> Attenuation:
    if level > 250:
        return "calcified"
    if -120 < level < -20:
        return "fat"
    if kind == "cyst":
        return "fluid"
    if mixed:
        return "mixed"
    if abs(level - organ_hu) < 8:
        return "iso"
    return "hyper" if level > organ_hu else "hypo"
