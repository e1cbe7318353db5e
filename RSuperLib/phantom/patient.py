"""One made-up patient: habitus, contrast phase and tissue HU. Everything follows from the seed."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np

from RSuperLib.phantom.settings import PhantomSettings, Phase

_PHASES: tuple[Phase, ...] = ("arterial", "portal", "none")

#: Typical HU in the arterial phase, the portal venous phase and without contrast (textbook ranges, not measured).
_TISSUE_HU: dict[str, tuple[float, float, float]] = {
    "fat": (-105, -105, -105),
    "muscle": (58, 62, 52),
    "aorta": (310, 160, 42),
    "vena_cava": (95, 145, 40),
    "portal_vein": (125, 175, 41),
    "liver": (72, 112, 58),
    "hepatic_vein": (78, 165, 42),
    "spleen": (125, 122, 49),
    "pancreas": (112, 102, 43),
    "cortex": (185, 175, 34),
    "medulla": (85, 158, 31),
    "adrenal": (72, 76, 24),
    "bowel_wall": (88, 92, 42),
    "bile": (8, 8, 8),
    "urine": (6, 6, 6),
    "heart": (220, 150, 42),
    "lung": (-850, -850, -850),
}


@dataclass(frozen=True)
class Patient:
    """Everything about a patient that more than one structure needs.

    Attributes:
        seed: all randomness derives from it.
        phase: contrast phase.
        scale: patient mm per template mm (right, front, head).
        fat: thickness of the fat under the skin, mm.
        gap: thickness of the fat between organs, mm.
        tissue: HU by tissue.
        age: years; older patients have more calcification.
        gallbladder: whether it is still there.
    """

    seed: int
    phase: Phase
    scale: tuple[float, float, float]
    fat: float
    gap: float
    age: int
    gallbladder: bool
    tissue: dict[str, float] = field(default_factory=dict)

    def random(self, name: str) -> np.random.Generator:
        """An own stream of random numbers for each use, so that uses do not disturb each other."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])


def make_patient(seed: int, settings: PhantomSettings) -> Patient:
    """Draw a patient."""
    random = np.random.default_rng([seed, zlib.crc32(b"patient")])
    # Portal venous is the commonest phase of abdominal CT.
    phase = _PHASES[random.choice(3, p=(0.2, 0.55, 0.25))]
    if settings.phase != "any":
        phase = settings.phase
    build = float(np.clip(random.normal(0, 1), -1.8, 2.2))
    size = random.normal(1.0, 0.035)
    scale = (
        float(size * (1.0 + 0.05 * build)),
        float(size * (1.0 + 0.06 * build)),
        float(size * random.normal(1.0, 0.03)),
    )
    return Patient(
        seed=seed,
        phase=phase,
        scale=scale,
        fat=float(np.clip(17 * np.exp(0.4 * build + random.normal(0, 0.2)), 6, 42)),
        gap=float(np.clip(1.6 + 0.9 * build + random.normal(0, 0.5), 0.6, 5)),
        age=int(np.clip(random.normal(58, 15), 20, 92)),
        gallbladder=bool(random.random() > 0.12),
        tissue=_draw_tissue(phase, random),
    )


def _draw_tissue(phase: Phase, random: np.random.Generator) -> dict[str, float]:
    column = _PHASES.index(phase)
    enhancement = random.normal(1.0, 0.08)
    tissue = {}
    for name, values in _TISSUE_HU.items():
        plain = values[2]
        tissue[name] = plain + (values[column] - plain) * enhancement + random.normal(0, 2.5)
    if random.random() < 0.2:  # fatty liver
        tissue["liver"] -= random.uniform(10, 40)
    return tissue
