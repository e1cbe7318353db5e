"""What lesions there are: how often, how many, how large, how they look, and what reports call them."""

from __future__ import annotations

from dataclasses import dataclass

from RSuperLib.phantom.settings import Phase
from RSuperLib.report.schema import Kind


@dataclass(frozen=True)
class Frequency:
    """How often an organ has lesions. All from the R-Super public per-CT table, 25,154 CTs, rounded.

    Attributes:
        share: share of CTs with a lesion in the organ.
        counts: of these, the shares with 1, 2, 3, 4, 5 lesions (5 = five or more).
        diameter: 10th, 50th and 90th percentile of the largest diameter, mm.
        sized: share whose report gives a size.
    """

    share: float
    counts: tuple[float, ...]
    diameter: tuple[float, float, float]
    sized: float


FREQUENCIES = {
    "liver": Frequency(0.361, (0.55, 0.27, 0.11, 0.04, 0.03), (6, 17, 65), 0.57),
    "kidney": Frequency(0.365, (0.59, 0.31, 0.08, 0.01, 0.01), (5, 15, 48), 0.41),
    "lung": Frequency(0.119, (0.66, 0.24, 0.07, 0.02, 0.01), (3, 5, 17), 0.85),
    "pancreas": Frequency(0.081, (0.77, 0.18, 0.04, 0.01, 0.00), (5, 15, 65), 0.78),
    "spleen": Frequency(0.072, (0.86, 0.12, 0.01, 0.01, 0.00), (6, 13, 58), 0.50),
    "adrenal": Frequency(0.067, (0.88, 0.11, 0.01, 0.00, 0.00), (8, 14, 31), 0.63),
    "colon": Frequency(0.050, (0.87, 0.10, 0.03, 0.00, 0.00), (11, 39, 88), 0.33),
    "stomach": Frequency(0.016, (0.94, 0.05, 0.01, 0.00, 0.00), (10, 27, 89), 0.41),
}


@dataclass(frozen=True)
class Wording:
    """One way a report names a lesion: noun, words after it, and the kind that these words state."""

    noun: str
    kind: Kind
    after: str = ""


@dataclass(frozen=True)
class Entity:
    """One kind of lesion in one organ.

    Attributes:
        kind: what it is.
        weight: how often, relative to the organ's other entities.
        density: its HU whatever the organ has; None = relative to the organ by `delta`.
        delta: HU difference to the organ in the arterial, portal and unenhanced phase.
        texture: HU standard deviation inside; large = heterogeneous.
        edge: how many mm its border is blurred over.
        lobulation: how far the surface strays from an ellipsoid, as a share of the radius.
        core: HU difference of a necrotic centre, in lesions over 3 cm.
        smallest: it is at least so large, mm; smaller ones go by another name.
        wordings: what reports call it.
    """

    kind: Kind
    weight: float
    wordings: tuple[Wording, ...]
    density: float | None = None
    delta: tuple[float, float, float] = (0, 0, 0)
    texture: float = 4
    edge: float = 1.5
    lobulation: float = 0.1
    core: float = 0
    smallest: float = 0

    def difference(self, phase: Phase) -> float:
        """HU difference to the organ in a phase, for entities without a density of their own."""
        return self.delta[("arterial", "portal", "none").index(phase)]


_CYST = (Wording("cyst", "cyst"), Wording("simple cyst", "cyst"), Wording("cystic lesion", "cyst"))
_LESION = Wording("lesion", "indeterminate")
_NODULE = Wording("nodule", "indeterminate")
_MASS = Wording("mass", "tumour")


def _cyst(weight: float) -> Entity:
    return Entity("cyst", weight, _CYST, density=8, texture=2, edge=0, lobulation=0.03)


def _metastasis(weight: float) -> Entity:
    words = (
        Wording("metastasis", "metastasis"),
        Wording("lesion", "metastasis", ", suspicious for metastasis"),
        Wording("lesion", "metastasis", ", likely a metastasis"),
        _LESION,
    )
    return Entity("metastasis", weight, words, delta=(-28, -45, -16), texture=8, edge=4, lobulation=0.2, core=-20)


ENTITIES: dict[str, tuple[Entity, ...]] = {
    "liver": (
        _cyst(0.34),
        _metastasis(0.26),
        Entity("indeterminate", 0.2, (_LESION, Wording("focus", "indeterminate")), delta=(-24, -40, -15), edge=2),
        Entity(
            "tumour",
            0.12,
            (_MASS, Wording("mass", "tumour", ", concerning for hepatocellular carcinoma"), _LESION),
            delta=(42, -22, -12),
            texture=12,
            edge=3,
            lobulation=0.15,
            core=-25,
        ),
        Entity(
            "benign",
            0.08,
            (Wording("hemangioma", "benign"), Wording("lesion", "benign", ", likely a hemangioma"), _LESION),
            delta=(-25, 28, -18),
            texture=10,
            edge=2,
            lobulation=0.2,
        ),
    ),
    "kidney": (
        _cyst(0.62),
        Entity(
            "tumour",
            0.22,
            (
                _MASS,
                Wording("solid mass", "tumour"),
                Wording("mass", "tumour", ", suspicious for renal cell carcinoma"),
            ),
            delta=(-25, -70, 9),
            texture=16,
            edge=2.5,
            lobulation=0.16,
            core=-35,
        ),
        Entity("indeterminate", 0.1, (_LESION, Wording("nodule", "indeterminate")), density=66, texture=3, edge=1),
        Entity(
            "benign",
            0.06,
            (Wording("angiomyolipoma", "benign"), Wording("lesion", "benign", ", likely an angiomyolipoma")),
            density=-48,
            texture=14,
            edge=1.5,
            lobulation=0.1,
        ),
    ),
    "lung": (
        Entity("indeterminate", 0.65, (_NODULE, Wording("pulmonary nodule", "indeterminate")), density=35, edge=1.5),
        Entity(
            "benign",
            0.15,
            (Wording("granuloma", "benign"), Wording("calcified granuloma", "benign")),
            density=420,
            edge=1,
        ),
        Entity(
            "metastasis",
            0.12,
            (Wording("nodule", "metastasis", ", suspicious for metastasis"), _NODULE),
            density=40,
            edge=1.5,
        ),
        Entity("tumour", 0.08, (_MASS,), density=45, texture=10, edge=2.5, lobulation=0.25, core=-20, smallest=30),
    ),
    "pancreas": (
        _cyst(0.45),
        Entity(
            "tumour",
            0.4,
            (_MASS, Wording("mass", "tumour", ", concerning for adenocarcinoma"), _LESION),
            delta=(-38, -34, -8),
            texture=6,
            edge=4,
            lobulation=0.2,
        ),
        Entity(
            "tumour",
            0.15,
            (Wording("lesion", "tumour", ", suspicious for a neuroendocrine tumor"), _NODULE),
            delta=(60, 30, 6),
            texture=6,
            edge=2,
        ),
    ),
    "spleen": (
        _cyst(0.4),
        Entity("indeterminate", 0.45, (_LESION, Wording("focus", "indeterminate")), delta=(-40, -38, -12), edge=2.5),
        Entity(
            "benign",
            0.15,
            (Wording("hemangioma", "benign"), Wording("lesion", "benign", ", likely a hemangioma")),
            delta=(-35, 22, -10),
            texture=8,
            edge=2,
        ),
    ),
    "adrenal": (
        Entity(
            "benign",
            0.55,
            (Wording("adenoma", "benign"), Wording("nodule", "benign", ", likely an adenoma"), _NODULE),
            delta=(-22, -22, -16),
            lobulation=0.08,
            edge=1,
        ),
        Entity(
            "metastasis",
            0.2,
            (Wording("mass", "metastasis", ", suspicious for metastasis"), _MASS),
            delta=(-5, -14, 10),
            texture=12,
            lobulation=0.15,
            edge=2,
            core=-20,
        ),
        Entity("indeterminate", 0.25, (_NODULE, _LESION), delta=(15, 12, 10), edge=1),
    ),
    "colon": (
        Entity(
            "tumour",
            1.0,
            (_MASS, Wording("mass", "tumour", ", concerning for malignancy")),
            density=75,
            texture=8,
            edge=2,
            lobulation=0.25,
            smallest=18,
        ),
    ),
    "stomach": (
        Entity(
            "tumour",
            0.7,
            (_MASS, Wording("mass", "tumour", ", suspicious for malignancy")),
            density=70,
            texture=8,
            edge=2,
            lobulation=0.2,
            smallest=15,
        ),
        Entity("indeterminate", 0.3, (_LESION, _NODULE), density=60, texture=4, edge=1.5),
    ),
}
